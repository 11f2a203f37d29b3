"""Rows past their keeping time leave the database: into a file, which is read again, then removed.

A file holds a batch of rows of one table as compressed JSON lines. It is written before its rows
are removed, and never written over: whatever fails in between, and however many do it at once, no
row is lost. At most a file lies there twice, the second under a name with an ending; the one that
counts is noted in `ArchivedFile`, in the transaction that removes its rows.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import models, transaction
from django.db.models import Q

from events import inbox_age, metrics
from events.errors import ArchiveNotReadable, YoungerThanKept
from events.models import ArchivedFile, ConsumedEvent, OutboxEvent, OutboxStatus
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.database import INTERACTIVE, PRIMARY, delete_by_primary_key, run_retrying

logger = logging.getLogger(__name__)

BATCH: Final = 2_000
_MISSES_MAX: Final = 3
_DAY: Final = timedelta(days=1)

Row = dict[str, Any]


def everything() -> Sequence[Q]:
    """Let any row of the table go."""
    return (Q(),)


@dataclass(frozen=True, slots=True)
class Archive:
    """A table whose rows leave when they are old."""

    name: str
    """What operators call it: a folder of the storage, and an argument of `manage.py archive`."""
    model: type[models.Model]
    time: str
    """The column that tells a row's age; not NULL where a condition holds."""
    order: tuple[str, ...]
    """Columns by which the oldest rows are found in an index; the time rises with them."""
    retention: str
    """The setting that says how many days rows are kept; 0: for ever."""
    conditions: Callable[[], Sequence[Q]] = everything
    """Which rows may leave at all; each kind is walked by itself. A row for which this, or its age,
    is another when it is to be removed stays, and its batch with it."""


@dataclass(slots=True)
class Moved:
    """What was moved."""

    files: int = 0
    rows: int = 0


ARCHIVES: Final[dict[str, Archive]] = {}
"""Every table of which rows are archived; apps add theirs with `register` when they are ready."""


def register(archive: Archive) -> None:
    """Let the rows of a table be archived by beat and by `manage.py archive`."""
    ARCHIVES[archive.name] = archive


OUTBOX: Final = Archive(
    name="outbox",
    model=OutboxEvent,
    time="published_at",
    # Positions rise within a wallet in its order: what stays of it has no gap.
    order=("position",),
    retention="OUTBOX_KEPT_DAYS",
    conditions=lambda: (Q(status=OutboxStatus.PUBLISHED, position__isnull=False),),
)
INBOX: Final = Archive(
    name="inbox",
    model=ConsumedEvent,
    time="consumed_at",
    order=("consumed_at", "id"),
    retention="INBOX_KEPT_DAYS",
    conditions=lambda: [Q(consumer=name) for name in inbox_age.forgetful_consumers()],
)
register(OUTBOX)
register(INBOX)


def cutoff(archive: Archive, *, before: datetime | None = None) -> datetime | None:
    """Tell the moment before which rows are past their keeping time; None: they are kept for ever.

    :raises YoungerThanKept: if `before` asks for rows that are still to be kept.
    """
    days: int = getattr(settings, archive.retention)
    latest = now() - days * _DAY if days else None
    if before is None:
        return latest
    if latest is None or before > latest:
        kept = f"{days} days" if days else "for ever"
        raise YoungerThanKept(f"{archive.name}: rows are kept {kept} ({archive.retention}).")
    return before


def count_due(archive: Archive, *, before: datetime) -> int:
    """Count what would be moved."""
    age = Q(**{f"{archive.time}__lt": before})
    return sum(_rows(archive).filter(one, age).count() for one in archive.conditions())


def move(
    archive: Archive,
    *,
    before: datetime,
    batch_size: int = BATCH,
    enough: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> Moved:
    """Move rows older than a moment, a file and a transaction for each batch.

    Ends when nothing is left or, after the batch in hand, when `enough()`.

    :raises ArchiveNotReadable: if a file does not hold what was written; its rows stay.
    """
    moved = Moved()
    still_old = Q(**{f"{archive.time}__lt": before})
    for condition in archive.conditions():
        misses = 0
        while not enough() and misses < _MISSES_MAX:
            rows = _due(archive, condition, before, batch_size)
            if not rows:
                break
            if not _move(archive, rows, condition & still_old):
                misses += 1  # somebody else does the same
                continue
            misses = 0
            moved.files += 1
            moved.rows += len(rows)
            say(f"{archive.name}: {moved.rows} rows in {moved.files} files")
    return moved


def read(name: str) -> bytes:
    """Read the JSON lines of a file of the archive.

    :raises ArchiveNotReadable: if it cannot be unpacked.
    """
    with _storage().open(name, "rb") as file:
        packed = file.read()
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveNotReadable(f"{name} cannot be unpacked: {error}") from error


def _due(archive: Archive, condition: Q, before: datetime, limit: int) -> list[Row]:
    oldest = _rows(archive).filter(condition).order_by(*archive.order)
    moment = oldest.values_list(archive.time, flat=True).first()
    if moment is None or moment >= before:
        return []  # as nearly always: without reading a batch
    columns = [field.attname for field in archive.model._meta.concrete_fields]
    return list(takewhile(lambda row: row[archive.time] < before, oldest.values(*columns)[:limit]))


def _move(archive: Archive, rows: Sequence[Row], condition: Q) -> bool:
    content = b"".join(_line(row) for row in rows)
    name = _write(_name(archive, rows), content)
    file = ArchivedFile(
        name=name,
        archive=archive.name,
        row_count=len(rows),
        fact_count=sum(row.get("sequence") is not None for row in rows),
        last_position=max((row["position"] for row in rows if row.get("position")), default=None),
        sha256=hashlib.sha256(content).hexdigest(),
        archived_at=now(),
    )
    keys = [row[_key(archive)] for row in rows]
    removed = run_retrying(
        partial(_remove, archive, keys, condition, file), INTERACTIVE, operation="archive_rows"
    )
    if not removed:
        logger.warning("archive.rows_were_gone", extra={"archive": archive.name, "file": name})
        return False
    metrics.ARCHIVED.labels(archive.name).inc(len(rows))
    return True


def _remove(archive: Archive, keys: Sequence[Any], condition: Q, file: ArchivedFile) -> bool:
    """Remove exactly these rows, or none."""
    if ArchivedFile.objects.using(PRIMARY).filter(name=file.name).exists():
        return False
    with transaction.atomic(using=PRIMARY):
        removed = delete_by_primary_key(_rows(archive).filter(condition, pk__in=keys))
        if removed != len(keys):
            transaction.set_rollback(True, using=PRIMARY)
            return False
        file.pk = None
        file.save(using=PRIMARY, force_insert=True)
    return True


def _write(name: str, content: bytes) -> str:
    """Have a file with this content in the storage, prove it by reading, and return its name."""
    storage = _storage()
    if storage.exists(name) and _holds(name, content):
        return name  # left by a run that ended before it had removed the rows
    saved = storage.save(name, ContentFile(gzip.compress(content, mtime=0)))
    if not _holds(saved, content):
        raise ArchiveNotReadable(f"{saved} does not hold what was written to it.")
    return str(saved)


def _holds(name: str, content: bytes) -> bool:
    try:
        found = read(name)
    except ArchiveNotReadable:
        return False
    same_number = found.count(b"\n") == content.count(b"\n")
    return same_number and hashlib.sha256(found).digest() == hashlib.sha256(content).digest()


def _name(archive: Archive, rows: Sequence[Row]) -> str:
    """Name a file by its rows, so that the same rows have the same name."""
    first, last = (
        "-".join(_text(row[column]) for column in archive.order) for row in (rows[0], rows[-1])
    )
    day: datetime = rows[0][archive.time]
    return f"{archive.name}/{day:%Y/%m/%d}/{first}_{last}.jsonl.gz"


def _text(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:012d}"
    if isinstance(value, datetime):
        return f"{value:%Y%m%dT%H%M%S%fZ}"
    return value.hex if isinstance(value, UUID) else str(value)


def _line(row: Mapping[str, Any]) -> bytes:
    told: Row = {}
    for name, value in row.items():
        if isinstance(value, bytes | memoryview):
            told |= _bytes(name, bytes(value))
        elif isinstance(value, datetime):
            told[name] = rfc3339(value)
        elif isinstance(value, UUID | date):
            told[name] = str(value)
        else:
            told[name] = value
    return msgspec.json.encode(told) + b"\n"


def _bytes(name: str, value: bytes) -> Row:
    """Tell bytes as text where they are text, exactly; else in base64 under another name."""
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def _key(archive: Archive) -> str:
    key = archive.model._meta.pk
    if key is None:
        raise TypeError(f"{archive.model.__name__} has no primary key.")
    return key.attname


def _rows(archive: Archive) -> models.QuerySet[Any]:
    return archive.model._default_manager.using(PRIMARY)


def _storage() -> Storage:
    return storages["archive"]
