"""Seal the books: a hash over every settled posting, chained over the hash before.

Sealers lock nothing that money waits for. Of two that make the same seal one gets its number; the
other finds that out by the primary key and goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction

from ledger import metrics
from ledger.models import Posting, Seal
from ledger.offline_verifier import NO_HASH, Head, mark, root_hash
from ledger.sealed_rows import POSTINGS_READ, Reader, head_of, late_postings, seals_after
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.database import INTERACTIVE, PRIMARY, is_contention, run_retrying

logger = logging.getLogger(__name__)

_RECOUNTED: Final = 5
"""How many of the newest seals are counted again before the next one is made."""

Tell = Callable[[Head], None]


@dataclass(slots=True)
class Outcome:
    """What a sealer did and saw."""

    seals: int = 0
    postings: int = 0
    late: list[int] = field(default_factory=list)
    """Postings that came after their range had been sealed. An alarm: look why."""
    broken: list[int] = field(default_factory=list)
    """Seals that lack postings, or have others than were sealed. An alarm: verify the ledger."""

    @property
    def is_alarming(self) -> bool:
        """Whether somebody has to look."""
        return bool(self.late or self.broken)


def seal(
    *,
    upto: int,
    tell: Tell,
    size: int = POSTINGS_READ,
    enough: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Seal all postings up to a settled one, at most `size` by a seal, until `enough()`.

    `tell` gets the head of each new seal within the transaction that makes it.
    """
    outcome = Outcome()
    reader = Reader()
    while not enough():
        recent = newest(_RECOUNTED)
        late = _recount(recent, reader, outcome)
        made = _next(recent[-1] if recent else None, upto, min(size, POSTINGS_READ), late, reader)
        if made is None:
            break
        if not _insert(made, tell):
            continue  # somebody else made this seal
        outcome.seals += 1
        outcome.postings += made.postings
        _report_late(made, outcome)
        metrics.LAST_SEAL_SECONDS.set(made.sealed_at.timestamp())
        progress(f"seal {made.number}: {made.postings} postings up to {made.upto}")
    return outcome


def newest(number: int) -> list[Seal]:
    """List the newest seals, without their marks, oldest of them first."""
    rows = Seal.objects.using(PRIMARY).order_by("-pk").defer("marks")
    return list(rows[:number])[::-1]


def heads(*, after_number: int = 0) -> Iterator[Head]:
    """Walk the heads of all seals after one."""
    for one in seals_after(after_number).defer("marks").iterator():
        yield head_of(one)


def unsealed(*, upto: int) -> int:
    """Count the settled postings that no seal covers yet."""
    last = newest(1)
    return int(_postings(last[0].upto if last else 0, upto).count())


def _postings(after: int, upto: int) -> Any:
    return Posting.objects.using(PRIMARY).filter(pk__gt=after, pk__lte=upto)


def _next(last: Seal | None, upto: int, size: int, late: list[int], reader: Reader) -> Seal | None:
    after = last.upto if last else 0
    bound = _postings(after, upto).order_by("pk").values_list("pk", flat=True)[size - 1 : size]
    upto = max([*bound] or [upto, after])
    block = reader.block(after, upto, late)
    if not block.postings:
        return None
    made = Seal(
        number=last.number + 1 if last else 1,
        after=after,
        upto=upto,
        late=late,
        marks=b"".join(map(mark, block.tally.leaves)),
        previous_hash=bytes(last.root_hash) if last else bytes.fromhex(NO_HASH),
        root_hash=b"",
        sealed_at=now(),
        **block.tally.says(),
    )
    made.root_hash = bytes.fromhex(root_hash(head_of(made), block.tally.leaves))
    return made


def _insert(made: Seal, tell: Tell) -> bool:
    """Insert a seal, and tell its head; False if somebody else has made this number."""

    def body() -> bool:
        try:
            with transaction.atomic(using=PRIMARY):
                made._state.adding = True
                made.save(using=PRIMARY)
                tell(head_of(made))
        except IntegrityError as error:
            if is_contention(
                error
            ):  # the number is taken: by another, or by us before a lost reply
                return bytes(made.root_hash) in _roots(made.number)
            raise
        return True

    return run_retrying(body, INTERACTIVE, operation="seal_ledger")


def _roots(number: int) -> list[bytes]:
    found = Seal.objects.using(PRIMARY).filter(pk=number).values_list("root_hash", flat=True)
    return [bytes(root) for root in found]


def _recount(recent: list[Seal], reader: Reader, outcome: Outcome) -> list[int]:
    """Count the newest seals' postings again; return those that came late."""
    if not recent or _count_sealed(recent) == _postings(recent[0].after, recent[-1].upto).count():
        return []
    late: list[int] = []
    known = late_postings(recent[0].number)
    for one in recent:
        found, is_whole = _strangers(one, reader, known)
        late += found
        if not is_whole and one.number not in outcome.broken:
            outcome.broken.append(one.number)
            metrics.BROKEN_SEALS.inc()
            logger.error("ledger.seal_broken", extra={"seal": one.number})
    return late


def _count_sealed(recent: list[Seal]) -> int:
    """Count what was sealed in these adjoining ranges, by whichever of the seals."""
    first = recent[0]
    late_of_before = [p for one in recent for p in one.late if p <= first.after]
    return sum(one.postings for one in recent) - len(late_of_before)


def _strangers(one: Seal, reader: Reader, known: set[int]) -> tuple[list[int], bool]:
    """Find the postings in a seal's range that nobody sealed, and whether all sealed are there."""
    tally = reader.blocks([(one.after, one.upto, one.late)], known - set(one.late))[0].tally
    marks = bytes(Seal.objects.using(PRIMARY).values_list("marks", flat=True).get(pk=one.pk))
    sealed = [marks[at : at + 4] for at in range(0, len(marks), 4)]
    strangers, at = [], 0
    for posting, leaf in zip(tally.postings, tally.leaves, strict=True):
        if at < len(sealed) and mark(leaf) == sealed[at]:
            at += 1
        else:
            strangers.append(int(posting))
    return (strangers, True) if at == len(sealed) else ([], False)


def _report_late(made: Seal, outcome: Outcome) -> None:
    if made.late:
        outcome.late += made.late
        metrics.LATE_POSTINGS.inc(len(made.late))
        logger.error(
            "ledger.late_postings",
            extra={"seal": made.number, "postings": made.late[:100], "at": rfc3339(made.sealed_at)},
        )
