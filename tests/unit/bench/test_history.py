"""The made-up past: books that balance, chain and never run back."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from tests.bench import history
from tests.bench.history import Leg, Movement, Past, Wallets

START = datetime(2026, 1, 1, tzinfo=UTC)
PAST = Past(wallets=7, movements=400, start=START, end=START + timedelta(days=30))


def made(past: Past = PAST) -> tuple[list[Movement], Wallets]:
    """Make the movements and the wallets as they leave them."""
    wallets = Wallets(past.wallets)
    return list(history.movements(past, wallets)), wallets


def test_every_movement_has_two_lines_that_sum_to_zero() -> None:
    for movement in made()[0]:
        lines = [leg.amount for leg in movement.legs]
        if movement.house_amount:
            lines.append(movement.house_amount)
        assert len(lines) == 2
        assert sum(lines) == 0
        assert len({leg.wallet for leg in movement.legs}) == len(movement.legs)


def test_a_wallets_lines_chain_and_end_at_its_balance() -> None:
    movements, wallets = made()
    lines: defaultdict[int, list[Leg]] = defaultdict(list)
    for movement in movements:
        for leg in movement.legs:
            lines[leg.wallet].append(leg)

    assert set(lines) == set(range(7))
    for wallet, legs in lines.items():
        assert [leg.sequence for leg in legs] == list(range(1, len(legs) + 1))
        assert [leg.balance for leg in legs] == list(
            itertools.accumulate(leg.amount for leg in legs)
        )
        assert min(leg.balance for leg in legs) >= 0
        assert (wallets.balances[wallet], wallets.sequences[wallet]) == (
            legs[-1].balance,
            len(legs),
        )


def test_all_kinds_of_movement_are_there() -> None:
    kinds = Counter(movement.kind for movement in made()[0])
    assert set(kinds) == {"deposit", "transfer", "withdrawal"}
    assert kinds["transfer"] > 150


def test_times_ids_and_keys_rise_and_stay_within_the_past() -> None:
    movements, _ = made()
    for before, after in itertools.pairwise(movements):
        assert before.moment < after.moment
        assert before.id < after.id
        assert PAST.key(before.number) < PAST.key(after.number)
    assert movements[0].moment > PAST.start
    assert movements[-1].moment < PAST.end
    assert {movement.id.version for movement in movements} == {7}


def test_keys_lie_all_over_their_range_and_differ_between_two_pasts() -> None:
    firsts = Counter(PAST.key(number)[0] // 64 for number in range(400))
    assert set(firsts) == {0, 1, 2, 3}
    assert max(firsts.values()) - min(firsts.values()) <= 2

    other = Past(7, 400, PAST.start, PAST.end, seed=2)
    assert not {PAST.key(n) for n in range(400)} & {other.key(n) for n in range(400)}


def test_a_year_of_ten_million_movements_has_a_moment_for_each() -> None:
    past = Past(wallets=7, movements=10_000_000, start=START, end=START + timedelta(days=365))
    moments = [past.moment(number) for number in (0, 1, 5_000_000, 9_999_998, 9_999_999)]
    assert moments == sorted(set(moments))
    assert moments[0] > START
    assert moments[-1] < past.end
