"""What a row should say by the books: every field, and when nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from wallets import projection
from wallets.projection import Chain, Evidence

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@dataclass(frozen=True)
class ARow:
    balance: int = 2500
    held: int = 300
    next_hold_expiry: datetime | None = LATER
    overdraft_limit: int = 0
    version: int = 6
    posting_sequence: int = 4
    last_posted_at: datetime | None = NOON


@dataclass(frozen=True)
class APosting:
    sequence: int
    amount: int
    balance_after: int | None
    version: int | None
    posted_at: datetime


RIGHT = ARow()
BOOKS = Evidence(Chain(2500, 4, 5, NOON), held=300, earliest_expiry=LATER, last_event=6)


def test_a_row_that_is_right_has_no_differences() -> None:
    assert projection.judge(RIGHT, BOOKS) == projection.Verdict()


@pytest.mark.parametrize(
    ("row", "field", "should_be"),
    [
        (ARow(balance=2501), "balance", 2500),
        (ARow(balance=-1), "balance", 2500),
        (ARow(held=0), "held", 300),
        (ARow(next_hold_expiry=None), "next_hold_expiry", LATER),
        (ARow(next_hold_expiry=LATER + timedelta(seconds=1)), "next_hold_expiry", LATER),
        (ARow(posting_sequence=3), "posting_sequence", 4),
        (ARow(last_posted_at=LATER), "last_posted_at", NOON),
        (ARow(last_posted_at=None), "last_posted_at", NOON),
        (ARow(version=5), "version", 6),
        (ARow(version=1), "version", 6),
    ],
)
def test_each_field_is_compared(row: ARow, field: str, should_be: object) -> None:
    verdict = projection.judge(row, BOOKS)

    assert not verdict.defect
    (found,) = verdict.differences
    assert (found.field, found.was, found.should_be) == (field, getattr(row, field), should_be)


def test_a_hold_may_be_expected_to_expire_too_early_but_never_too_late() -> None:
    early = ARow(next_hold_expiry=NOON)
    assert projection.judge(early, BOOKS) == projection.Verdict()
    without = replace(BOOKS, held=0, earliest_expiry=None)
    assert projection.judge(ARow(held=0, next_hold_expiry=NOON), without) == projection.Verdict()


def test_an_empty_wallet_is_right_as_it_was_opened() -> None:
    row = ARow(0, 0, None, 0, 1, 0, None)
    assert projection.judge(row, Evidence(Chain(), 0, None, 1)) == projection.Verdict()


def test_events_in_the_archive_say_nothing_against_a_version() -> None:
    archived = replace(BOOKS, last_event=None)
    assert projection.judge(ARow(version=60), archived) == projection.Verdict()
    assert not projection.judge(ARow(version=60, balance=1), archived).defect


@pytest.mark.parametrize(
    ("row", "evidence", "said"),
    [
        (RIGHT, replace(BOOKS, chain=Chain(defect="posting 3 does not follow")), "contradict"),
        (ARow(balance=1), replace(BOOKS, chain=Chain(defect="gone")), "contradict"),
        (ARow(version=9), BOOKS, "an event is missing"),
        (RIGHT, replace(BOOKS, last_event=4), "an event is missing"),
        (ARow(version=5), replace(BOOKS, last_event=4), "an event is missing"),
        (ARow(version=4), replace(BOOKS, last_event=4), "an event is missing"),
        (RIGHT, replace(BOOKS, last_event=0), "an event is missing"),
        (ARow(version=4), replace(BOOKS, last_event=None), "in the archive"),
        (ARow(version=1, balance=1), replace(BOOKS, last_event=None), "in the archive"),
        (ARow(held=0), replace(BOOKS, held=2501), "below the floor"),
    ],
)
def test_what_the_books_cannot_tell_is_left_alone(row: ARow, evidence: Evidence, said: str) -> None:
    assert said in projection.judge(row, evidence).defect


def test_an_overdraft_lowers_the_floor() -> None:
    overdrawn = replace(BOOKS, held=2600)
    row = ARow(held=0, overdraft_limit=100)
    assert not projection.judge(row, overdrawn).defect


def chain_of(*amounts: int) -> list[APosting]:
    balance, made = 0, []
    for number, amount in enumerate(amounts, start=1):
        balance += amount
        moment = NOON + timedelta(seconds=number)
        made.append(APosting(number, amount, balance, number + 1, moment))
    return made


def test_a_chain_is_followed_to_its_end() -> None:
    postings = chain_of(1000, 1000, -300)

    end = projection.follow(Chain(), postings)

    assert end == Chain(1700, 3, 4, postings[-1].posted_at)
    halfway = replace(projection.follow(Chain(), postings[:2]), posted_at=None)
    assert projection.go_on(halfway, postings[1:]) == end


@pytest.mark.parametrize(
    "spoilt",
    [
        {"amount": 1001},
        {"balance_after": 1999},
        {"balance_after": None},
        {"sequence": 4},
        {"version": 2},
        {"version": None},
        {"posted_at": NOON},
    ],
)
def test_a_posting_that_does_not_follow_ends_the_chain(spoilt: dict[str, object]) -> None:
    first, second, third = chain_of(1000, 1000, -300)
    second = replace(second, **spoilt)  # type: ignore[arg-type]

    end = projection.follow(Chain(), [first, second, third])

    assert "does not follow" in end.defect
    assert end.sequence == 1


def test_a_chain_whose_proven_end_is_gone_is_broken() -> None:
    proven = Chain(2000, 2, 3)
    first, second, third = chain_of(1000, 1000, -300)
    for postings in ([], [third], [replace(second, balance_after=1)], [first, second]):
        assert "not there any more" in projection.go_on(proven, postings).defect
