"""What becomes of a batch: one effect for each event, and nobody waits for another's poison."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import OperationalError

from events import dead_letters, replaying, settling
from events.consumer import Consumer, Event, Received, record_of
from events.models import ConsumedEvent, DeadLetter, LetterStatus, OutboxEvent
from tests import effects
from tests.consumers import again, deliver, told
from tests.integration.events.conftest import Streams
from wallet_project.kit import servers
from wallet_project.kit.errors import Unavailable

DEAD, HELD, REPLAYED, DISCARDED = LetterStatus


@pytest.fixture(autouse=True)
def quick(settings: Any, database: None) -> Iterator[None]:
    """Let the pauses between tries be short."""
    settings.CONSUMER_RETRY_MS = 1
    with effects.tables():
        yield


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


def settle(events: list[Event], consumer: Consumer | None = None) -> None:
    settling.settle(
        consumer or effects.consumer(), [record_of(event) for event in events], threading.Event()
    )


def letters(stream: UUID) -> list[tuple[int, int]]:
    """List a wallet's letters: sequence and status."""
    rows = DeadLetter.objects.filter(stream=stream).order_by("id")
    return [(json.loads(bytes(row.value))["sequence"], row.status) for row in rows]


def test_the_same_records_three_times_have_one_effect(streams: Streams) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob, alice)
    events = told()

    settle(events)
    settle([again(event) for event in events])
    settle([again(event) for event in events] + events)

    assert effects.done() == {alice: [1, 2], bob: [1]}
    assert ConsumedEvent.objects.count() == 3


def test_two_consumers_have_an_effect_each(streams: Streams) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice)

    deliver(effects.consumer(name="one"), told())
    deliver(effects.consumer(name="other"), told())

    assert effects.done() == {alice: [1, 1]}


def test_an_effect_and_its_inbox_row_are_there_together_or_not_at_all(streams: Streams) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob)
    effects.order(effects.POISON, bob, 1)

    with pytest.raises(effects.Poisoned):
        deliver(effects.consumer(), told())

    assert effects.done() == {}
    assert not ConsumedEvent.objects.exists()


def test_poison_becomes_a_dead_letter_and_only_its_own_wallet_waits(streams: Streams) -> None:
    alice, bob, charlie = streams.new(3)
    for _ in range(5):
        streams.tell(alice, bob, charlie)
    effects.order(effects.POISON, bob, 3)
    events = told()

    settle(events)

    everything = [1, 2, 3, 4, 5]
    assert effects.done() == {alice: everything, bob: [1, 2], charlie: everything}
    assert letters(bob) == [(3, DEAD), (4, HELD), (5, HELD)]
    letter = DeadLetter.objects.filter(status=DEAD).get()
    guilty = told(bob)[2]
    assert letter.event_id == guilty.id
    assert (letter.topic, letter.offset) == (guilty.origin.topic, guilty.origin.offset)
    assert letter.attempts == settings.CONSUMER_ATTEMPTS_MAX
    assert letter.reason == "Poisoned: 3 is poison"

    settle([again(event) for event in events])

    assert effects.done() == {alice: everything, bob: [1, 2], charlie: everything}
    assert letters(bob) == [(3, DEAD), (4, HELD), (5, HELD)]


def test_a_dead_letter_is_announced_in_its_topic(streams: Streams) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice)
    effects.order(effects.POISON, alice, 1)
    (event,) = told()

    settle([event])

    row = OutboxEvent.objects.get(topic=settings.KAFKA_TOPIC_DEAD_LETTERS)
    value = json.loads(bytes(row.payload))
    assert (row.stream, row.sequence, row.type) == (alice, None, dead_letters.TYPE)
    assert value["eventId"] == str(event.id)
    assert value["reason"] == "Poisoned: 1 is poison"
    assert (value["topic"], value["offset"]) == (event.origin.topic, event.origin.offset)


def test_a_value_too_large_to_announce_is_only_in_the_table(
    streams: Streams, settings: Any
) -> None:
    settings.KAFKA_RECORD_BYTES_MAX = 70_000
    (alice,) = streams.new(1)
    streams.tell(alice, padding=60_000)
    effects.order(effects.POISON, alice, 1)

    settle(told())

    row = OutboxEvent.objects.get(topic=settings.KAFKA_TOPIC_DEAD_LETTERS)
    assert json.loads(bytes(row.payload))["value"] is None
    assert len(bytes(DeadLetter.objects.get().value)) > 60_000


def test_events_that_come_while_their_wallet_is_held_wait_and_others_flow(
    streams: Streams,
) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob)
    effects.order(effects.POISON, bob, 1)
    settle(told())
    effects.heal()
    streams.tell(bob, alice, bob)

    settle(told())

    assert effects.done() == {alice: [1, 2]}
    assert letters(bob) == [(1, DEAD), (2, HELD), (3, HELD)]


def test_what_the_handler_cannot_decode_is_dead_at_once(streams: Streams) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob, bob)
    effects.order(effects.UNDECODABLE, bob, 1)

    settle(told())

    assert effects.done() == {alice: [1]}
    assert letters(bob) == [(1, DEAD), (2, HELD)]
    assert DeadLetter.objects.get(status=DEAD).attempts == 1


def test_a_record_that_is_no_event_holds_the_wallet_its_key_names(streams: Streams) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob, bob, bob)
    first, *rest = told(bob)
    broken = replace(record_of(rest[0]), headers=[("ce_type", b"?")], value=b"\xff\x00")
    batch = [*(record_of(e) for e in (first, *told(alice))), broken, record_of(rest[1])]

    for _ in range(2):
        settling.settle(effects.consumer(), batch, threading.Event())

    assert effects.done() == {alice: [1], bob: [1]}
    dead, behind = DeadLetter.objects.order_by("id")
    assert (dead.status, dead.stream, dead.event_id, bytes(dead.value)) == (
        *(DEAD, bob, None),
        b"\xff\x00",
    )
    assert (behind.status, behind.stream, behind.event_id) == (HELD, bob, rest[1].id)


def test_a_record_without_any_wallet_holds_nobody(streams: Streams) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice)
    (event,) = told()
    nobodys = Received(replace(event.origin, offset=7), b"", b"what is this", [])

    settling.settle(effects.consumer(), [nobodys, record_of(event)], threading.Event())

    assert effects.done() == {alice: [1]}
    assert DeadLetter.objects.get().stream is None
    row = OutboxEvent.objects.get(topic=settings.KAFKA_TOPIC_DEAD_LETTERS)
    assert json.loads(bytes(row.payload))["walletId"] is None


@pytest.mark.parametrize("error", [OperationalError(2013, "Lost"), Unavailable("not now")])
def test_an_outage_kills_no_letter_and_loses_nothing(
    streams: Streams, stop: threading.Event, error: Exception
) -> None:
    (alice,) = streams.new(1)
    streams.tell(alice, alice)

    def away(events: Any) -> None:
        raise error

    for _ in range(settings.CONSUMER_ATTEMPTS_MAX + 1):
        with pytest.raises(settling.Interrupted):
            settle(told(), replace(effects.consumer(), handle=away))
    servers.forget()  # in truth the database was there all the time
    settle(told())
    assert effects.done() == {alice: [1, 2]}
    assert not DeadLetter.objects.exists()


def test_a_process_that_has_to_end_does_not_wait_for_the_next_try(
    streams: Streams, stop: threading.Event, settings: Any
) -> None:
    settings.CONSUMER_RETRY_MS = 60_000
    alice, bob = streams.new(2)
    streams.tell(alice, bob)
    effects.order(effects.POISON, bob, 1)
    stop.set()

    with pytest.raises(settling.Interrupted):
        settling.settle(effects.consumer(), [record_of(event) for event in told()], stop)

    assert effects.done() == {alice: [1]}
    assert not DeadLetter.objects.exists()


class TestReplay:
    """Taking up what was put aside."""

    @pytest.fixture
    def bob(self, streams: Streams) -> UUID:
        """Bob's wallet, whose second event of four is poison."""
        alice, bob = streams.new(2)
        streams.tell(alice, bob, bob, bob, bob)
        effects.order(effects.POISON, bob, 2)
        settle(told())
        assert letters(bob) == [(2, DEAD), (3, HELD), (4, HELD)]
        return bob

    def test_heals_the_wallet_in_order_with_one_effect(self, bob: UUID) -> None:
        effects.heal()

        (queue,) = replaying.queues()
        done = replaying.replay(effects.consumer(), queue)

        assert (done.handled, done.failed) == (3, None)
        assert effects.done()[bob] == [1, 2, 3, 4]
        assert letters(bob) == [(2, REPLAYED), (3, REPLAYED), (4, REPLAYED)]
        assert replaying.queues() == []
        settle([again(event) for event in told()[:5]])
        assert effects.done()[bob] == [1, 2, 3, 4]

    def test_lets_the_wallet_flow_again(self, bob: UUID, streams: Streams) -> None:
        effects.heal()
        (queue,) = replaying.queues()
        replaying.replay(effects.consumer(), queue)
        streams.tell(bob)

        settle(told(bob)[-1:])

        assert effects.done()[bob] == [1, 2, 3, 4, 5]

    def test_stops_at_a_letter_that_fails_again(self, bob: UUID) -> None:
        effects.heal()
        effects.order(effects.POISON, bob, 3)

        (queue,) = replaying.queues()
        done = replaying.replay(effects.consumer(), queue)

        assert (done.handled, done.failed, done.reason) == (
            *(1, queue.letters[1]),
            "Poisoned: 3 is poison",
        )
        assert effects.done()[bob] == [1, 2]
        assert letters(bob) == [(2, REPLAYED), (3, HELD), (4, HELD)]
        settle(told(bob))
        assert effects.done()[bob] == [1, 2]

    def test_has_no_second_effect_where_there_is_one(self, bob: UUID) -> None:
        """A twin that read the same record handled it after all."""
        effects.heal()
        guilty = told(bob)[1]
        DeadLetter.objects.update(status=REPLAYED)
        deliver(effects.consumer(), [guilty])
        DeadLetter.objects.update(status=DEAD)

        (queue,) = replaying.queues()
        replaying.replay(effects.consumer(), queue)

        assert effects.done()[bob] == [1, 2, 3, 4]

    def test_of_two_at_once_has_one_effect(self, bob: UUID) -> None:
        effects.heal()
        (queue,) = replaying.queues()
        threads = [
            threading.Thread(target=replaying.replay, args=(effects.consumer(), queue))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert effects.done()[bob] == [1, 2, 3, 4]
        assert replaying.queues() == []

    def test_a_letter_given_up_lets_those_behind_it_be_replayed(self, bob: UUID) -> None:
        (queue,) = replaying.queues()

        assert replaying.discard(queue.letters[0])
        assert not replaying.discard(queue.letters[0])
        (queue,) = replaying.queues()
        replaying.replay(effects.consumer(), queue)
        settle([again(event) for event in told(bob)])

        assert letters(bob) == [(2, DISCARDED), (3, REPLAYED), (4, REPLAYED)]
        assert effects.done()[bob] == [1, 3, 4]

    def test_waits_for_an_event_that_is_just_put_behind_the_letters(
        self, bob: UUID, streams: Streams, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else it would wait behind a letter that is none any more, for ever."""
        effects.heal()
        streams.tell(bob)
        (queue,) = replaying.queues()
        putting = threading.Event()
        park = dead_letters.park

        def slow_park(consumer: str, events: Sequence[Event]) -> None:
            putting.set()
            time.sleep(2)
            park(consumer, events)

        monkeypatch.setattr(dead_letters, "park", slow_park)
        thread = threading.Thread(target=settle, args=(told(bob)[-1:],))
        thread.start()
        assert putting.wait(30)
        replaying.replay(effects.consumer(), queue)
        thread.join()

        assert replaying.queues() == []
        assert effects.done()[bob] == [1, 2, 3, 4, 5]

    def test_is_not_disturbed_by_events_that_come_meanwhile(
        self, bob: UUID, streams: Streams
    ) -> None:
        """Whatever the moment, an event either waits behind the letters or comes after them."""
        effects.heal()
        streams.tell(*[bob] * 40)
        coming = told(bob)[4:]

        def come() -> None:
            for event in coming:
                settle([event])

        thread = threading.Thread(target=come)
        thread.start()
        while thread.is_alive() or replaying.queues():
            for queue in replaying.queues():
                replaying.replay(effects.consumer(), queue)
        thread.join()

        assert effects.done()[bob] == list(range(1, 45))


def test_a_consumer_with_its_own_transactions_gets_everything_but_held_wallets(
    streams: Streams,
) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob, bob)
    effects.order(effects.POISON, bob, 1)
    own = replace(effects.consumer(), transactional=False)

    settle(told(), own)
    settle(told(alice), own)

    assert effects.done()[alice] == [1] * len(effects.done()[alice])
    assert len(effects.done()[alice]) >= 2
    assert bob not in effects.done()
    assert letters(bob) == [(1, DEAD), (2, HELD)]
    assert not ConsumedEvent.objects.exists()

    effects.heal()
    (queue,) = replaying.queues()
    replaying.replay(own, queue)
    assert effects.done()[bob] == [1, 2]
