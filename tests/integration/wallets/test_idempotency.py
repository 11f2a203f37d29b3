"""A repeat is harmless, whatever happened to the first try."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.people import Company, asks, balance, books_now, fund, refusals
from wallet_project.kit.errors import DomainError
from wallets import errors, idempotency
from wallets.identity import WalletIdentity
from wallets.operations import deposit as deposit_verb
from wallets.operations import group_commit
from wallets.operations._commands import MovementRequest
from wallets.operations.deposit import deposit
from wallets.operations.open_wallet import open_wallet
from wallets.operations.withdraw import withdraw


def test_the_same_command_with_the_same_key_is_told_again(alice: WalletIdentity) -> None:
    first = deposit(wallet=alice, request=asks(100, wallet=alice, key="k"))
    before = books_now()

    second = deposit(wallet=alice, request=asks(100, wallet=alice, key="k"))

    assert second == first
    assert books_now() == before


def test_a_repeat_tells_the_balance_of_then_not_of_now(alice: WalletIdentity) -> None:
    deposit(wallet=alice, request=asks(100, wallet=alice, key="k"))
    fund(alice, 900)

    again = deposit(wallet=alice, request=asks(100, wallet=alice, key="k"))

    assert (again.balance, again.version) == (100, 2)


def test_another_command_with_the_key_is_refused(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    deposit(wallet=alice, request=asks(100, wallet=alice, key="k"))
    before = books_now()

    with pytest.raises(errors.KeyReused):
        deposit(wallet=alice, request=asks(101, wallet=alice, key="k"))
    with pytest.raises(errors.KeyReused):
        withdraw(wallet=alice, request=asks(100, wallet=alice, key="k"))
    with pytest.raises(errors.KeyReused):
        deposit(wallet=bob, request=asks(100, wallet=bob, key="k"))

    assert books_now() == before


@pytest.mark.parametrize("other", ["Key-A", "kéy-a", "key-a ", "key-á", "KEY-A"])
def test_keys_that_differ_in_one_byte_are_different_keys(alice: WalletIdentity, other: str) -> None:
    deposit(wallet=alice, request=asks(100, wallet=alice, key="key-a"))

    deposit(wallet=alice, request=asks(100, wallet=alice, key=other))

    assert balance(alice) == 200


def test_the_same_key_of_another_client_is_another_key(
    alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    deposit(wallet=alice, request=asks(100, wallet=alice, key="k"))

    deposit(wallet=charlie, request=asks(70, wallet=charlie, key="k"))

    assert (balance(alice), balance(charlie)) == (100, 70)


def test_a_reference_is_a_key_of_its_verb_and_wallet_only(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    def by_reference(wallet: WalletIdentity, verb: str) -> MovementRequest:
        key = idempotency.from_reference(wallet.client, verb, wallet.id, "order-1")
        return MovementRequest(amount=10, key=key, actor="key:test", reference="order-1")

    deposit(wallet=alice, request=by_reference(alice, "deposit"))
    deposit(wallet=alice, request=by_reference(alice, "deposit"))
    deposit(wallet=bob, request=by_reference(bob, "deposit"))
    withdraw(wallet=alice, request=by_reference(alice, "withdrawal"))

    assert (balance(alice), balance(bob)) == (0, 10)


def test_a_refusal_is_final_for_its_key(alice: WalletIdentity) -> None:
    with pytest.raises(errors.InsufficientFunds) as first:
        withdraw(wallet=alice, request=asks(100, wallet=alice, key="k"))
    fund(alice, 1000)

    with pytest.raises(errors.InsufficientFunds) as second:
        withdraw(wallet=alice, request=asks(100, wallet=alice, key="k"))

    assert (second.value.detail, second.value.data) == (first.value.detail, first.value.data)
    assert balance(alice) == 1000
    assert withdraw(wallet=alice, request=asks(100, wallet=alice, key="new")).balance == 900


def test_a_refused_key_cannot_be_used_for_another_command(alice: WalletIdentity) -> None:
    with pytest.raises(errors.InsufficientFunds):
        withdraw(wallet=alice, request=asks(100, wallet=alice, key="k"))
    fund(alice, 1000)

    with pytest.raises(errors.KeyReused):
        withdraw(wallet=alice, request=asks(99, wallet=alice, key="k"))

    assert refusals() == ["insufficient_funds"]


def test_the_key_that_opened_a_wallet_moves_no_money(
    client_acme: Company, alice: WalletIdentity
) -> None:
    key = idempotency.from_header(client_acme.id, "shared")
    open_wallet(
        client=client_acme.id,
        user_id="u",
        reference=None,
        currency="USD",
        metadata={},
        key=key,
    )

    with pytest.raises(errors.KeyReused):
        deposit(wallet=alice, request=asks(1, wallet=alice, key="shared"))


def test_a_hundred_times_the_same_key_at_once_has_one_effect(alice: WalletIdentity) -> None:
    with ThreadPoolExecutor(20) as pool:
        made = list(
            pool.map(
                lambda _: deposit(wallet=alice, request=asks(7, wallet=alice, key="once")),
                range(100),
            )
        )

    assert len({record.transaction_id for record in made}) == 1
    assert balance(alice) == 7


def test_twins_in_one_list_have_one_effect_and_a_stranger_with_the_key_is_refused(
    alice: WalletIdentity,
) -> None:
    twin = deposit_verb.command(wallet=alice, request=asks(5, wallet=alice, key="t"))
    stranger = deposit_verb.command(wallet=alice, request=asks(6, wallet=alice, key="t"))

    futures = [group_commit.submit(one) for one in (twin, twin, stranger)]
    first, second, third = (future.result(5) for future in futures)

    assert first.record == second.record
    assert (first.replayed, second.replayed) == (False, True)
    assert isinstance(third.error, errors.KeyReused)
    assert balance(alice) == 5


@pytest.mark.parametrize("attempt", range(3))
def test_a_refused_twin_in_one_list_is_told_the_same_refusal(
    alice: WalletIdentity, attempt: int
) -> None:
    def outcome(_: int) -> DomainError:
        with pytest.raises(errors.InsufficientFunds) as refusal:
            withdraw(wallet=alice, request=asks(5, wallet=alice, key="poor"))
        return refusal.value

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(outcome, range(8)))

    assert len({error.detail for error in told}) == 1
    assert refusals() == ["insufficient_funds"]
