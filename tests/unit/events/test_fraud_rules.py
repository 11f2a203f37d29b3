"""Each rule by a table: who did what when, and what is found.

A line of a story is (second, what, minor units). Alice's wallet is opened at second 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import msgspec
import pytest

from events.consumers.fraud import rules, thresholds
from events.consumers.fraud.models import Kind, RuleName
from events.consumers.fraud.rules import Observed, Transfer
from events.consumers.fraud.thresholds import (
    CircularTransfers,
    HighValue,
    ManyToOne,
    RapidWithdrawals,
    YoungDrain,
)

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
NAMES = UUID(int=1)
IN, OUT, SENT, RECEIVED = Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.SENT, Kind.RECEIVED
Story = Sequence[tuple[int, Kind, int]]


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def wallet(name: str) -> UUID:
    return uuid5(NAMES, name)


def alice(story: Story, *, currency: str = "USD") -> list[Observed]:
    """Tell what happened to Alice's wallet."""
    balance = 0
    facts = []
    for place, (second, kind, amount) in enumerate(story):
        balance += amount if kind in (IN, RECEIVED) else -amount
        facts.append(
            Observed(
                event=uuid5(NAMES, f"event {place}"),
                wallet=wallet("alice"),
                client=1,
                kind=kind,
                amount=amount,
                currency=currency,
                balance=balance,
                transaction=uuid5(NAMES, f"transaction {place}"),
                at=at(second),
            )
        )
    return facts


THREE_IN_A_MINUTE = RapidWithdrawals(withdrawals=3, window_seconds=60)


@pytest.mark.parametrize(
    ("story", "found"),
    [
        ([(0, OUT, 1), (10, OUT, 1), (20, OUT, 1)], 3),
        ([(0, OUT, 1), (10, OUT, 1)], None),
        ([(0, OUT, 1), (30, OUT, 1), (59, OUT, 1)], 3),
        ([(0, OUT, 1), (30, OUT, 1), (60, OUT, 1)], None),
        ([(0, OUT, 1), (10, IN, 9), (20, OUT, 1), (30, SENT, 1)], None),
        ([(0, OUT, 1), (10, OUT, 1), (20, IN, 9)], None),
        ([(0, OUT, 1), (100, OUT, 1), (110, OUT, 1), (120, OUT, 1), (130, OUT, 1)], 4),
    ],
)
def test_rapid_withdrawals(story: Story, found: int | None) -> None:
    facts = alice(story)
    finding = rules.rapid_withdrawals(facts[-1], facts, THREE_IN_A_MINUTE)
    assert (finding.numbers["withdrawals"] if finding else None) == found
    if finding:
        assert finding.trigger == facts[-1].event
        assert len(finding.events) == found


def test_what_came_after_a_withdrawal_does_not_count_for_it() -> None:
    facts = alice([(0, OUT, 1), (10, OUT, 1), (20, OUT, 1)])
    assert rules.rapid_withdrawals(facts[1], facts, THREE_IN_A_MINUTE) is None


@pytest.mark.parametrize(
    ("kind", "amount", "currency", "limit", "found"),
    [
        (IN, 100_00, "USD", "100", True),
        (IN, 99_99, "USD", "100", False),
        (OUT, 100_00, "USD", "100", True),
        (SENT, 100_00, "USD", "100", True),
        (RECEIVED, 100_00, "USD", "100", False),
        (IN, 100, "JPY", "100", True),
        (IN, 99, "JPY", "100", False),
        (IN, 100_000, "KWD", "100", True),
        (IN, 99_999, "KWD", "100", False),
        (IN, 99_50, "USD", "99.50", True),
    ],
)
def test_high_value(kind: Kind, amount: int, currency: str, limit: str, found: bool) -> None:
    limits = thresholds.read("HIGH_VALUE", {"amount": limit})
    assert isinstance(limits, HighValue)
    (fact,) = alice([(0, kind, amount)], currency=currency)
    assert (rules.high_value(fact, limits) is not None) is found


DAY = 24 * 3600
DRAIN = thresholds.read("YOUNG_DRAIN", {"age_seconds": DAY, "received": "100", "percent": 90})


@pytest.mark.parametrize(
    ("story", "found"),
    [
        ([(5, IN, 100_00), (9, OUT, 90_00)], True),
        ([(5, RECEIVED, 100_00), (9, SENT, 100_00)], True),
        ([(5, IN, 100_00), (9, OUT, 89_99)], False),
        ([(5, IN, 99_99), (9, OUT, 99_99)], False),
        ([(5, IN, 100_00), (9, OUT, 50_00), (DAY, OUT, 45_00)], True),
        ([(5, IN, 100_00), (DAY + 1, OUT, 100_00)], False),
        ([(5, IN, 100_00), (9, OUT, 95_00), (12, IN, 100_00)], False),
    ],
)
def test_drain_of_a_young_wallet(story: Story, found: bool) -> None:
    assert isinstance(DRAIN, YoungDrain)
    facts = alice(story)
    assert (rules.young_drain(facts[-1], at(0), facts, DRAIN) is not None) is found
    assert rules.young_drain(facts[-1], None, facts, DRAIN) is None


ROUND = msgspec.convert(
    {
        "transfers_min": 3,
        "transfers_max": 4,
        "window_seconds": 100,
        "amount": "100",
        "percent": 80,
    },
    CircularTransfers,
)


def transfers(story: str) -> list[Transfer]:
    """Read `0 alice bob 100; 5 bob carol 95`: second, from, to, dollars."""
    found = []
    for line in story.split("; "):
        second, source, destination, amount = line.split()
        found.append(
            Transfer(
                transaction=uuid5(NAMES, line),
                event=uuid5(NAMES, "event" + line),
                source=wallet(source),
                destination=wallet(destination),
                client=1,
                amount=int(amount) * 100,
                currency="USD",
                at=at(int(second)),
            )
        )
    return found


@pytest.mark.parametrize(
    ("story", "circle"),
    [
        ("0 alice bob 100; 5 bob carol 100; 9 carol alice 100", 3),
        ("0 alice bob 125; 5 bob carol 110; 9 carol alice 100", 3),
        ("0 alice bob 126; 5 bob carol 110; 9 carol alice 100", None),
        ("0 alice bob 100; 5 bob carol 99; 9 carol alice 100", None),
        ("0 alice bob 100; 9 bob alice 100", None),
        ("0 alice bob 100; 5 bob carol 100; 9 carol dave 100", None),
        ("9 alice bob 100; 5 bob carol 100; 0 carol alice 100", None),
        ("5 alice bob 100; 9 bob carol 100; 0 carol alice 100", 3),
        ("0 alice bob 100; 5 bob carol 100; 101 carol alice 100", None),
        ("0 alice bob 100; 3 bob carol 100; 5 carol dave 100; 9 dave alice 100", 4),
        (
            "0 alice bob 100; 1 bob carol 100; 2 carol dave 100; 3 dave erin 100; 4 erin alice 100",
            None,
        ),
        (
            "0 alice bob 100; 1 bob mallory 100; 2 mallory zoe 100; 3 bob carol 100; "
            "9 carol alice 100",
            3,
        ),
    ],
)
def test_circular_transfers(story: str, circle: int | None) -> None:
    found = transfers(story)
    by_trigger = [
        rules.circular_transfers(one, [other for other in found if other is not one], ROUND)
        for one in found
        if not {one.destination} & {wallet("mallory"), wallet("zoe")}
    ]
    # Whichever transfer's legs come last, the same circle is found, under the same name.
    assert {one.numbers["transfers"] if one else None for one in by_trigger} == {circle}
    if circle:
        last = max(found, key=lambda one: one.at)
        first = min(found, key=lambda one: one.at)
        assert {one.trigger for one in by_trigger if one} == {last.transaction}
        assert {one.wallet for one in by_trigger if one} == {first.source}


@pytest.mark.timeout(10)
def test_a_tangle_of_transfers_is_given_up_in_time() -> None:
    crowd = [f"w{number}" for number in range(60)]
    story = "; ".join(f"1 {a} {b} 100" for a in crowd for b in crowd if a != b)
    found = transfers(f"0 alice w0 100; {story}")
    wide = msgspec.structs.replace(ROUND, transfers_max=6)
    assert rules.circular_transfers(found[0], found[1:], wide) is None


RUSH = thresholds.read("MANY_TO_ONE", {"senders": 3, "window_seconds": 60, "amount": "30"})


@pytest.mark.parametrize(
    ("story", "senders"),
    [
        ("0 bob alice 10; 5 carol alice 10; 9 dave alice 10", 3),
        ("0 bob alice 10; 5 carol alice 10", None),
        ("0 bob alice 10; 5 bob alice 10; 9 bob alice 10", None),
        ("0 bob alice 10; 5 carol alice 10; 9 dave alice 9", None),
        ("0 bob alice 10; 30 carol alice 10; 60 dave alice 10", None),
        ("0 dave alice 10; 58 bob alice 10; 59 bob alice 10; 117 carol alice 10", None),
        ("0 bob alice 10; 30 carol alice 10; 59 dave alice 10", 3),
        ("0 bob alice 10; 50 carol alice 10; 70 dave alice 10; 80 erin alice 10", 3),
    ],
)
def test_many_wallets_to_one(story: str, senders: int | None) -> None:
    assert isinstance(RUSH, ManyToOne)
    sent = transfers(story)
    received = [
        Observed(
            event=one.event,
            wallet=one.destination,
            client=1,
            kind=RECEIVED,
            amount=one.amount,
            currency="USD",
            balance=0,
            transaction=one.transaction,
            at=one.at,
            counterpart=one.source,
        )
        for one in sent
    ]
    # Whichever leg comes last: the window is found from each transfer in it.
    late = rules.many_to_one(sent[1], received, RUSH)
    last = rules.many_to_one(sent[-1], received, RUSH)
    for finding in (late, last):
        assert (finding.numbers["senders"] if finding else None) == senders


@pytest.mark.parametrize(
    ("rule", "sent", "complaint"),
    [
        ("HIGH_VALUE", {"amount": "0"}, "above zero"),
        ("HIGH_VALUE", {"amount": "NaN"}, "above zero"),
        ("HIGH_VALUE", {"amount": "ten"}, "decimal"),
        ("HIGH_VALUE", {}, "amount"),
        ("HIGH_VALUE", {"amount": "1", "currency": "USD"}, "currency"),
        ("RAPID_WITHDRAWALS", {"withdrawals": 1, "window_seconds": 60}, "withdrawals"),
        ("RAPID_WITHDRAWALS", {"withdrawals": 5, "window_seconds": 10**7}, "window_seconds"),
        ("NO_SUCH_RULE", {}, "no such rule"),
        (
            "CIRCULAR_TRANSFERS",
            {
                "transfers_min": 5,
                "transfers_max": 3,
                "window_seconds": 9,
                "amount": "1",
                "percent": 9,
            },
            "transfers_max",
        ),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(
    rule: str, sent: dict[str, object], complaint: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        thresholds.read(rule, sent)


def test_every_rule_has_thresholds() -> None:
    assert set(thresholds.SHAPES) == set(RuleName.values)
