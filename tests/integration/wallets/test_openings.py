"""A wallet is made by its first credit, in the transaction of that credit, or not at all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections, transaction

from events.models import OutboxEvent
from ledger.models import Account
from tests.people import Company, asks, balance, books_now, fund, refusals, wallet_of
from wallet_project.kit import clock, database
from wallet_project.kit.ids import uuid7
from wallets import errors, verification
from wallets.identity import WalletIdentity, identify
from wallets.models import Wallet
from wallets.operations import _locking, _movement, _openings, by_name, group_commit
from wallets.operations._commands import MovementCommand, Outcome
from wallets.operations.by_name import Payee
from wallets.operations.deposit import deposit


def payee(company: Company, name: str) -> Payee:
    return by_name.payee(client=company.id, client_name=company.name, name=name, field="walletId")


def credit(company: Company, name: str, amount: int, *, key: str | None = None) -> MovementCommand:
    to = payee(company, name)
    return by_name.deposit(payee=to, request=asks(amount, wallet=to.wallet, key=key))


def pay(
    company: Company, source: WalletIdentity, name: str, amount: int, *, key: str | None = None
) -> MovementCommand:
    return by_name.transfer(
        source=source,
        payee=payee(company, name),
        request=asks(amount, wallet=source, key=key),
    )


def told(name: str) -> list[tuple[int | None, str]]:
    """List sequence and type of a wallet's events, as the outbox will send them."""
    wallet = Wallet.objects.get(reference=name)
    rows = OutboxEvent.objects.filter(stream=wallet.pk).order_by("id")
    return list(rows.values_list("sequence", "type"))


def test_the_first_deposit_makes_account_wallet_and_both_events(client_acme: Company) -> None:
    record = group_commit.run(credit(client_acme, "dora", 500)).unwrap()

    wallet = Wallet.objects.get(reference="dora")
    assert (record.wallet_id, record.balance, record.version) == (wallet.pk, 500, 2)
    assert (wallet.balance, wallet.version, wallet.posting_sequence) == (500, 2, 1)
    assert (wallet.currency, wallet.user_id, wallet.idempotency_key) == ("USD", None, None)
    assert wallet.last_posted_at is not None
    assert wallet.created_at <= wallet.last_posted_at
    assert Account.objects.filter(pk=wallet.pk, code=f"wallet:{wallet.pk}").exists()
    assert told("dora") == [(1, "wallet.created.v1"), (2, "wallet.deposited.v1")]
    first = OutboxEvent.objects.filter(stream=wallet.pk).order_by("id")[0]
    assert json.loads(bytes(first.payload))["balance"] == "0.00"
    assert verification.verify().findings == []


def test_the_first_transfer_makes_its_destination(
    client_acme: Company, alice: WalletIdentity
) -> None:
    fund(alice, 500)

    record = group_commit.run(pay(client_acme, alice, "dora", 200)).unwrap()

    dora = identify(client_acme.id, "dora")
    assert (balance(alice), balance(dora)) == (300, 200)
    assert record.destination_wallet_id == dora.id
    assert told("dora") == [(1, "wallet.created.v1"), (2, "wallet.transfer_received.v1")]
    assert verification.verify().findings == []


def test_the_default_currency_is_for_new_wallets_only(client_acme: Company, settings: Any) -> None:
    settings.DEFAULT_CURRENCY = "JPY"
    wallet_of(client_acme, "euro", currency="EUR")

    for name in ("euro", "yen"):
        group_commit.run(credit(client_acme, name, 5)).unwrap()

    found = dict(Wallet.objects.values_list("reference", "currency"))
    assert found == {"euro": "EUR", "yen": "JPY"}


def test_a_refused_command_makes_no_wallet(client_acme: Company, alice: WalletIdentity) -> None:
    fund(alice, 100)
    before = books_now()

    outcome = group_commit.run(pay(client_acme, alice, "dora", 101, key="k"))

    assert isinstance(outcome.error, errors.InsufficientFunds)
    assert books_now() == before
    assert not Account.objects.filter(code__contains="dora").exists()
    assert refusals() == ["insufficient_funds"]
    # Final for its key, also when money and destination are there.
    fund(alice, 100)
    group_commit.run(credit(client_acme, "dora", 1)).unwrap()
    again = group_commit.run(pay(client_acme, alice, "dora", 101, key="k"))
    assert (again.replayed, type(again.error)) == (True, errors.InsufficientFunds)


def test_a_late_command_makes_no_wallet(client_acme: Company) -> None:
    late = replace(credit(client_acme, "dora", 1), deadline=0.0)

    (outcome,) = _movement.execute([late])

    assert outcome.error is not None
    assert not Wallet.objects.exists()


def test_a_repeat_after_the_wallet_was_made_is_a_replay(
    client_acme: Company, alice: WalletIdentity
) -> None:
    fund(alice, 100)
    makers: list[Callable[[str], MovementCommand]] = [
        lambda name: credit(client_acme, name, 50, key="d"),
        lambda name: pay(client_acme, alice, name, 50, key="t"),
    ]
    for make in makers:
        name = make("x").key.shown + "ora"
        unsent = make(name)
        first = group_commit.run(make(name)).unwrap()
        by_id = make(str(Wallet.objects.get(reference=name).pk))
        before = books_now()

        # Sent again; prepared before the wallet was there; and by the id of what was made.
        for again in (make(name), unsent, by_id):
            outcome = group_commit.run(again)
            assert (outcome.record, outcome.replayed) == (first, True)
        other = group_commit.run(credit(client_acme, "other", 50, key=first.kind[0]))
        assert isinstance(other.error, errors.KeyReused)
        assert books_now() == before


def test_a_list_may_open_one_name_many_times(client_acme: Company, alice: WalletIdentity) -> None:
    fund(alice, 100)
    commands = [
        pay(client_acme, alice, "zoe", 1_000),  # refused: makes nothing
        credit(client_acme, "zoe", 5, key="z"),
        credit(client_acme, "dora", 7),
        credit(client_acme, "zoe", 5, key="z"),
        pay(client_acme, alice, "zoe", 30),
        credit(client_acme, "dora", 1),
        credit(client_acme, "alice", 2),
    ]

    outcomes = _movement.execute(commands)

    assert [o.error.code if o.error else o.replayed for o in outcomes] == [
        "insufficient_funds",
        False,
        False,
        True,
        False,
        False,
        False,
    ]
    people = [identify(client_acme.id, name) for name in ("alice", "dora", "zoe")]
    assert [balance(wallet) for wallet in people] == [72, 8, 35]
    assert [sequence for sequence, _ in told("zoe")] == [1, 2, 3]
    assert Wallet.objects.count() == 3
    assert verification.verify().findings == []


def test_one_name_of_two_clients_is_two_wallets(
    client_acme: Company, client_globex: Company
) -> None:
    outcomes = _movement.execute([credit(client_acme, "x", 1), credit(client_globex, "x", 2)])

    assert [outcome.unwrap().balance for outcome in outcomes] == [1, 2]
    assert Wallet.objects.count() == 2


def test_a_wallet_made_meanwhile_is_found_by_the_second_try(
    client_acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a duplicate key means here: a twin in another process was first."""
    command = credit(client_acme, "dora", 5)
    group_commit.run(credit(client_acme, "dora", 7)).unwrap()
    looks = []
    really = _openings._existing

    def blind_at_first(names: Any) -> Any:
        looks.append(names)
        return {} if len(looks) == 1 else really(names)

    monkeypatch.setattr(_openings, "_existing", blind_at_first)
    (outcome,) = _movement.execute([command], policy=database.LEADER)

    assert len(looks) == 2
    assert outcome.unwrap().balance == 12
    assert told("dora") == [
        (1, "wallet.created.v1"),
        (2, "wallet.deposited.v1"),
        (3, "wallet.deposited.v1"),
    ]


def test_a_wallet_opened_meanwhile_in_another_currency_burns_nothing(
    client_acme: Company,
) -> None:
    command = credit(client_acme, "dora", 5, key="k")
    dora = wallet_of(client_acme, "dora", currency="JPY")
    before = books_now()

    outcome = group_commit.run(command)

    assert isinstance(outcome.error, errors.WalletJustOpened)
    assert books_now() == before
    assert refusals() == []
    assert group_commit.run(credit(client_acme, "dora", 5, key="k")).unwrap().currency == "JPY"
    assert balance(dora) == 5


def test_twenty_first_deposits_at_once_make_one_wallet(client_acme: Company) -> None:
    commands = [credit(client_acme, "dora", 1 + number) for number in range(20)]

    def send(command: MovementCommand) -> Outcome:
        try:
            return group_commit.run(command)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(send, commands))

    assert [outcome.error for outcome in outcomes] == [None] * 20
    assert Wallet.objects.count() == 1
    assert balance(identify(client_acme.id, "dora")) == sum(range(1, 21))
    assert verification.verify().findings == []


def test_first_deposits_by_leaders_of_their_own_make_one_wallet(client_acme: Company) -> None:
    """Twenty sessions that share no queue: as twenty processes would."""
    commands = [credit(client_acme, "dora", 1) for _ in range(20)]

    def send(command: MovementCommand) -> Outcome:
        try:
            (outcome,) = _movement.execute([command])
            return outcome
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(send, commands))

    assert [outcome.error for outcome in outcomes] == [None] * 20
    assert Wallet.objects.count() == 1
    assert balance(identify(client_acme.id, "dora")) == 20
    assert verification.verify().findings == []


def test_names_that_cannot_be(client_acme: Company, alice: WalletIdentity) -> None:
    for name in ("", "-x", "a b", "ä", "x" * 65):
        with pytest.raises(errors.FieldInvalid):
            payee(client_acme, name)
    with pytest.raises(errors.WalletNotFound):
        payee(client_acme, "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d")
    assert payee(client_acme, str(alice.id)) == Payee(alice)


def test_an_ordinary_deposit_is_another_command(client_acme: Company) -> None:
    group_commit.run(credit(client_acme, "dora", 5, key="k")).unwrap()
    dora = identify(client_acme.id, "dora")

    with pytest.raises(errors.KeyReused):
        deposit(wallet=dora, request=asks(5, wallet=dora, key="k"))


@pytest.mark.full_stack
class TestBlockedRows:
    """Somebody else holds a row for longer than the leader waits."""

    def test_a_name_that_another_session_is_making(self, client_acme: Company) -> None:
        """The insert waits for it; the leader must not, and asks whom it waits for."""
        twin = Wallet(
            id=uuid7(),
            client_id=client_acme.id,
            reference="dora",
            currency="USD",
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        with ThreadPoolExecutor(1) as pool:
            made, go_on = threading.Event(), threading.Event()

            def make_and_wait() -> None:
                try:
                    with transaction.atomic():
                        Wallet.objects.bulk_create([twin])
                        made.set()
                        go_on.wait(30)
                        transaction.set_rollback(True)
                finally:
                    connections.close_all()

            holder = pool.submit(make_and_wait)
            made.wait(10)
            waiting = group_commit.submit(credit(client_acme, "dora", 5))
            time.sleep(1.5)  # the leader has given up by now, the slow lane has not
            other = group_commit.run(credit(client_acme, "eve", 7))
            still_waiting = not waiting.done()
            go_on.set()
            holder.result(10)

        assert still_waiting
        assert other.unwrap().balance == 7
        assert waiting.result(10).unwrap().balance == 5
        assert verification.verify().findings == []

    def test_wallets_to_be_made_are_free_while_another_row_is_blocked(
        self, alice: WalletIdentity
    ) -> None:
        new = uuid7()
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            Wallet.objects.select_for_update().get(pk=alice.id)

            def ask() -> Any:
                try:
                    return _locking.find_blocked([alice.id, new])
                finally:
                    connections.close_all()

            blocked = pool.submit(ask).result(10)
        assert blocked == {alice.id}
        assert _locking.find_blocked([alice.id, new]) == {new}
