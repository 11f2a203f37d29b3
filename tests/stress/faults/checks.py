"""One function for each promise that must hold after a fault; each fails with what broke it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from tests.integration.events.reading import at_first_sight
from tests.second_try import TooSlow
from tests.stress.faults.books import Books, Event
from tests.stress.faults.journal import NO_ANSWER, Answer, Journal, Outcome, minor_of
from tests.stress.faults.load import Caller

ANSWER_SECONDS: Final = 10.0 + 1.0
"""What the service promises, and a second for the road on a busy machine."""
REPLAYS: Final = 150
_SIGNS: Final = {"deposit": 1, "withdraw": -1, "transfer": -1}


def no_op_is_left_unknown(journal: Journal) -> None:
    """Every key has been sent until its outcome was definite."""
    open_ = [op.key for op in journal.ops if op.outcome in (Outcome.OPEN, Outcome.INFO)]
    assert open_ == []


def what_was_acknowledged_is_in_the_books(journal: Journal, books: Books) -> None:
    """Transaction, amount, balance and version stand there exactly as they were told."""
    for op in journal.having(Outcome.OK):
        told = op.told
        line = books.lines.get((told["transactionId"], op.wallet))
        assert line is not None, f"{op.key} was acknowledged and is not in the books: {told}"
        signed = _SIGNS[op.verb] * op.amount
        assert (line.amount, line.balance, line.version) == (
            signed,
            minor_of(told["balance"]),
            told["version"],
        ), op.key
        assert minor_of(told["amount"]) == op.amount
        if op.destination:
            other = books.lines.get((told["transactionId"], op.destination))
            assert other is not None, f"{op.key} took and did not give"
            assert other.amount == op.amount


def nothing_else_is_in_the_books(journal: Journal, books: Books) -> None:
    """Every entry is one acknowledged op's, and every op has its own: one effect a key."""
    ids = [op.told["transactionId"] for op in journal.having(Outcome.OK)]
    assert len(set(ids)) == len(ids), "Two keys were told of one transaction."
    ghosts = books.entries - set(ids)
    assert ghosts == set(), "Entries that nobody was told of, or that were told to have failed."


def versions_follow_real_time(journal: Journal, books: Books) -> None:
    """An op sent after another one's answer came later on every wallet they share."""
    for wallet in books.balances:
        spans = [
            (op.invoked, op.ended, books.lines[(op.told["transactionId"], wallet)].version)
            for op in journal.having(Outcome.OK)
            if wallet in (op.wallet, op.destination)
        ]
        by_end = sorted(spans, key=lambda span: span[1])
        seen = place = 0
        for invoked, _, version in sorted(spans):
            while place < len(by_end) and by_end[place][1] < invoked:
                seen = max(seen, by_end[place][2])
                place += 1
            assert version > seen, f"{wallet}: version {version} was sent after {seen} was told"


def no_balance_was_ever_negative(books: Books) -> None:
    """Neither now nor after any posting on the way."""
    assert min(line.balance for line in books.lines.values()) >= 0
    assert min(books.balances.values()) >= 0


def the_money_adds_up(journal: Journal, books: Books) -> None:
    """What the wallets hold is what was deposited less what was withdrawn, as acknowledged."""
    moved: Counter[str] = Counter()
    for op in journal.having(Outcome.OK):
        moved[op.verb] += op.amount
    assert sum(books.balances.values()) == moved["deposit"] - moved["withdraw"]


def the_api_tells_the_books(caller: Caller, books: Books) -> None:
    """Balance and version of every wallet, asked for as new as the books are."""
    for wallet, balance in books.balances.items():
        version = books.versions[wallet]
        shown = caller.send("GET", f"/wallets/{wallet}/balance", **{"X-Min-Version": str(version)})
        assert shown.status == 200, shown
        assert (minor_of(shown.json["balance"]), shown.json["version"]) == (balance, version)


def a_repeat_is_told_the_same(journal: Journal, caller: Caller) -> None:
    """Byte for byte, and marked as a repeat: all that were unknown, and some that were not."""
    done = journal.having(Outcome.OK) + journal.having(Outcome.FAIL)
    once_unknown = [op for op in done if op.was_unknown]
    others = [op for op in done if not op.was_unknown]
    dice = random.Random(len(journal.ops))
    for op in once_unknown + dice.sample(others, min(REPLAYS, len(others))):
        again = caller.carry_out(op)
        if again.status == NO_ANSWER:  # the connection was kept for longer than the service does
            again = caller.carry_out(op)
        assert again.outcome is op.outcome, f"{op.key} {op.outcome}, then {again}"
        assert again.is_repeat, op.key
        if op.outcome is Outcome.OK:
            assert again.body == op.body, f"{op.key} was told otherwise at first"


def every_answer_kept_its_manners(answers: Iterable[Answer]) -> None:
    """Errors are problems with a code; "not now" says when; nothing is a 500 or a page."""
    for answer in answers:
        if answer.status == NO_ANSWER:
            continue
        assert answer.headers["content-type"].startswith("application/"), answer
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer
            assert answer.json["code"], answer
        if answer.status >= 500:
            assert answer.status == 503, answer
        if answer.status in (429, 503):
            assert int(answer.headers["retry-after"]) > 0, answer


def every_request_ended_in_time(answers: Sequence[Answer], *, seconds: float) -> None:
    """Nobody was left hanging, whatever the outcome."""
    slowest = max(answers, key=lambda answer: answer.seconds)
    if slowest.seconds > seconds:
        raise TooSlow(f"{seconds:g} s were promised: {slowest}")


def no_answer_was_a_failure(journal: Journal) -> None:
    """The fault was nobody's business: every request was answered, none by a 5xx."""
    bad = [one for one in journal.answers if one.status == NO_ANSWER or one.status >= 500]
    assert bad == []


def every_event_is_in_kafka(events: Sequence[Event], records: Sequence[Any]) -> None:
    """The same ids there and here, the same bytes, also in repeats; every mark is honest."""
    here = {event.id: event for event in events}
    there: set[UUID] = set()
    for record in records:
        id_ = UUID(dict(record.headers)["ce_id"].decode())
        assert id_ in here, f"Kafka tells of {id_}, and the outbox does not"
        assert record.value == here[id_].payload
        assert record.key.decode() == str(here[id_].stream)
        there.add(id_)
    unsent = {event.id for event in events if event.published} - there
    assert unsent == set(), "Marked as published and not in Kafka."
    assert there == set(here), "Not in Kafka."


def events_keep_the_order_of_their_wallet(
    events: Sequence[Event], records: Sequence[Any], versions: dict[UUID, int]
) -> None:
    """At first sight 1, 2, 3 … up to the wallet's version, all on one partition."""
    sequences = {event.id: event.sequence for event in events}
    told: dict[UUID, list[int]] = {}
    partitions: dict[UUID, set[int]] = {}
    for record in records:
        wallet = UUID(record.key.decode())
        id_ = UUID(dict(record.headers)["ce_id"].decode())
        told.setdefault(wallet, []).append(sequences[id_])
        partitions.setdefault(wallet, set()).add(record.partition)
    assert set(told) == set(versions)
    for wallet, seen in told.items():
        assert at_first_sight(seen) == list(range(1, versions[wallet] + 1)), wallet
        assert len(partitions[wallet]) == 1, wallet


def something_happened(journal: Journal, *, ops: int) -> None:
    """Guard against a story in which nothing was at stake."""
    assert len(journal.ops) >= ops
    kinds = {(op.verb, op.outcome) for op in journal.ops}
    assert {(verb, Outcome.OK) for verb in _SIGNS} <= kinds
    assert ("withdraw", Outcome.FAIL) in kinds
    assert any(op.by_reference and op.outcome is Outcome.OK for op in journal.ops)
