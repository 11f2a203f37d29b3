"""Anything anybody may do to wallets, in any order, against a model in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
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
from wallet_project.kit.replica import Source
from wallets import verification
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity
from wallets.models import Hold, Wallet
from wallets.operations import (
    capture_hold,
    deposit,
    group_commit,
    place_hold,
    transfer,
    void_hold,
    withdraw,
)
from wallets.operations._commands import MovementCommand, Outcome
from wallets.operations._status import StatusRequest
from wallets.operations.bulk import run_each, run_together
from wallets.operations.close_wallet import close_wallet
from wallets.operations.expire_holds import expire_holds
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.place_hold import Expiry
from wallets.operations.unfreeze_wallet import unfreeze_wallet
from wallets.sources import settled

WALLETS_MAX: Final = 4
_VERBS: Final = {"FROZEN": freeze_wallet, "ACTIVE": unfreeze_wallet, "CLOSED": close_wallet}

# Unfreezing more often than not, or most of a run is refusals.
_STATUSES: Final = ("FROZEN", "ACTIVE", "ACTIVE", "ACTIVE", "CLOSED")

_KINDS: Final = (
    *("deposit", "deposit", "withdraw", "transfer", "transfer"),
    *("hold", "hold", "capture", "void"),
)

_number = st.integers(0, WALLETS_MAX - 1)
_new = st.tuples(
    st.just("new"),
    st.sampled_from(
        [
            "deposit",
            "deposit",
            "withdraw",
            "transfer",
            "transfer",
            "hold",
            "hold",
            "capture",
            "void",
        ]
    ),
    _number,
    _number,
    st.integers(1, 40),
)
_earlier = st.tuples(st.sampled_from(["again", "other"]), st.integers(0, 1_000))
_asked = st.one_of(_new, _new, _new, _earlier)


def _told(outcome: Outcome) -> tuple[object, object]:
    """Return what a repeat must tell again; not a hold's expiry, which `time_passes` moves."""
    hold = outcome.hold
    return outcome.record, hold and replace(hold, expires_at=None)


class Wallets(RuleBasedStateMachine):
    """The service, step by step; the model says what must come of each."""

    company: Company
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.opened: list[WalletIdentity] = []
        self.told: dict[str, Outcome] = {}
        self.held: list[HoldRecord] = []

    @initialize()
    def start(self) -> None:
        expire_holds()  # what a run before this one left, which may have been cut short
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

    @precondition(lambda self: self.held)
    @rule(number=st.integers(0, 1_000))
    def time_passes(self, number: int) -> None:
        """Let a hold's time pass, as if it had been placed long ago."""
        number %= len(self.held)
        hold, past = self.model.holds[number], datetime(2020, 1, 1, tzinfo=UTC)
        if hold.status == "ACTIVE":
            hold.is_due = True
            wallet = self.opened[hold.wallet].id
            Hold.objects.using(PRIMARY).filter(pk=self.held[number].id).update(expires_at=past)
            Wallet.objects.using(PRIMARY).filter(pk=wallet).update(next_hold_expiry=past)

    @rule()
    def sweep(self) -> None:
        due = sum(hold.is_due for hold in self.model.holds)
        self.model.settle(set(range(len(self.opened))))
        assert expire_holds() == due

    @rule(number=_number)
    def look(self, number: int) -> None:
        number %= len(self.opened)
        rows = Wallet.objects.using(PRIMARY).filter(pk=self.opened[number].id)
        (row,) = settled(Source(PRIMARY), rows)
        assert row.available == self.model.available(number)

    @invariant()
    def the_wallets_are_those_of_the_model(self) -> None:
        ids = [wallet.id for wallet in self.opened]
        rows = Wallet.objects.using(PRIMARY).in_bulk(ids)
        found = [(rows[i].status, rows[i].balance, rows[i].held, rows[i].version) for i in ids]
        assert found == [(w.status, w.balance, w.held, w.version) for w in self.model.wallets]
        holds = Hold.objects.using(PRIMARY).in_bulk([hold.id for hold in self.held])
        assert [holds[hold.id].status for hold in self.held] == [
            hold.status for hold in self.model.holds
        ]
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
            if move.kind == "hold" and move.key not in self.told:
                self.held.append(outcome.unwrap_hold())
            first = self.told.setdefault(move.key, outcome)
            assert _told(outcome) == _told(first)
            assert outcome.replayed == (first is not outcome)

    def _move(self, asked: Any) -> Move:
        """Make a move, or take an earlier key: with its own move again, or with another one."""
        if asked[0] != "new" and self.model.ended:
            moves = [move for move, _ in self.model.ended.values()]
            move: Move = moves[asked[1] % len(moves)]
            if asked[0] == "again" or move.kind == "void":
                return move
            return Move(move.kind, move.wallet, move.other, move.amount + 1, move.key)
        _, kind, wallet, other, amount = asked if asked[0] == "new" else ("", "deposit", 0, 0, 1)
        count = len(self.opened)
        if kind in ("capture", "void"):
            if not self.held:
                return Move("hold", wallet % count, 0, amount, f"k-{next(self.numbers)}")
            other %= len(self.held)
            wallet = self.model.holds[other].wallet
            return Move(kind, wallet, other, amount, f"k-{next(self.numbers)}")
        return Move(kind, wallet % count, other % count, amount, f"k-{next(self.numbers)}")

    def _command(self, move: Move) -> MovementCommand:
        wallet = self.opened[move.wallet]
        request = asks(move.amount, wallet=wallet, key=move.key)
        if move.kind == "transfer":
            other = self.opened[move.other]
            return transfer.command(source=wallet, destination=other, request=request)
        if move.kind == "hold":
            return place_hold.command(wallet=wallet, request=request, expiry=Expiry())
        if move.kind == "capture":
            hold = self.held[move.other]
            return capture_hold.command(hold=hold, wallet=wallet, request=request)
        if move.kind == "void":
            hold = self.held[move.other]
            return void_hold.command(hold=hold, key=request.key, actor=request.actor)
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
