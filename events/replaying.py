"""Take up again what was put aside: the letters of a wallet, in their order, through the inbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from events import inbox
from events.consumer import Consumer, Event, decode
from events.dead_letters import OPEN, open_letters, reason_of, record_in
from events.models import DeadLetter, LetterStatus
from events.settling import is_outage
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.clock import now
from wallet_project.kit.database import INTERACTIVE, PRIMARY, prepare_session, run_retrying

logger = logging.getLogger(__name__)

LOCK_WAIT_SECONDS: Final = 3
COMMAND: Final = Actor("command:replay_dead_letters")
_OPERATION: Final = "replay_dead_letter"


@dataclass(frozen=True, slots=True)
class Queue:
    """Letters that have to be taken up one after the other."""

    consumer: str
    stream: UUID | None
    """The wallet they belong to; None for a letter whose wallet could not be read."""
    letters: list[int]
    """Their ids, in order."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who wants it, and why."""

    by: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a queue."""

    queue: Queue
    handled: int
    failed: int | None
    """The letter at which it stopped; those behind it still wait. None: nothing waits."""
    reason: str = ""


def queues(consumer: str = "", letter: int | None = None) -> list[Queue]:
    """List what waits: of all consumers or one, or the queue in which one letter stands."""
    rows = open_letters(consumer)
    if letter is not None:
        found = rows.filter(pk=letter).values_list("consumer", "stream").first()
        if found is None:
            return []
        name, stream = found
        rows = open_letters(name)
        rows = rows.filter(pk=letter) if stream is None else rows.filter(stream=stream)
    made: dict[tuple[str, UUID | None, int], Queue] = {}
    for pk, name, stream in rows.values_list("id", "consumer", "stream"):
        alone = pk if stream is None else 0
        made.setdefault((name, stream, alone), Queue(name, stream, [])).letters.append(pk)
    return list(made.values())


def replay(consumer: Consumer, queue: Queue, *, by: Actor = COMMAND, reason: str = "") -> Replayed:
    """Let the consumer handle a queue from its head, until it is empty or a letter fails again.

    Each letter is one transaction: the inbox, the effect, the letter's end, and who had it
    replayed. An event whose effect is there already has none again. Letters that join meanwhile
    are handled, too. An outage is raised and is no letter's fault.
    """
    handled = 0
    ask = _Asked(by, reason)
    for pk in _heads(queue):
        prepare_session(lock_wait_seconds=LOCK_WAIT_SECONDS)
        step = partial(_handle if consumer.transactional else _hand_over, consumer, pk, ask)
        try:
            handled += run_retrying(step, INTERACTIVE, operation=_OPERATION)
        except Exception as error:
            if is_outage(error):
                raise
            fault = reason_of(error)
            _note_failure(pk, fault)
            logger.warning("consumer.replay_failed", extra={"letter": pk, "reason": fault})
            return Replayed(queue, handled, pk, fault)
    return Replayed(queue, handled, None)


def discard(letter: int, *, by: Actor = COMMAND, reason: str = "") -> bool:
    """Give a letter up: its effect will be missing, and those behind it can be replayed.

    Returns whether it was open. The event is not handled when it comes again, either.
    """

    def body() -> bool:
        with transaction.atomic(using=PRIMARY, durable=True):
            found = _locked(letter)
            if found is None:
                return False
            if found.event_id is not None:
                inbox.note(found.consumer, [found.event_id])
            return _end(found, LetterStatus.DISCARDED, _Asked(by, reason))

    return run_retrying(body, INTERACTIVE, operation="discard_dead_letter")


def _heads(queue: Queue) -> Iterator[int]:
    """Walk the open letters of a queue, each time the first there is."""
    if queue.stream is None:
        yield from queue.letters
        return
    last = None
    rows = open_letters(queue.consumer).filter(stream=queue.stream)
    while (head := rows.values_list("pk", flat=True).first()) is not None and head != last:
        yield head
        last = head


def _handle(consumer: Consumer, letter: int, ask: _Asked) -> int:
    with transaction.atomic(using=PRIMARY, durable=True):
        found = _locked(letter)
        if found is None:
            return 0  # somebody else was faster
        new = inbox.unseen(consumer.name, [decode(record_in(found))])
        if new:
            consumer.handle(new)
        return int(_end(found, LetterStatus.REPLAYED, ask))


def _hand_over(consumer: Consumer, letter: int, ask: _Asked) -> int:
    """Replay for a consumer that keeps its own transactions and knows repeats itself."""
    found = DeadLetter.objects.using(PRIMARY).filter(pk=letter, status__in=OPEN).first()
    if found is None:
        return 0
    event: Event = decode(record_in(found))
    consumer.handle([event])
    with transaction.atomic(using=PRIMARY, durable=True):
        locked = _locked(letter)
        return int(locked is not None and _end(locked, LetterStatus.REPLAYED, ask))


def _locked(letter: int) -> DeadLetter | None:
    rows = DeadLetter.objects.using(PRIMARY).select_for_update()
    return rows.filter(pk=letter, status__in=OPEN).first()


def _end(letter: DeadLetter, status: LetterStatus, ask: _Asked) -> bool:
    rows = DeadLetter.objects.using(PRIMARY).filter(pk=letter.pk, status__in=OPEN)
    if rows.update(status=status, replayed_at=now()) != 1:
        return False
    verb = "discard" if status is LetterStatus.DISCARDED else "replay"
    detail = {"consumer": letter.consumer, "event": str(letter.event_id)}
    act = Act(f"deadletter.{verb}", "events.deadletter", str(letter.pk), ask.reason, detail)
    audit.record(ask.by, act)
    return True


def _note_failure(letter: int, reason: str) -> None:
    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            rows = DeadLetter.objects.using(PRIMARY).filter(pk=letter, status__in=OPEN)
            rows.update(attempts=F("attempts") + 1, reason=reason, failed_at=now())

    run_retrying(body, INTERACTIVE, operation=_OPERATION)
