"""Taking back what linked commands have drafted."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from uuid import UUID

from wallets import errors, idempotency
from wallets.chart import Kind
from wallets.operations._commands import MovementCommand
from wallets.operations._drafts import Drafts
from wallets.policies import WalletState

ALICE, BOB, RAIL = UUID(int=1), UUID(int=2), UUID(int=3)


def drafts() -> Drafts:
    wallets = {
        wallet: WalletState(wallet, 1, "USD", "ACTIVE", 100, 0, 0, 1, 0, None)
        for wallet in (ALICE, BOB)
    }
    return Drafts(wallets, datetime(2026, 1, 15, tzinfo=UTC))


def command(kind: Kind, wallet: UUID, counterparty: UUID) -> MovementCommand:
    key = idempotency.made_here(1)
    return MovementCommand(kind, 1, "key:test", wallet, counterparty, "USD", 10, key, b"")


def test_undoing_leaves_what_was_there_before_the_mark() -> None:
    made = drafts()
    made.post(command(Kind.DEPOSIT, ALICE, RAIL))
    made.refuse(command(Kind.DEPOSIT, BOB, RAIL), errors.WalletFrozen("No."))
    before = deepcopy(made)

    mark = made.mark([ALICE, BOB])
    made.post(command(Kind.TRANSFER, ALICE, BOB))
    made.post(command(Kind.WITHDRAWAL, BOB, RAIL))
    made.refuse(command(Kind.DEPOSIT, BOB, RAIL), errors.WalletFrozen("No."))
    assert made.wallets != before.wallets
    made.undo(mark)

    assert made.wallets == before.wallets
    assert made.changes == before.changes
    assert (made.entries, made.events) == (before.entries, before.events)
    assert len(made.refusals) == 1


def test_what_follows_an_undo_continues_from_before_the_mark() -> None:
    made = drafts()
    mark = made.mark([ALICE])
    made.post(command(Kind.WITHDRAWAL, ALICE, RAIL))
    made.undo(mark)

    record = made.post(command(Kind.DEPOSIT, ALICE, RAIL))

    assert (record.balance, record.version) == (110, 2)
    assert (made.changes[ALICE].delta, made.changes[ALICE].steps) == (10, 1)


def test_wallets_that_do_not_exist_are_passed_over() -> None:
    made = drafts()
    made.undo(made.mark([UUID(int=9)]))
    assert set(made.wallets) == {ALICE, BOB}
