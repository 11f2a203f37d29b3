"""The checks themselves: each sees the lie it is there for, and is content with the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.stress.faults import checks
from tests.stress.faults.books import Books, Event, Line
from tests.stress.faults.journal import NO_ANSWER, Answer, Journal, Op, Outcome

ALICE, BOB = (str(UUID(int=number)) for number in (1, 2))
DEPOSIT, TRANSFER = (str(UUID(int=number)) for number in (11, 12))
PROBLEM = {"content-type": "application/problem+json", "retry-after": "1"}


@dataclass
class Story:
    """Alice deposits 5.00 and then gives Bob 2.00."""

    path: Path
    journal: Journal = field(init=False)
    books: Books = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal(self.path / "journal.txt")
        self.books = Books(
            entries=frozenset({DEPOSIT, TRANSFER}),
            lines={
                (DEPOSIT, ALICE): Line(500, 500, 2, 1),
                (TRANSFER, ALICE): Line(-200, 300, 3, 2),
                (TRANSFER, BOB): Line(200, 200, 2, 1),
            },
            balances={ALICE: 300, BOB: 200},
            versions={ALICE: 3, BOB: 2},
        )
        self._tell(Op("deposit", ALICE, 500, "a"), DEPOSIT, "5.00", "5.00", 2)
        self._tell(Op("transfer", ALICE, 200, "b", destination=BOB), TRANSFER, "2.00", "3.00", 3)

    def _tell(self, op: Op, transaction: str, amount: str, balance: str, version: int) -> None:
        told = {
            "transactionId": transaction,
            "amount": amount,
            "balance": balance,
            "version": version,
        }
        self.journal.invoke(op)
        self.journal.conclude(op, Answer(201, {}, json.dumps(told).encode(), 0.1))

    def check(self) -> None:
        """Hold books and journal against each other."""
        checks.no_op_is_left_unknown(self.journal)
        checks.what_was_acknowledged_is_in_the_books(self.journal, self.books)
        checks.nothing_else_is_in_the_books(self.journal, self.books)
        checks.versions_follow_real_time(self.journal, self.books)
        checks.no_balance_was_ever_negative(self.books)
        checks.the_money_adds_up(self.journal, self.books)

    def line(self, place: tuple[str, str], **changed: int) -> None:
        """Write a line otherwise."""
        lines = self.books.lines | {place: replace(self.books.lines[place], **changed)}
        self.books = replace(self.books, lines=lines)

    def swap_times(self) -> None:
        """Let the transfer be over before the deposit was sent."""
        first, second = self.journal.ops
        first.invoked, first.ended = second.ended + 1, second.ended + 2

    def lose(self) -> None:
        """Forget the transfer, lines and all."""
        lines = {place: line for place, line in self.books.lines.items() if place[0] == DEPOSIT}
        self.books = replace(self.books, lines=lines)

    def pay_twice(self) -> None:
        """Post what nobody was told of."""
        ghost = str(UUID(int=13))
        self.books = replace(self.books, entries=self.books.entries | {ghost})

    def tell_twice(self) -> None:
        """Answer two keys with one transaction."""
        self.journal.ops.append(self.journal.ops[0])

    def forget(self) -> None:
        """Leave an op unknown."""
        self.journal.ops[0].outcome = Outcome.INFO

    def invent(self) -> None:
        """Let a balance be more than what came in."""
        self.books = replace(self.books, balances={ALICE: 300, BOB: 201})


def test_the_truth_passes(tmp_path: Path) -> None:
    Story(tmp_path).check()


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (Story.lose, "is not in the books"),
        (Story.pay_twice, "Entries that nobody was told of"),
        (Story.tell_twice, "told of one transaction"),
        (Story.forget, "'a'"),
        (Story.swap_times, "was sent after"),
        (Story.invent, "501 == "),
        (lambda story: story.line((DEPOSIT, ALICE), amount=501), "501"),
        (lambda story: story.line((DEPOSIT, ALICE), balance=499), "499"),
        (lambda story: story.line((TRANSFER, ALICE), version=4), "4"),
        (lambda story: story.line((TRANSFER, BOB), amount=199), "199 == 200"),
        (lambda story: story.line((TRANSFER, BOB), balance=-1), "-1 >= 0"),
    ],
)
def test_a_lie_is_seen(tmp_path: Path, lie: Callable[[Story], None], sentence: str) -> None:
    story = Story(tmp_path)
    lie(story)
    with pytest.raises(AssertionError, match=sentence):
        story.check()


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (500, PROBLEM, b'{"code": "internal_error"}'),
        (503, {"content-type": "text/html"}, b"<h1>Service Unavailable</h1>"),
        (503, {"content-type": PROBLEM["content-type"]}, b'{"code": "overloaded"}'),
        (503, PROBLEM, b"{}"),
        (201, {"content-type": "text/html"}, b"<h1>Done</h1>"),
    ],
)
def test_bad_manners_are_seen(status: int, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises((AssertionError, KeyError)):
        checks.every_answer_kept_its_manners([Answer(status, headers, body, 0.1)])


def test_good_manners_pass() -> None:
    good = Answer(503, PROBLEM, b'{"code": "overloaded"}', 0.1)
    checks.every_answer_kept_its_manners([good, Answer(NO_ANSWER, {}, b"", 0.1, "reset")])


def test_a_late_answer_is_seen() -> None:
    with pytest.raises(AssertionError):
        checks.every_request_ended_in_time([Answer(201, {}, b"", 12.0)], seconds=11.0)


@dataclass
class Record:
    """What a consumer reads."""

    event: Event
    partition: int = 3
    value: bytes = b"{}"

    @property
    def key(self) -> bytes:
        return str(self.event.stream).encode()

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        return [("ce_id", str(self.event.id).encode())]


EVENTS = [Event(UUID(int=20 + n), UUID(ALICE), n, b"{}", published=True) for n in (1, 2, 3)]


def judge(events: list[Event], records: list[Any]) -> None:
    """Hold outbox and topic against each other."""
    checks.every_event_is_in_kafka(events, records)
    checks.events_keep_the_order_of_their_wallet(events, records, {UUID(ALICE): 3})


def test_events_that_come_twice_and_in_order_pass() -> None:
    one, two, three = (Record(event) for event in EVENTS)
    judge(EVENTS, [one, two, one, two, three])


@pytest.mark.parametrize(
    "records",
    [
        [Record(EVENTS[0]), Record(EVENTS[1])],
        [Record(EVENTS[0]), Record(EVENTS[2]), Record(EVENTS[1])],
        [*map(Record, EVENTS), Record(EVENTS[0], value=b"{ }")],
        [*map(Record, EVENTS), Record(EVENTS[0], partition=4)],
        [*map(Record, EVENTS), Record(replace(EVENTS[0], id=UUID(int=99)))],
    ],
    ids=["lost", "overtaken", "other bytes", "other partition", "unknown"],
)
def test_a_topic_that_tells_otherwise_is_seen(records: list[Any]) -> None:
    with pytest.raises(AssertionError):
        judge(EVENTS, records)
