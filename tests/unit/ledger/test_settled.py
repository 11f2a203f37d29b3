"""When a process may believe that the books are complete up to a posting."""

from __future__ import annotations

from ledger.settled import SETTLE_SECONDS, Watch


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_mark_that_was_just_seen_is_not_settled() -> None:
    watch = Watch(Clock())

    watch.note(100)

    assert watch.settled() == 0


def test_a_mark_is_settled_a_minute_after_it_was_seen_and_no_sooner() -> None:
    clock = Clock()
    watch = Watch(clock)
    watch.note(100)

    clock.seconds += SETTLE_SECONDS - 0.1
    assert watch.settled() == 0
    clock.seconds += 0.1
    assert watch.settled() == 100


def test_of_several_marks_the_newest_that_is_old_enough_counts() -> None:
    clock = Clock()
    watch = Watch(clock)
    for end in range(10):
        watch.note(end)
        clock.seconds += 10

    # The mark 9 was seen ten seconds ago, the mark 4 sixty.
    assert watch.settled() == 4


def test_marks_do_not_pile_up_however_often_somebody_asks() -> None:
    clock = Clock()
    watch = Watch(clock)
    for end in range(100_000):
        watch.note(end)
        watch.settled()
        clock.seconds += 0.01

    assert len(watch._seen) <= SETTLE_SECONDS + 2
    assert 93_900 <= watch.settled() <= 94_000


def test_books_that_end_sooner_than_before_are_watched_anew() -> None:
    clock = Clock()
    watch = Watch(clock)
    watch.note(100)
    clock.seconds += SETTLE_SECONDS
    watch.note(90)

    assert watch.settled() == 0
    clock.seconds += SETTLE_SECONDS
    assert watch.settled() == 90


def test_who_asks_seldom_gets_the_mark_of_the_last_time() -> None:
    clock = Clock()
    watch = Watch(clock)
    watch.note(100)
    clock.seconds += 3600
    watch.note(200)

    assert watch.settled() == 100
