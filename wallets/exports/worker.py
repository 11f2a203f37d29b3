"""Makes the files of exports, a slice at a time.

A statement is proven first: its lines go into its hash, and it is issued. Then the file is written.
Text formats grow at their end, and what stands there is written down after each few thousand lines,
so that whoever comes next goes on there. Workbooks and PDF are whole only when they are finished
and are begun again. A file is offered when it is complete, on the disk and under its last name.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages

from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets.exports import claims, figures, issuing
from wallets.exports.claims import LeaseLost
from wallets.exports.figures import PostingsMissing, Range
from wallets.exports.formats.document import TextDocument
from wallets.exports.formats.known import WRITERS
from wallets.exports.issuing import Proof
from wallets.exports.models import ExportJob, ExportStatus, Format, IssuedStatement, Kind
from wallets.models import Wallet

logger = logging.getLogger(__name__)

WRITTEN_DOWN: Final = 5_000
"""After how many lines it is written down how far the work has come."""
_READ_BYTES: Final = 1 << 20

Enough = Callable[[], bool]


class Unfinished(Exception):
    """The slice is over; what is done stands in the row."""


def run(*, enough: Enough, stop: Enough = lambda: False, books_max: int | None = None) -> int:
    """Work on exports that wait; return how many slices that were.

    :param enough: ends a slice of a text format, and the run after it.
    :param stop: ends the work on workbooks and PDF too, which are begun again then.
    :param books_max: leave those of more lines to others.
    """
    slices = 0
    while not enough() and (job := claims.take(books_max=books_max)) is not None:
        slices += 1
        if not _slice(job, enough, stop):
            break
    return slices


def folder() -> Path:
    """Return the folder of unfinished files; make it where it is missing."""
    found = settings.EXPORTS_FOLDER.joinpath("unfinished")
    found.mkdir(parents=True, exist_ok=True)
    return found


def storage() -> Storage:
    """Return where finished files lie."""
    return storages["exports"]


def range_of(job: ExportJob) -> Range:
    """Return the range of the books that an export tells."""
    wallet = Wallet.objects.using(PRIMARY).values_list("currency", flat=True).get(pk=job.wallet)
    return Range(
        job.wallet,
        job.client,
        wallet,
        job.since,
        job.before,
        job.first,
        job.last,
        job.opening,
        job.closing,
    )


def _slice(job: ExportJob, enough: Enough, stop: Enough) -> bool:
    """Work on an export; tell whether another may be tried right after it."""
    try:
        if job.attempts > claims.ATTEMPTS_MAX:
            told = job.error or "It was begun again and again and never came forward."
            claims.end(job, ExportStatus.FAILED, error=told, finished_at=now())
        else:
            _work(job, enough, stop)
    except Unfinished:
        claims.give_back(job)
    except LeaseLost:
        logger.warning("export.lease_lost", extra={"export": str(job.pk)})
    except (DomainError, PostingsMissing) as error:
        logger.exception("export.failed", extra={"export": str(job.pk)})
        claims.end(job, ExportStatus.FAILED, error=str(error)[:500], finished_at=now())
    except OSError as error:
        # A full disk may have room again; without that it has failed in a few tries.
        logger.exception("export.disk", extra={"export": str(job.pk)})
        claims.give_back(job, error=f"The file could not be written: {error.strerror}"[:500])
        return False
    return True


def _work(job: ExportJob, enough: Enough, stop: Enough) -> None:
    within, kind = range_of(job), Kind(job.kind)
    writer: Any = WRITERS[kind, Format(job.format)]
    about: Any = within
    walk: Callable[..., Iterator[Sequence[Any]]] = partial(figures.movements, within)
    if kind == Kind.STATEMENT:
        reference = Wallet.objects.using(PRIMARY).values_list("reference", flat=True)
        row = _prove(job, within, enough)
        about = issuing.printed(row, reference=reference.get(pk=job.wallet))
        walk = partial(figures.pieces, within)
    make = _write_text if issubclass(writer, TextDocument) else _write_book
    over = enough if issubclass(writer, TextDocument) else stop
    path = make(job, partial(writer, about), walk, over)
    _finish(job, path, writer.suffix)


def _prove(job: ExportJob, within: Range, enough: Enough) -> IssuedStatement:
    """Issue the statement, going on where an earlier slice has come.

    :raises Unfinished: when the slice is over before the end.
    """
    if job.statement is not None:
        return issuing.statement(job.statement)
    row = issuing.issued_before(within)
    if row is None:
        proof = issuing.begin(within) if job.proof is None else Proof.from_json(job.proof)
        for lines in figures.pieces(within, after=proof.lines):
            proof = proof.add(lines)
            over = enough()
            if over or proof.lines % WRITTEN_DOWN == 0:
                claims.checkpoint(job, proof=proof.as_json(), proven=proof.lines, attempts=0)
            if over and proof.lines < within.lines:
                raise Unfinished
        row = issuing.keep(within, proof, by=job.requested_by)
    claims.checkpoint(job, statement=row.pk, proven=within.lines, attempts=0)
    return row


def _write_text(
    job: ExportJob,
    begin: Callable[[], TextDocument[Any]],
    walk: Callable[..., Iterator[Sequence[Any]]],
    enough: Enough,
) -> Path:
    document, path = begin(), _go_on(job)
    written = job.written
    with path.open("ab") as file:
        if job.part_bytes == 0:
            file.write(document.begin())
        for rows in walk(after=written):
            file.write(document.add(rows, after=written))
            written += len(rows)
            over = enough()
            if over or written % WRITTEN_DOWN == 0:
                _sync(file)
                claims.checkpoint(job, written=written, part_bytes=file.tell(), attempts=0)
            if over and written < job.lines:
                raise Unfinished
        file.write(document.end())
        _sync(file)
    claims.checkpoint(job)
    return path


def _go_on(job: ExportJob) -> Path:
    """Make a part of this worker's own, with what an earlier one is known to have written.

    It is a copy: an earlier worker that lives after all writes into its own file.
    """
    old, name = job.part, f"{job.pk.hex}-{job.holder.rpartition(':')[2]}.part"
    path, known = folder().joinpath(name), 0
    if old:
        earlier = folder().joinpath(old)
        if earlier.exists() and earlier.stat().st_size >= job.part_bytes:
            with earlier.open("rb") as source, path.open("wb") as target:
                known = _copy(source, target, job.part_bytes)
                _sync(target)
    written = job.written if old and known == job.part_bytes else 0
    claims.checkpoint(job, part=name, part_bytes=known if written else 0, written=written)
    if not written:
        path.unlink(missing_ok=True)
    if old:
        folder().joinpath(old).unlink(missing_ok=True)
    return path


def _copy(source: Any, target: Any, size: int) -> int:
    left = size
    while left and (piece := source.read(min(_READ_BYTES, left))):
        target.write(piece)
        left -= len(piece)
    return size - left


def _write_book(
    job: ExportJob,
    begin: Callable[[Path], Any],
    walk: Callable[..., Iterator[Sequence[Any]]],
    stop: Enough,
) -> Path:
    old, name = job.part, f"{job.pk.hex}-{job.holder.rpartition(':')[2]}.part"
    claims.checkpoint(job, part=name, part_bytes=0, written=0)
    if old:
        folder().joinpath(old).unlink(missing_ok=True)
    path = folder().joinpath(name)
    document, written = begin(path), 0
    for rows in walk(after=0):
        document.add(rows)
        written += len(rows)
        if written % WRITTEN_DOWN == 0:
            claims.checkpoint(job, written=written)
        if stop():
            raise Unfinished
    document.end()
    with path.open("rb") as file:
        os.fsync(file.fileno())
    claims.checkpoint(job, written=written)
    return path


def _finish(job: ExportJob, path: Path, suffix: str) -> None:
    """Put a complete file where it is offered, and say so."""
    if job.file:
        storage().delete(job.file)  # of a worker that was killed before it could say so
    name = f"{job.created_at:%Y/%m/%d}/{path.stem}.{suffix}"
    claims.checkpoint(job, file=name)
    seen, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            seen.update(piece)
        file.seek(0)
        saved = storage().save(name, _Part(file, path))
    path.unlink(missing_ok=True)
    moment = now()
    try:
        claims.end(
            job,
            ExportStatus.DONE,
            file=saved,
            part="",
            sha256=seen.digest(),
            size=size,
            written=job.lines,
            error="",
            finished_at=moment,
            expires_at=moment + timedelta(hours=settings.EXPORT_KEPT_HOURS),
        )
    except LeaseLost:
        storage().delete(saved)
        raise
    logger.info("export.done", extra={"export": str(job.pk), "lines": job.lines, "bytes": size})


class _Part(File):  # type: ignore[type-arg]
    """A complete part. A folder takes it over by renaming it, any other storage reads it."""

    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file, name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Tell where it lies."""
        return str(self._path)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
