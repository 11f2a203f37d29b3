"""What a consumer could not handle, and what waits behind it.

A record that fails for good becomes a dead letter. The wallet it belongs to is then held for this
consumer: later events of the wallet are put behind the letter, in their order, while those of other
wallets flow. `replaying.py` takes them up again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID, uuid5

import msgspec
from django.conf import settings
from django.db import models, transaction
from django.db.models import Min

from events import metrics, outbox
from events.consumer import CLIENT_UNKNOWN, Consumer, Event, Origin, Received, record_of
from events.inbox import seen
from events.models import DeadLetter, LetterStatus
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying

logger = logging.getLogger(__name__)

TYPE: Final = "dead_letter.v1"
OPEN: Final = (LetterStatus.DEAD, LetterStatus.HELD)
BEHIND: Final = "Waits behind a dead letter of its wallet."
_REASON_LENGTH: Final = 1_000
_TYPE_LENGTH: Final = 64
_NO_WALLET: Final = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
"""Namespace of the keys under which letters without a wallet are announced."""

_encoder = msgspec.json.Encoder()
_headers = msgspec.json.Decoder(list[tuple[str, bytes]])


class Announced(msgspec.Struct, frozen=True, rename="camel"):
    """The value of a record in the topic of dead letters."""

    consumer: str
    reason: str
    attempts: int
    failed_at: str
    topic: str
    partition: int
    offset: int
    event_id: str | None
    type: str
    wallet_id: str | None
    headers: list[tuple[str, bytes]]
    """Values in base64."""
    value: bytes | None
    """In base64; null where the record would be too large with it. The table has it."""


def held(consumer: str, streams: Collection[UUID]) -> set[UUID]:
    """Tell which streams wait behind a dead letter, and keep that true to the transaction's end.

    The first open letter of each is locked, so a replay that is about to end the wait is waited
    for, and one that begins waits until what is put behind now can be seen.
    """
    rows = DeadLetter.objects.using(PRIMARY)
    waiting = rows.filter(consumer=consumer, stream__in=streams, status__in=OPEN)
    while True:
        heads = list(
            waiting.order_by().values("stream").annotate(head=Min("id")).values_list("head")
        )
        if not heads:
            return set()
        locked = rows.select_for_update().filter(pk__in=[pk for (pk,) in heads], status__in=OPEN)
        found = [stream for stream in locked.values_list("stream", flat=True) if stream is not None]
        if len(found) == len(heads):
            return set(found)


def park(consumer: str, events: Sequence[Event]) -> None:
    """Put events behind the dead letter of their wallet, in the caller's transaction.

    Passes over those that are there already, and those whose effect is.
    """
    known = seen(consumer, events) | _lettered(consumer, events)
    moment = now()
    letters = [
        _letter(consumer, record_of(event), event, LetterStatus.HELD, BEHIND)
        for event in events
        if event.id not in known
    ]
    for letter in letters:
        letter.failed_at = moment
    DeadLetter.objects.using(PRIMARY).bulk_create(letters)


def bury(
    consumer: Consumer, record: Received, event: Event | None, error: Exception, attempts: int
) -> bool:
    """Make a record a dead letter and tell so in the topic; return whether it was not one before.

    `event` is what the record says, if it could be read. A twin may have handled it meanwhile.
    """
    letter = _letter(consumer.name, record, event, LetterStatus.DEAD, reason_of(error), attempts)

    def body() -> bool:
        with transaction.atomic(using=PRIMARY, durable=True):
            if _is_known(consumer.name, record, event):
                return False
            letter.pk, letter.failed_at = None, now()
            letter.save(using=PRIMARY, force_insert=True)
            outbox.record_messages([_announcement(letter, record)])
            return True

    buried = run_retrying(body, INTERACTIVE, operation="bury_event")
    if buried:
        metrics.CONSUMED.labels(consumer.name, "dead").inc()
        logger.error(
            "consumer.dead_letter",
            extra={
                "consumer": consumer.name,
                "letter": letter.pk,
                "wallet": str(letter.stream),
                "attempts": attempts,
                "reason": letter.reason,
            },
        )
    return buried


def record_in(letter: DeadLetter) -> Received:
    """Return the record of a letter as it was read."""
    return Received(
        Origin(letter.topic, letter.partition, letter.offset),
        bytes(letter.key),
        bytes(letter.value),
        _headers.decode(bytes(letter.headers)),
    )


def _letter(
    consumer: str,
    record: Received,
    event: Event | None,
    status: LetterStatus,
    reason: str,
    attempts: int = 0,
) -> DeadLetter:
    headers = dict(record.headers)
    return DeadLetter(
        consumer=consumer,
        status=status,
        topic=record.origin.topic,
        partition=record.origin.partition,
        offset=record.origin.offset,
        stream=event.stream if event else _uuid(record.key),
        event_id=event.id if event else _uuid(headers.get("ce_id", b"")),
        type=(event.type if event else _text(headers.get("ce_type", b"")))[:_TYPE_LENGTH],
        client=event.client if event else CLIENT_UNKNOWN,
        key=record.key,
        value=record.value,
        headers=_encoder.encode(record.headers),
        reason=reason,
        attempts=attempts,
    )


def _is_known(consumer: str, record: Received, event: Event | None) -> bool:
    if event is not None:
        return bool(seen(consumer, [event]) or _lettered(consumer, [event]))
    # The value, too: another local event log may begin in the place of one that was taken away.
    same = DeadLetter.objects.using(PRIMARY).filter(
        consumer=consumer,
        topic=record.origin.topic,
        partition=record.origin.partition,
        offset=record.origin.offset,
    )
    return any(bytes(value) == record.value for value in same.values_list("value", flat=True))


def _lettered(consumer: str, events: Sequence[Event]) -> set[UUID]:
    """List those events that have a letter, unless it was replayed (then the inbox has them)."""
    rows = (
        DeadLetter.objects.using(PRIMARY)
        .filter(consumer=consumer, event_id__in=[event.id for event in events])
        .exclude(status=LetterStatus.REPLAYED)
    )
    return {one for one in rows.values_list("event_id", flat=True) if one is not None}


def _announcement(letter: DeadLetter, record: Received) -> outbox.NewMessage:
    # In base64 the value takes a third more; a record that cannot be sent would hold the wallet's
    # facts back, so a large one is announced without it.
    is_small = 2 * len(record.value) < settings.KAFKA_RECORD_BYTES_MAX - 64 * 1024
    announced = Announced(
        consumer=letter.consumer,
        reason=letter.reason,
        attempts=letter.attempts,
        failed_at=rfc3339(letter.failed_at),
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        event_id=None if letter.event_id is None else str(letter.event_id),
        type=letter.type,
        wallet_id=None if letter.stream is None else str(letter.stream),
        headers=record.headers if is_small else [],
        value=record.value if is_small else None,
    )
    return outbox.NewMessage(
        topic=settings.KAFKA_TOPIC_DEAD_LETTERS,
        stream=letter.stream or uuid5(_NO_WALLET, f"{letter.topic}/{letter.partition}"),
        client=letter.client,
        type=TYPE,
        value=_encoder.encode(announced),
        occurred_at=letter.failed_at,
    )


def reason_of(error: Exception) -> str:
    """Say in one line what went wrong."""
    return f"{type(error).__name__}: {error}"[:_REASON_LENGTH]


def _uuid(text: bytes) -> UUID | None:
    try:
        return UUID(text.decode())
    except ValueError:
        return None


def _text(text: bytes) -> str:
    return text.decode(errors="backslashreplace")


def open_letters(consumer: str = "") -> models.QuerySet[DeadLetter]:
    """Find the letters that wait for a decision, of one consumer or of all, in their order."""
    rows = DeadLetter.objects.using(PRIMARY).filter(status__in=OPEN).order_by("id")
    return rows.filter(consumer=consumer) if consumer else rows
