"""Lists of movements: how they are found, executed, undone and raced."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.people import Company, asks, balance, books_now, fund, refusals, wallet_of
from wallet_project.kit.database import PRIMARY
from wallets import errors, identity, verification
from wallets.identity import WalletIdentity
from wallets.operations import deposit, transfer, withdraw
from wallets.operations._commands import MovementCommand, Outcome
from wallets.operations.bulk import run_each, run_together


def deposits(wallet: WalletIdentity, amount: int, **more: Any) -> MovementCommand:
    return deposit.command(wallet=wallet, request=asks(amount, wallet=wallet, **more))


def withdraws(wallet: WalletIdentity, amount: int, **more: Any) -> MovementCommand:
    return withdraw.command(wallet=wallet, request=asks(amount, wallet=wallet, **more))


def transfers(
    source: WalletIdentity, destination: WalletIdentity, amount: int, **more: Any
) -> MovementCommand:
    return transfer.command(
        source=source, destination=destination, request=asks(amount, wallet=source, **more)
    )


def codes(outcomes: list[Outcome]) -> list[str]:
    return ["ok" if one.error is None else one.error.code for one in outcomes]


def test_wallets_are_found_in_two_statements_at_most(client_acme: Company) -> None:
    wallets = [wallet_of(client_acme, f"w-{number}") for number in range(20)]
    names = [str(w.id).upper() for w in wallets[:10]] + [f"w-{n}" for n in range(10, 20)]
    identity.forget_all()
    with CaptureQueriesContext(connections[PRIMARY]) as queries:
        found = identity.identify_many(client_acme.id, [*names, "nobody", "not a name", ""])
    assert len(queries) <= 2  # one for ids and one for references; the replica may know some
    assert found == dict(zip(names, wallets, strict=True))


def test_wallets_of_others_are_not_found(client_acme: Company, charlie: WalletIdentity) -> None:
    assert identity.identify_many(client_acme.id, [str(charlie.id), "charlie"]) == {}


def test_a_bulk_takes_few_transactions(alice: WalletIdentity) -> None:
    commands = [deposits(alice, 1) for _ in range(600)]
    with CaptureQueriesContext(connections[PRIMARY]) as queries:
        assert codes(run_each(commands)) == ["ok"] * 600
    assert sum("UPDATE" in query["sql"][:10] for query in queries) == 2


def test_a_list_past_its_deadline_is_not_executed(alice: WalletIdentity, settings: Any) -> None:
    settings.COMMAND_DEADLINE_SECONDS = -1.0
    before = books_now()
    commands = [deposits(alice, 1), withdraws(alice, 1)]
    assert codes(run_each(commands)) == ["deadline_passed"] * 2
    assert codes(run_together(commands)) == ["deadline_passed"] * 2
    assert (books_now(), refusals()) == (before, [])


def test_a_failing_atomic_list_leaves_the_books_as_they_were(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1000)
    before = books_now()
    outcomes = run_together(
        [deposits(bob, 5), transfers(alice, bob, 400), withdraws(bob, 406), deposits(bob, 1)]
    )
    assert codes(outcomes) == ["insufficient_funds"] * 4
    assert outcomes[0].error is not None
    assert outcomes[0].error.data["index"] == 2
    assert books_now() == before
    assert verification.verify().findings == []


def test_what_cannot_become_a_command_stops_an_atomic_list(alice: WalletIdentity) -> None:
    before = books_now()
    wrong = errors.WalletNotFound("The wallet does not exist.")
    with pytest.raises(errors.WalletNotFound) as failure:
        run_together([deposits(alice, 5), wrong])
    assert failure.value.data["index"] == 1
    assert books_now() == before
    assert codes(run_each([deposits(alice, 5), wrong, deposits(alice, 5)])) == [
        "ok",
        "wallet_not_found",
        "ok",
    ]


def test_twenty_twins_of_an_atomic_list_move_money_once(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 100)
    commands = [transfers(alice, bob, 60, key="a"), withdraws(bob, 60, key="b")]

    def runs(_: int) -> list[Outcome]:
        try:
            return run_together(commands)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(runs, range(20)))

    assert all(codes(one) == ["ok", "ok"] for one in results)
    assert sum(not one[0].replayed for one in results) == 1
    assert (balance(alice), balance(bob)) == (40, 0)
    assert verification.verify().findings == []


def test_atomic_lists_and_single_calls_over_one_wallet_never_overdraw(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1000)

    def acts(number: int) -> int:
        try:
            if number % 2:
                outcomes = run_together([withdraws(alice, 30), transfers(alice, bob, 40)])
            else:
                outcomes = run_each([transfers(alice, bob, 35), transfers(bob, alice, 5)])
            assert {one.error.code for one in outcomes if one.error} <= {"insufficient_funds"}
            return 30 if number % 2 and outcomes[0].error is None else 0
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        withdrawn = sum(pool.map(acts, range(40)))

    assert balance(alice) + balance(bob) == 1000 - withdrawn
    assert min(balance(alice), balance(bob)) >= 0
    assert verification.verify().findings == []


_numbers = itertools.count()
_moves = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "withdraw", "transfer"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=_moves)
def test_an_atomic_list_is_all_of_its_commands_one_by_one_or_nothing(
    client_acme: Company, moves: list[tuple[str, int, int, int]]
) -> None:
    def wallets() -> list[WalletIdentity]:
        made = [wallet_of(client_acme, f"wallet-{next(_numbers)}") for _ in range(3)]
        for wallet in made:
            fund(wallet, 50)
        return made

    def commands(of: list[WalletIdentity]) -> list[MovementCommand]:
        return [
            transfers(of[first], of[second], amount)
            if kind == "transfer"
            else (deposits if kind == "deposit" else withdraws)(of[first], amount)
            for kind, first, second, amount in moves
        ]

    together, singly = wallets(), wallets()
    before = books_now()
    done = run_together(commands(together))
    unchanged = books_now() == before
    one_by_one = [run_each([command])[0] for command in commands(singly)]

    failed = next((i for i, one in enumerate(one_by_one) if one.error is not None), None)
    if failed is None:
        assert codes(done) == ["ok"] * len(moves)
        assert [balance(w) for w in together] == [balance(w) for w in singly]
        assert [one.unwrap().balance for one in done] == [
            one.unwrap().balance for one in one_by_one
        ]
    else:
        assert unchanged
        assert codes(done) == [codes(one_by_one)[failed]] * len(moves)
        assert done[0].error is not None
        assert done[0].error.data["index"] == failed
    assert verification.verify().findings == []
