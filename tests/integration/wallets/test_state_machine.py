"""Anything anybody may do to wallets, in any order, against a model in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.integration.wallets.model import OK, Model, Move
from tests.people import Company, asks, wallet_of
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations import deposit, group_commit, transfer, withdraw
from wallets.operations._commands import MovementCommand, Outcome
from wallets.operations._status import StatusRequest
from wallets.operations.bulk import run_each, run_together
from wallets.operations.close_wallet import close_wallet
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet

WALLETS_MAX: Final = 4
_VERBS: Final = {"FROZEN": freeze_wallet, "ACTIVE": unfreeze_wallet, "CLOSED": close_wallet}

# Unfreezing more often than not, or most of a run is refusals.
_STATUSES: Final = ("FROZEN", "ACTIVE", "ACTIVE", "ACTIVE", "CLOSED")

_number = st.integers(0, WALLETS_MAX - 1)
_new = st.tuples(
    st.just("new"),
    st.sampled_from(["deposit", "deposit", "withdraw", "transfer", "transfer"]),
    _number,
    _number,
    st.integers(1, 40),
)
_earlier = st.tuples(st.sampled_from(["again", "other"]), st.integers(0, 1_000))
_asked = st.one_of(_new, _new, _new, _earlier)


class Wallets(RuleBasedStateMachine):
    """The service, step by step; the model says what must come of each."""

    company: Company
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.opened: list[WalletIdentity] = []
        self.told: dict[str, Outcome] = {}

    @initialize()
    def start(self) -> None:
        for _ in range(2):
            self.open("USD")

    @precondition(lambda self: len(self.opened) < WALLETS_MAX)
    @rule(currency=st.sampled_from(["USD", "USD", "JPY"]))
    def open(self, currency: str) -> None:
        self.model.open(currency)
        name = f"w-{next(self.numbers)}"
        self.opened.append(wallet_of(self.company, name, currency=currency))

    @rule(asked=_new)
    def move(self, asked: Any) -> None:
        self._single(self._move(asked))

    @precondition(lambda self: self.told)
    @rule(asked=_earlier)
    def repeat(self, asked: Any) -> None:
        self._single(self._move(asked))

    @rule(asked=st.lists(_asked, min_size=1, max_size=6))
    def bulk(self, asked: Sequence[Any]) -> None:
        moves = [self._move(one) for one in asked]
        expected = self.model.each(moves)
        self._compare(moves, expected, run_each([self._command(move) for move in moves]))

    @rule(asked=st.lists(_asked, min_size=1, max_size=6))
    def atomic(self, asked: Sequence[Any]) -> None:
        moves = [self._move(one) for one in asked]
        expected = self.model.together(moves)
        self._compare(moves, expected, run_together([self._command(move) for move in moves]))

    @rule(
        status=st.sampled_from(["FROZEN", "ACTIVE", "ACTIVE", "ACTIVE", "CLOSED"]), number=_number
    )
    def change_status(self, status: str, number: int) -> None:
        number %= len(self.opened)
        expected = self.model.set_status(number, status)
        try:
            _VERBS[status](wallet=self.opened[number], request=StatusRequest(actor="key:test"))
            outcome = OK
        except DomainError as error:
            outcome = error.code
        assert outcome == expected

    @invariant()
    def the_wallets_are_those_of_the_model(self) -> None:
        ids = [wallet.id for wallet in self.opened]
        rows = Wallet.objects.using(PRIMARY).in_bulk(ids)
        found = [(rows[i].status, rows[i].balance, rows[i].version) for i in ids]
        assert found == [(w.status, w.balance, w.version) for w in self.model.wallets]
        assert all(w.balance == 0 for w in self.model.wallets if w.status == "CLOSED")

    def teardown(self) -> None:
        assert verification.verify().findings == []

    def _single(self, move: Move) -> None:
        expected = self.model.each([move])
        self._compare([move], expected, [group_commit.run(self._command(move))])

    def _compare(
        self, moves: Sequence[Move], expected: list[str], outcomes: Sequence[Outcome]
    ) -> None:
        assert [OK if one.error is None else one.error.code for one in outcomes] == expected
        for move, outcome in zip(moves, outcomes, strict=True):
            if self.model.ended.get(move.key, (None,))[0] != move or outcome.error is not None:
                continue
            first = self.told.setdefault(move.key, outcome)
            assert outcome.record == first.record
            assert outcome.replayed == (first is not outcome)

    def _move(self, asked: Any) -> Move:
        """Make a move, or take an earlier key: with its own move again, or with another one."""
        if asked[0] != "new" and self.model.ended:
            moves = [move for move, _ in self.model.ended.values()]
            move: Move = moves[asked[1] % len(moves)]
            if asked[0] == "again":
                return move
            return Move(move.kind, move.wallet, move.other, move.amount + 1, move.key)
        _, kind, wallet, other, amount = asked if asked[0] == "new" else ("", "deposit", 0, 0, 1)
        count = len(self.opened)
        return Move(kind, wallet % count, other % count, amount, f"k-{next(self.numbers)}")

    def _command(self, move: Move) -> MovementCommand:
        wallet = self.opened[move.wallet]
        request = asks(move.amount, wallet=wallet, key=move.key)
        if move.kind == "transfer":
            other = self.opened[move.other]
            return transfer.command(source=wallet, destination=other, request=request)
        if move.kind == "deposit":
            return deposit.command(wallet=wallet, request=request)
        return withdraw.command(wallet=wallet, request=request)


def test_wallets_do_what_the_model_does(client_acme: Company) -> None:
    class OfAcme(Wallets):
        company = client_acme

    run_state_machine_as_test(
        OfAcme,
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            deadline=None,
            # Twenty steps can be read as they are; shrinking them takes minutes of a database.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
