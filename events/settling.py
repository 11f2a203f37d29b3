"""Settle a batch of records: each is handled, or put aside so that the others can be.

A batch is one transaction with its inbox rows. If that fails, halves of it are tried until the
guilty events stand alone; those are tried again some times, with a pause between the rounds, and
then become dead letters. Meanwhile nothing of their wallets is handled, everything else is.

An outage is nobody's fault: it counts no try, and the whole batch comes again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import Error, IntegrityError, transaction

from events import dead_letters, metrics
from events.consumer import Consumer, Event, Received, decode, record_of
from events.errors import Undecodable
from events.inbox import unseen
from wallet_project.kit.database import (
    INTERACTIVE,
    PRIMARY,
    heals,
    prepare_session,
    run_retrying,
)
from wallet_project.kit.errors import Unavailable
from wallet_project.kit.retry_metrics import EVENT_HANDLER, RetryCount

LOCK_WAIT_SECONDS: Final = 3
PAUSE_SECONDS_MAX: Final = 5.0

_Blamed = dict[UUID, tuple[Event, Exception]]
"""By wallet: the first of its events that fails, and why."""


class Interrupted(Exception):
    """The batch is not settled: something the handler needs is away, or the process has to end."""


def settle(consumer: Consumer, records: Iterable[Received], stop: threading.Event) -> None:
    """Settle records in their order.

    :raises Interrupted: when part of them may be left; all of them may be settled again.
    """
    events: list[Event] = []
    for record in records:
        try:
            events.append(decode(record))
        except Undecodable as error:
            # What came before it goes first: its wallet is held from here on.
            _settle(consumer, events, stop)
            events = []
            _bury(consumer, record, None, error, attempts=1)
    _settle(consumer, events, stop)


def apply(consumer: Consumer, events: Sequence[Event]) -> None:
    """Let a consumer handle, once, what it has not seen; put events of held wallets aside.

    All of it or nothing, unless the consumer keeps its own transactions. What its handler raises
    is raised here, after the retries that deadlocks and lost connections deserve.
    """
    prepare_session(lock_wait_seconds=LOCK_WAIT_SECONDS)
    body = partial(_apply if consumer.transactional else _park_and_pass_on, consumer, events)
    new, flowing = run_retrying(body, INTERACTIVE, operation=f"consume_{consumer.name}")
    if not consumer.transactional and flowing:
        consumer.handle(flowing)
    metrics.CONSUMED.labels(consumer.name, "handled").inc(new)
    metrics.CONSUMED.labels(consumer.name, "repeated").inc(len(flowing) - new)
    metrics.CONSUMED.labels(consumer.name, "held").inc(len(events) - len(flowing))


def is_outage(error: Exception) -> bool:
    """Tell whether an error says nothing about the event: time alone heals it."""
    if isinstance(error, Error):
        return heals(error) and not isinstance(error, IntegrityError)
    return isinstance(error, Unavailable)


def _apply(consumer: Consumer, events: Sequence[Event]) -> tuple[int, list[Event]]:
    with transaction.atomic(using=PRIMARY, durable=True):
        flowing = _without_held(consumer, events)
        new = unseen(consumer.name, flowing)
        if new:
            consumer.handle(new)
        return len(new), flowing


def _park_and_pass_on(consumer: Consumer, events: Sequence[Event]) -> tuple[int, list[Event]]:
    with transaction.atomic(using=PRIMARY, durable=True):
        flowing = _without_held(consumer, events)
        return len(flowing), flowing


def _without_held(consumer: Consumer, events: Sequence[Event]) -> list[Event]:
    held = dead_letters.held(consumer.name, {event.stream for event in events})
    if held:
        dead_letters.park(consumer.name, [event for event in events if event.stream in held])
    return [event for event in events if event.stream not in held]


def _settle(consumer: Consumer, events: Sequence[Event], stop: threading.Event) -> None:
    count = RetryCount(f"consume_{consumer.name}")
    tries: int = settings.CONSUMER_ATTEMPTS_MAX
    for attempt in range(1, tries + 1):
        blamed: _Blamed = {}
        _try(consumer, events, blamed)
        if not blamed:
            count.succeeded()
            return
        events = _left(events, blamed)
        if attempt == tries:
            break
        for _, error in blamed.values():
            count.again(EVENT_HANDLER, error)
        if stop.wait(_pause_seconds(attempt)):
            raise Interrupted("The process is to end.")
    count.gave_up(EVENT_HANDLER)
    for event, error in blamed.values():
        _bury(consumer, record_of(event), event, error, attempts=tries)
    behind = [event for event in events if event is not blamed[event.stream][0]]
    # Puts them behind the letters; handles those whose letter has been taken up meanwhile.
    _settle(consumer, behind, stop)


def _try(consumer: Consumer, events: Sequence[Event], blamed: _Blamed) -> None:
    """Handle what can be handled; find the first event of each wallet that cannot."""
    events = [event for event in events if event.stream not in blamed]
    if not events:
        return
    try:
        apply(consumer, events)
    except Exception as error:
        if is_outage(error):
            raise Interrupted(str(error)) from error
        if len(events) > 1:
            middle = len(events) // 2
            _try(consumer, events[:middle], blamed)
            _try(consumer, events[middle:], blamed)
        elif isinstance(error, Undecodable):
            _bury(consumer, record_of(events[0]), events[0], error, attempts=1)
        else:
            blamed[events[0].stream] = (events[0], error)


def _left(events: Sequence[Event], blamed: _Blamed) -> list[Event]:
    """List the guilty events and those of their wallets behind them."""
    left: list[Event] = []
    begun: set[UUID] = set()
    for event in events:
        if event.stream in blamed and blamed[event.stream][0] is event:
            begun.add(event.stream)
        if event.stream in begun:
            left.append(event)
    return left


def _bury(
    consumer: Consumer, record: Received, event: Event | None, error: Exception, attempts: int
) -> None:
    try:
        dead_letters.bury(consumer, record, event, error, attempts)
    except Error as trouble:
        if not is_outage(trouble):
            raise
        raise Interrupted(str(trouble)) from trouble


def _pause_seconds(attempt: int) -> float:
    base: float = settings.CONSUMER_RETRY_MS / 1000 * 2 ** (attempt - 1)
    longest = min(base, PAUSE_SECONDS_MAX)
    return longest * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, hides nothing
