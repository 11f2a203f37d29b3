"""The relay: read what waits, send it, mark what was acknowledged. Nothing else publishes.

Order within a stream rests on three rules, none of them a lock:

1. A chunk holds a stream's waiting rows from the first one on, in order of ids.
2. After a failure the broker sends nothing more, and the next chunk is read afresh.
3. Only the acknowledged rows before a stream's first other row are marked, by their exact ids.

So a relay that was paused, killed or doubled can repeat events but never jump ahead.

A chunk is marked while the next one is sent. The rules hold: the next one is begun only when every
row of the first is acknowledged; it is read without exactly these rows, never from an id on; and
its own rows are marked after theirs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import Error, close_old_connections

from events import contracts, leases, marking, metrics, wire
from events.broker import Broker, Outcome, Record
from events.errors import BrokerUnavailable
from events.models import OutboxStatus, waiting
from events.trouble import Trouble
from wallet_project.kit import heartbeat
from wallet_project.kit.database import heals, prepare_session
from wallet_project.kit.retry_metrics import DATABASE_TRANSIENT, KAFKA_PUBLISH

logger = logging.getLogger(__name__)

CHUNK: Final = 2_000
SEND_SECONDS: Final = 10.0
LOCK_WAIT_SECONDS: Final = 3
BUDGET_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.2
"""Between two drains. Each costs commits of its own, which movements wait for."""
_OPERATION: Final = "publish_events"
METRICS_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain did."""

    sent: int
    """Rows that were acknowledged and marked."""
    left: bool
    """Whether more may be waiting for this relay."""
    failure: str = ""
    """Why the broker stopped; empty if it did not."""


@dataclass(frozen=True, slots=True)
class Work:
    """A waiting row and the record it becomes."""

    id: int
    record: Record


def drain_once(
    broker: Broker,
    *,
    holder: str,
    stop: threading.Event | None = None,
    budget_seconds: float = BUDGET_SECONDS,
) -> Drained:
    """Publish what waits in the shards this holder can lease.

    Begins no new chunk after `budget_seconds`, a failure or `stop`. A chunk ends within 20 s even
    when Kafka hangs: 10 s of sending and one request's time to see the connection gone.
    """
    started = time.monotonic()
    sent = 0
    unmarked: list[int] = []
    # A relay that is frozen within a transaction loses it after the session's wait_timeout: it
    # cannot stop the others for longer.
    prepare_session(lock_wait_seconds=LOCK_WAIT_SECONDS)
    marking.hold_followers()
    with ThreadPoolExecutor(1) as sender:  # leaving it waits: nothing is sent after an exception
        while True:
            shards = leases.take(holder)
            work = read_work(shards, limit=CHUNK, besides=unmarked) if shards else []
            if not work:
                return Drained(sent + marking.mark_published(unmarked), left=False)
            outcome, marked = _send(broker, work, unmarked, sender)
            unmarked = acknowledged(work, outcome)
            sent += marked
            more = len(work) == CHUNK or bool(outcome.faults or outcome.failure)
            late = time.monotonic() - started > budget_seconds or (
                stop is not None and stop.is_set()
            )
            if more and not late and len(unmarked) == len(work):
                continue
            sent += marking.mark_published(unmarked)
            unmarked = []
            for index, reason in sorted(outcome.faults.items()):
                marking.blame(work[index].id, reason)
            if outcome.failure or late or not more:
                return Drained(sent, left=more, failure=outcome.failure)


def _send(
    broker: Broker, work: Sequence[Work], unmarked: Sequence[int], sender: Executor
) -> tuple[Outcome, int]:
    """Send a chunk and meanwhile mark the one before; return what came of it and the marks."""
    records = [one.record for one in work]
    if not unmarked:
        return wire.send(broker, records, deadline_seconds=SEND_SECONDS), 0
    sending = sender.submit(wire.send, broker, records, deadline_seconds=SEND_SECONDS)
    marked = marking.mark_published(unmarked)
    return sending.result(), marked


def drain_all(broker: Broker, stop: threading.Event) -> int:
    """Publish what waits now and return how many events that was.

    :raises BrokerUnavailable: if the broker stops before the end; what is left stays in the outbox.
    """
    holder = leases.holder_name()
    sent = 0
    try:
        while True:
            drained = drain_once(broker, holder=holder, stop=stop)
            sent += drained.sent
            if drained.failure:
                raise BrokerUnavailable(drained.failure)
            if not drained.left or stop.is_set():
                return sent
    finally:
        leases.give_back(holder)


def read_work(shards: Sequence[int], *, limit: int, besides: Sequence[int] = ()) -> list[Work]:
    """Read waiting rows by id, without streams that stand behind a quarantined row.

    :param besides: rows that are acknowledged and only lack their mark.

    One statement, so one snapshot: a stream's rows are seen from the first waiting one on.
    """
    quarantined = waiting(OutboxStatus.QUARANTINED).values("stream")
    rows = (
        waiting(OutboxStatus.PENDING)
        .filter(shard__in=shards)
        .exclude(stream__in=quarantined)
        .exclude(pk__in=besides)
        .order_by("id")
        .values_list(
            *("id", "topic", "stream", "payload"),
            *("event_id", "type", "client", "entry", "occurred_at"),
        )[:limit]
    )
    return [
        Work(
            id=id_,
            record=Record(
                topic=topic,
                key=stream,
                value=bytes(payload),
                headers=contracts.headers(
                    event_id=event_id,
                    type_=type_,
                    client=client,
                    stream=stream,
                    entry=entry,
                    occurred_at=occurred_at,
                ),
            ),
        )
        for id_, topic, stream, payload, event_id, type_, client, entry, occurred_at in rows
    ]


def acknowledged(work: Iterable[Work], outcome: Outcome) -> list[int]:
    """List the rows to mark: of each stream, those before its first row without an answer."""
    if all(outcome.acknowledged):
        return [one.id for one, _ in zip(work, outcome.acknowledged, strict=True)]
    open_streams: set[UUID] = set()
    ids: list[int] = []
    for one, is_acknowledged in zip(work, outcome.acknowledged, strict=True):
        if one.record.key in open_streams:
            continue
        if is_acknowledged:
            ids.append(one.id)
        else:
            open_streams.add(one.record.key)
    return ids


def has_work() -> bool:
    """Tell whether anything waits, without writing or locking anything."""
    return waiting(OutboxStatus.PENDING).exists()


def run_forever(broker: Broker, stop: threading.Event) -> None:
    """Publish until `stop` is set, through any outage of the database and the broker.

    The chunk in hand is finished before it returns. Database errors that time cannot heal (a
    missing table, a missing grant) are raised.
    """
    holder = leases.holder_name()
    heart = heartbeat.start(stop)  # a thread of its own, for sending may hang with Kafka
    # The relay never gives up: an event that is not published now is published later.
    trouble = Trouble(logger, "relay", _OPERATION)
    measured = float("-inf")
    while not stop.is_set():
        close_old_connections()
        try:
            drained = Drained(0, left=False)
            if has_work():
                drained = drain_once(broker, holder=holder, stop=stop)
            if time.monotonic() - measured > METRICS_SECONDS:
                metrics.refresh()
                measured = time.monotonic()
        except Error as error:
            if not heals(error):
                raise
            stop.wait(trouble.with_(DATABASE_TRANSIENT, error))
            continue
        if drained.failure:
            stop.wait(trouble.with_(KAFKA_PUBLISH, BrokerUnavailable(drained.failure)))
            continue
        trouble.over()
        if not drained.sent:
            stop.wait(POLL_SECONDS)
    _leave(broker, holder)
    heart.join(heartbeat.EVERY_SECONDS)


def _leave(broker: Broker, holder: str) -> None:
    broker.close()
    try:
        leases.give_back(holder)
    except Error as error:
        if not heals(error):
            raise
        logger.warning("relay.leases_left_to_expire", extra={"reason": str(error)})
