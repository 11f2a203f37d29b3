"""Opening wallets and keeping notes on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from events.models import OutboxEvent
from tests.people import Company, asks, books_now, fund
from wallet_project.kit.money import UnknownCurrency
from wallets import errors, idempotency, queries, verification
from wallets.identity import WalletIdentity, identify
from wallets.models import Wallet, WalletStatus
from wallets.operations.deposit import deposit
from wallets.operations.open_wallet import Opened, open_wallet
from wallets.operations.update_metadata import update_metadata


def opens(company: Company, key: str | None = None, **more: Any) -> Opened:
    """Open a wallet of Alice's with usual values."""
    values: dict[str, Any] = {
        "user_id": "alice",
        "reference": None,
        "currency": "USD",
        "metadata": {},
    }
    made = idempotency.made_here(company.id)
    chosen = made if key is None else idempotency.from_header(company.id, key)
    return open_wallet(client=company.id, key=chosen, **{**values, **more})


class TestOpen:
    def test_a_new_wallet_is_active_and_empty(self, client_acme: Company) -> None:
        wallet = opens(client_acme, metadata={"tier": "gold"}).wallet

        assert (wallet.status, wallet.balance, wallet.held, wallet.available) == (
            WalletStatus.ACTIVE,
            0,
            0,
            0,
        )
        assert (wallet.version, wallet.metadata) == (1, {"tier": "gold"})
        event = OutboxEvent.objects.get()
        assert (event.type, event.sequence, event.stream) == ("wallet.created.v1", 1, wallet.id)
        assert verification.verify().findings == []

    def test_the_same_key_tells_the_wallet_as_it_was_opened(self, client_acme: Company) -> None:
        first = opens(client_acme, key="k", reference="main", metadata={"a": 1})
        wallet = identify(client_acme.id, "main")
        deposit(wallet=wallet, request=asks(500, wallet=wallet))
        update_metadata(wallet=wallet, patch={"a": 2}, expected_version=None)

        again = opens(client_acme, key="k", reference="main", metadata={"a": 1})

        assert again.replayed
        assert again.wallet == first.wallet
        assert Wallet.objects.count() == 1

    def test_the_same_key_with_another_request_is_refused(self, client_acme: Company) -> None:
        opens(client_acme, key="k")
        before = books_now()

        with pytest.raises(errors.KeyReused):
            opens(client_acme, key="k", user_id="bob")

        assert books_now() == before

    def test_a_key_that_moved_money_opens_no_wallet(
        self, client_acme: Company, alice: WalletIdentity
    ) -> None:
        deposit(wallet=alice, request=asks(1, wallet=alice, key="k"))

        with pytest.raises(errors.KeyReused):
            opens(client_acme, key="k")

    def test_a_reference_belongs_to_one_wallet_of_a_client(
        self, client_acme: Company, client_globex: Company
    ) -> None:
        opens(client_acme, reference="main")
        before = books_now()

        with pytest.raises(errors.ReferenceTaken):
            opens(client_acme, reference="main")

        assert books_now() == before
        opens(client_acme, reference="MAIN")
        opens(client_globex, reference="main")

    def test_twenty_at_once_with_one_key_open_one_wallet(self, client_acme: Company) -> None:
        with ThreadPoolExecutor(20) as pool:
            opened = list(pool.map(lambda _: opens(client_acme, key="once"), range(20)))

        assert len({one.wallet.id for one in opened}) == 1
        assert Wallet.objects.count() == 1
        assert verification.verify().findings == []

    def test_twenty_at_once_with_one_reference_open_one_wallet(self, client_acme: Company) -> None:
        def outcome(_: int) -> str:
            try:
                opens(client_acme, reference="main")
            except errors.ReferenceTaken:
                return "taken"
            return "opened"

        with ThreadPoolExecutor(20) as pool:
            outcomes = list(pool.map(outcome, range(20)))

        assert outcomes.count("opened") == 1
        assert Wallet.objects.count() == 1

    @pytest.mark.parametrize("currency", ["usd", "XXX", ""])
    def test_refuses_what_is_no_currency(self, client_acme: Company, currency: str) -> None:
        with pytest.raises(UnknownCurrency):
            opens(client_acme, currency=currency)

        assert Wallet.objects.count() == 0


class TestIdentify:
    def test_finds_by_id_in_any_case_and_by_reference(self, alice: WalletIdentity) -> None:
        for name in (str(alice.id), str(alice.id).upper(), "alice"):
            assert identify(alice.client, name) == alice

    @pytest.mark.parametrize("name", ["Alice", "alice ", "bob", "", "a" * 65, "\x00", "ä"])
    def test_knows_no_other_name(self, alice: WalletIdentity, name: str) -> None:
        with pytest.raises(errors.WalletNotFound):
            identify(alice.client, name)

    def test_does_not_see_another_clients_wallet(
        self, alice: WalletIdentity, charlie: WalletIdentity
    ) -> None:
        for name in (str(charlie.id), "charlie"):
            with pytest.raises(errors.WalletNotFound):
                identify(alice.client, name)


class TestUpdateMetadata:
    def test_merges_and_takes_one_step_of_the_version(self, alice: WalletIdentity) -> None:
        update_metadata(wallet=alice, patch={"a": {"b": 1, "c": 2}}, expected_version=1)

        view = update_metadata(wallet=alice, patch={"a": {"b": None}, "d": [1]}, expected_version=2)

        assert (view.metadata, view.version) == ({"a": {"c": 2}, "d": [1]}, 3)
        told = OutboxEvent.objects.filter(stream=alice.id).order_by("sequence")
        assert list(told.values_list("type", flat=True)) == [
            "wallet.created.v1",
            "wallet.updated.v1",
            "wallet.updated.v1",
        ]

    def test_a_patch_without_effect_tells_nothing(self, alice: WalletIdentity) -> None:
        before = books_now()

        update_metadata(wallet=alice, patch={"missing": None}, expected_version=None)

        assert books_now() == before

    def test_refuses_an_old_version(self, alice: WalletIdentity) -> None:
        fund(alice, 1)
        before = books_now()

        with pytest.raises(errors.PreconditionFailed):
            update_metadata(wallet=alice, patch={"a": 1}, expected_version=1)

        assert books_now() == before

    def test_refuses_what_is_too_large(self, alice: WalletIdentity) -> None:
        before = books_now()

        with pytest.raises(errors.FieldInvalid):
            update_metadata(wallet=alice, patch={"a": "x" * 5000}, expected_version=None)
        with pytest.raises(errors.FieldInvalid):
            update_metadata(
                wallet=alice, patch={str(n): n for n in range(21)}, expected_version=None
            )

        assert books_now() == before

    def test_loses_no_patch_when_many_come_at_once(self, alice: WalletIdentity) -> None:
        def patch(number: int) -> None:
            update_metadata(wallet=alice, patch={f"k{number}": number}, expected_version=None)

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(patch, range(10)))

        view = queries.wallet(alice)
        assert view.metadata == {f"k{number}": number for number in range(10)}
        assert view.version == 11
        assert verification.verify().findings == []
