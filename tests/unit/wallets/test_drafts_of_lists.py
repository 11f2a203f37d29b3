"""What a list is to write: lines, facts, versions and what is held, command by command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events import contracts
from wallets import idempotency
from wallets.chart import Kind
from wallets.models import Hold, HoldOwner, HoldStatus
from wallets.operations import _facts
from wallets.operations._commands import HoldTerms, MovementCommand, Original
from wallets.operations._drafts import Drafts
from wallets.policies import WalletState

ALICE, BOB, HOUSE = UUID(int=1), UUID(int=2), UUID(int=3)
HELD, ORIGINAL = UUID(int=7), UUID(int=8)
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def drafts() -> Drafts:
    """Alice and Bob, with 1.00 each at version 1."""
    wallets = {
        wallet: WalletState(wallet, 1, "USD", "ACTIVE", 100, 0, 0, 1, 0, None)
        for wallet in (ALICE, BOB)
    }
    return Drafts(wallets, NOON)


def command(
    kind: Kind, amount: int = 30, counterparty: UUID = HOUSE, **more: Any
) -> MovementCommand:
    key = idempotency.made_here(1)
    return MovementCommand(
        kind, 1, "key:test", ALICE, counterparty, "USD", amount, key, b"hash", **more
    )


def hold_of(amount: int = 40, **more: Any) -> Hold:
    """A hold that Alice has already."""
    return Hold(
        id=HELD,
        wallet_id=ALICE,
        client=1,
        currency="USD",
        amount=amount,
        owner=HoldOwner.CALLER.value,
        channel="default",
        status=HoldStatus.ACTIVE,
        version=1,
        created_at=NOON - timedelta(hours=1),
        idempotency_key=b"k",
        request_hash=b"h",
        **more,
    )


def with_hold(amount: int = 40, **more: Any) -> Drafts:
    made = drafts()
    made.holds[HELD] = hold_of(amount, **more)
    made.wallets[ALICE].held = amount
    return made


def test_a_transfer_is_two_lines_that_sum_to_nothing_and_a_fact_for_each_wallet() -> None:
    made = drafts()

    record = made.post(command(Kind.TRANSFER, counterparty=BOB, reference="gift"))

    (entry,) = made.entries
    lines = [(one.account, one.amount, one.balance_after, one.sequence) for one in entry.lines]
    assert lines == [(ALICE, -30, 70, 1), (BOB, 30, 130, 1)]
    facts = [(one.stream, one.type, one.fact.balance, one.fact.sequence) for one in made.events]
    assert facts == [
        (ALICE, contracts.TRANSFER_SENT, "0.70", 2),
        (BOB, contracts.TRANSFER_RECEIVED, "1.30", 2),
    ]
    assert {one.entry for one in made.events} == {entry.id} == {record.transaction_id}
    assert [vars_of(one.fact)["reference_id"] for one in made.events] == ["gift", "gift"]
    assert (record.balance, record.destination_wallet_id) == (70, BOB)
    change = made.changes[BOB]
    assert (change.version_locked, change.delta, change.steps, change.postings) == (1, 30, 1, 1)
    assert (change.held, change.touches_holds) == (0, False)


def vars_of(fact: Any) -> dict[str, Any]:
    """Return what a fact tells."""
    return {name: getattr(fact, name) for name in fact.__struct_fields__}


def test_a_deposit_has_a_house_account_on_its_other_side_and_tells_nothing_of_it() -> None:
    made = drafts()

    record = made.post(command(Kind.DEPOSIT))

    (entry,) = made.entries
    house = entry.lines[1]
    assert (house.account, house.amount, house.balance_after, house.sequence) == (
        HOUSE,
        -30,
        None,
        None,
    )
    assert [one.type for one in made.events] == [contracts.DEPOSITED]
    assert vars_of(made.events[0].fact)["reference_id"] is None
    assert record.destination_wallet_id is None
    assert record.reverses is None


def test_no_wallet_s_time_runs_backwards() -> None:
    made = drafts()
    made.wallets[BOB].last_posted_at = NOON + timedelta(seconds=1)

    made.post(command(Kind.TRANSFER, counterparty=BOB))
    made.post(command(Kind.DEPOSIT))

    first, second = (entry.posted_at for entry in made.entries)
    assert first == NOON + timedelta(seconds=1) + TICK
    assert second == first + TICK


def test_reversals_of_one_entry_add_up() -> None:
    made = drafts()
    made.reversed[ORIGINAL] = 10
    taking_back = command(Kind.DEPOSIT_REVERSAL, 15, original=Original(ORIGINAL, 100))

    record = made.post(taking_back)
    made.post(replace(taking_back, amount=5))

    assert made.reversed[ORIGINAL] == 30
    assert (record.reverses, made.entries[0].reverses) == (ORIGINAL, ORIGINAL)
    told = vars_of(made.events[0].fact)
    assert (told["reverses"], told["direction"]) == (str(ORIGINAL), "DEBIT")


@pytest.mark.parametrize(("covered", "lacks"), [(HOUSE, 50), (None, 0)])
def test_what_a_covered_reversal_lacks_is_an_entry_of_its_own(
    covered: UUID | None, lacks: int
) -> None:
    made = drafts()

    made.post(
        command(Kind.DEPOSIT_REVERSAL, 150, original=Original(ORIGINAL, 200), covered_by=covered)
    )

    kinds = [(entry.kind, abs(entry.lines[0].amount)) for entry in made.entries]
    expected = [(Kind.SHORTFALL, lacks)] if lacks else []
    assert kinds == [*expected, (Kind.DEPOSIT_REVERSAL, 150)]
    assert made.wallets[ALICE].balance == -50 + lacks
    assert made.reversed == {ORIGINAL: 150}


def test_a_covered_reversal_that_lacks_nothing_is_one_entry() -> None:
    made = drafts()
    made.post(command(Kind.DEPOSIT_REVERSAL, 30, original=Original(ORIGINAL, 30), covered_by=HOUSE))
    assert [entry.kind for entry in made.entries] == [Kind.DEPOSIT_REVERSAL]


@pytest.mark.parametrize(
    ("kind", "direction"),
    [(Kind.ADJUSTMENT_CREDIT, "CREDIT"), (Kind.ADJUSTMENT_DEBIT, "DEBIT")],
)
def test_an_adjustment_says_which_way_it_went(kind: Kind, direction: str) -> None:
    made = drafts()
    made.post(command(kind))
    (event,) = made.events
    assert event.type == contracts.ADJUSTED
    assert isinstance(event.fact, contracts.MoneyAdjusted)
    assert event.fact.direction == direction


def test_a_movement_by_itself_tells_no_direction() -> None:
    told = _facts.moved(command(Kind.DEPOSIT), vars_of(_of(drafts())), ORIGINAL, is_credit=True)
    assert type(told) is contracts.MoneyMoved


def _of(made: Drafts) -> Any:
    made.hold(command(Kind.HOLD, 1), HoldTerms(HELD, is_new=True))
    fact = made.events[0].fact
    return contracts.WalletFact(
        **{name: getattr(fact, name) for name in contracts.WalletFact.__struct_fields__}
    )


@pytest.mark.parametrize(
    ("terms", "expires"),
    [
        (HoldTerms(HELD, is_new=True), None),
        (
            HoldTerms(HELD, is_new=True, expires_at=NOON + timedelta(days=1)),
            NOON + timedelta(days=1),
        ),
        (HoldTerms(HELD, is_new=True, expires_in=timedelta(hours=2)), NOON + timedelta(hours=2)),
    ],
)
def test_a_hold_sets_money_aside_until_it_expires(
    terms: HoldTerms, expires: datetime | None
) -> None:
    made = drafts()

    record = made.hold(command(Kind.HOLD, 40, reference="order-17"), terms)

    alice = made.wallets[ALICE]
    assert (alice.balance, alice.held, alice.available, alice.version) == (100, 40, 60, 2)
    assert alice.next_hold_expiry == expires
    change = made.changes[ALICE]
    assert (change.held, change.steps, change.postings, change.delta) == (40, 1, 0, 0)
    assert change.touches_holds
    assert (record.amount, record.expires_at, made.entries) == (40, expires, [])
    told = vars_of(made.events[0].fact)
    assert (told["amount"], told["held"], told["reference_id"]) == ("0.40", "0.40", "order-17")
    assert (told["expires_at"] is None) == (expires is None)
    assert made.destinations == {}


def test_the_earliest_expiry_of_two_holds_is_remembered() -> None:
    made = drafts()
    soon, late = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    for expires in (late, soon, late):
        made.hold(command(Kind.HOLD, 1), HoldTerms(UUID(int=9), is_new=True, expires_at=expires))
    assert made.wallets[ALICE].next_hold_expiry == soon


def test_a_payout_s_destination_is_kept_with_its_hold() -> None:
    made = drafts()
    to = {"iban": "DE02120300000000202051"}
    made.hold(command(Kind.HOLD, 40), HoldTerms(HELD, is_new=True, destination=to))
    assert made.destinations == {HELD: to}


def test_a_capture_ends_the_hold_and_releases_the_rest_in_one_step() -> None:
    made = with_hold(40)

    record = made.post(command(Kind.CAPTURE, 30, terms=HoldTerms(HELD)))

    alice = made.wallets[ALICE]
    assert (alice.balance, alice.held, alice.version) == (70, 0, 2)
    change = made.changes[ALICE]
    assert (change.held, change.delta, change.steps, change.touches_holds) == (-40, -30, 1, True)
    end = made.ended[HELD]
    assert (end.status, end.captured, end.entry) == (
        HoldStatus.CAPTURED,
        30,
        record.transaction_id,
    )
    (event,) = made.events
    assert event.type == contracts.CAPTURED
    told = vars_of(event.fact)
    assert (told["amount"], told["released"], told["reference_id"]) == ("0.30", "0.10", None)
    assert record.hold_id == HELD
    assert made.status_of(HELD) == HoldStatus.CAPTURED


Release = Callable[[Drafts], Any]


@pytest.mark.parametrize(
    ("release", "status", "at"),
    [
        (lambda d: d.void(command(Kind.VOID), HoldTerms(HELD)), HoldStatus.VOIDED, NOON),
        (
            lambda d: d.expire(d.holds[HELD]),
            HoldStatus.EXPIRED,
            NOON - timedelta(minutes=5),
        ),
    ],
    ids=["voided", "expired"],
)
def test_a_hold_that_is_given_up_or_expires_makes_its_money_available(
    release: Release, status: HoldStatus, at: datetime
) -> None:
    made = with_hold(40, expires_at=NOON - timedelta(minutes=5))
    assert made.status_of(HELD) == HoldStatus.ACTIVE

    release(made)

    alice = made.wallets[ALICE]
    assert (alice.balance, alice.held, alice.version) == (100, 0, 2)
    assert made.changes[ALICE].held == -40
    end = made.ended[HELD]
    assert (end.status, end.at, end.version, end.captured) == (status, at, 2, 0)
    told = vars_of(made.events[0].fact)
    assert (told["amount"], told["reason"], told["available"]) == ("0.40", status.value, "1.00")


def test_undoing_a_capture_gives_the_hold_back() -> None:
    made = with_hold(40)
    other = UUID(int=10)
    made.holds[other] = hold_of(5)
    made.holds[other].id = other
    made.expire(made.holds[other])
    mark = made.mark([ALICE])
    made.post(command(Kind.CAPTURE, 30, terms=HoldTerms(HELD)))

    made.undo(mark)

    assert set(made.ended) == {other}
    assert made.status_of(HELD) == HoldStatus.ACTIVE
    assert made.wallets[ALICE].held == 35


def test_expired_holds_leave_the_next_expiry_behind() -> None:
    made = drafts()
    made.expect_expiry(ALICE, NOON)
    assert made.wallets[ALICE].next_hold_expiry == NOON
    assert made.changes[ALICE].touches_holds
    assert (made.changes[ALICE].steps, made.changes[ALICE].held) == (0, 0)


def test_a_list_leaves_balances_as_the_cache_keeps_them() -> None:
    made = with_hold(40)
    made.post(command(Kind.DEPOSIT))
    left = made.balances([ALICE])[ALICE]
    assert (left.version, left.balance, left.held, left.available) == (2, 130, 40, 90)
