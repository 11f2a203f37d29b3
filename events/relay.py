"""The relay: read what waits, send it, mark what was acknowledged. Nothing else publishes.

Order within a stream rests on three rules, none of them a lock:

1. A chunk holds a stream's waiting rows from the first one on, in order of ids.
2. After a failure the broker sends nothing more, and the next chunk is read afresh.
3. Only the acknowledged rows before a stream's first other row are marked, by their exact ids.

So a relay that was paused, killed or doubled can repeat events but never jump ahead.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import Error, close_old_connections

from events import contracts, leases, marking, metrics
from events.broker import Broker, Outcome, Record
from events.errors import BrokerUnavailable
from events.models import OutboxEvent, OutboxStatus
from wallet_project.kit import heartbeat
from wallet_project.kit.database import PRIMARY, is_contention, is_transient, prepare_session
from wallet_project.kit.retry_metrics import DATABASE_TRANSIENT, KAFKA_PUBLISH, RetryCount

logger = logging.getLogger(__name__)

CHUNK: Final = 2_000
SEND_SECONDS: Final = 10.0
LOCK_WAIT_SECONDS: Final = 3
BUDGET_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.2
"""Between two drains. Each costs commits of its own, which movements wait for."""
_OPERATION: Final = "publish_events"
BACK_OFF_SECONDS: Final = 1.0
BACK_OFF_SECONDS_MAX: Final = 5.0
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
    # A relay that is frozen within a transaction loses it after the session's wait_timeout: it
    # cannot stop the others for longer.
    prepare_session(lock_wait_seconds=LOCK_WAIT_SECONDS)
    marking.hold_followers()
    while True:
        shards = leases.take(holder)
        if not shards:
            return Drained(sent, left=False)
        work = read_work(shards, limit=CHUNK)
        if not work:
            return Drained(sent, left=False)
        outcome = broker.send([one.record for one in work], deadline_seconds=SEND_SECONDS)
        sent += marking.mark_published(acknowledged(work, outcome))
        for index, reason in sorted(outcome.faults.items()):
            marking.blame(work[index].id, reason)
        if outcome.failure:
            return Drained(sent, left=True, failure=outcome.failure)
        left = len(work) == CHUNK or bool(outcome.faults)
        late = time.monotonic() - started > budget_seconds
        if not left or late or (stop is not None and stop.is_set()):
            return Drained(sent, left=left)


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


def read_work(shards: Sequence[int], *, limit: int) -> list[Work]:
    """Read waiting rows by id, without streams that stand behind a quarantined row.

    One statement, so one snapshot: a stream's rows are seen from the first waiting one on.
    """
    rows = OutboxEvent.objects.using(PRIMARY)
    quarantined = rows.filter(status=OutboxStatus.QUARANTINED).values("stream")
    waiting = (
        rows.filter(status=OutboxStatus.PENDING, shard__in=shards)
        .exclude(stream__in=quarantined)
        .order_by("id")
        .values_list("id", "topic", "stream", "payload", "event_id", "type", "entry", "occurred_at")
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
                    stream=stream,
                    entry=entry,
                    occurred_at=occurred_at,
                ),
            ),
        )
        for id_, topic, stream, payload, event_id, type_, entry, occurred_at in waiting[:limit]
    ]


def acknowledged(work: Iterable[Work], outcome: Outcome) -> list[int]:
    """List the rows to mark: of each stream, those before its first row without an answer."""
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
    return OutboxEvent.objects.using(PRIMARY).filter(status=OutboxStatus.PENDING).exists()


def run_forever(broker: Broker, stop: threading.Event) -> None:
    """Publish until `stop` is set, through any outage of the database and the broker.

    The chunk in hand is finished before it returns. Database errors that time cannot heal (a
    missing table, a missing grant) are raised.
    """
    holder = leases.holder_name()
    heart = heartbeat.start(stop)  # a thread of its own, for sending may hang with Kafka
    trouble = _Trouble()
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
            if not (is_transient(error) or is_contention(error)):
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
        if not (is_transient(error) or is_contention(error)):
            raise
        logger.warning("relay.leases_left_to_expire", extra={"reason": str(error)})


class _Trouble:
    """Says once when something goes away and once when it is back; paces the tries between.

    The relay never gives up: an event that is not published now is published later.
    """

    def __init__(self) -> None:
        self._kind = ""
        self._delay_seconds = BACK_OFF_SECONDS
        self._count = RetryCount(_OPERATION)

    def with_(self, kind: str, error: Exception) -> float:
        """Note a failure and return how long to wait before the next try, in seconds."""
        if kind != self._kind:
            logger.error("relay.interrupted", extra={"kind": kind, "reason": str(error)})
            self._kind = kind
            self._delay_seconds = BACK_OFF_SECONDS
        self._count.again(kind, error)
        delay = self._delay_seconds
        self._delay_seconds = min(delay * 1.5, BACK_OFF_SECONDS_MAX)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing

    def over(self) -> None:
        """Note a success."""
        if self._kind:
            logger.warning("relay.resumed", extra={"kind": self._kind})
            self._count.succeeded()
            self._count = RetryCount(_OPERATION)
        self._kind = ""
