"""What is done with exports: asked for, cancelled, tried again, shown, fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.clock import now
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallet_project.kit.ids import uuid7
from wallets.errors import FieldInvalid
from wallets.exports import claims, figures
from wallets.exports.errors import ExportNotFound, ExportNotReady
from wallets.exports.figures import Range
from wallets.exports.formats import known
from wallets.exports.models import ExportJob, ExportStatus, Format, Kind
from wallets.identity import WalletIdentity

UNFINISHED = (ExportStatus.PENDING, ExportStatus.RUNNING)
AGAIN = (ExportStatus.FAILED, ExportStatus.CANCELLED, ExportStatus.EXPIRED)
"""What can be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExport:
    """An export to be made."""

    kind: Kind
    format: Format
    since: datetime | None = None
    before: datetime | None = None
    by: str
    """Who asks, as the books write it: `key:<prefix>`, `staff:<number>`."""
    for_client: bool = True
    reason: str = ""
    idempotency_key: bytes | None = None
    request_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """An export as it stands, made now or when its key was first used."""

    job: ExportJob
    replayed: bool = False


def request(
    *,
    wallet: WalletIdentity,
    asked: NewExport,
    within: Range | None = None,
    by: Actor | None = None,
) -> Requested:
    """Ask for an export; the time's movements are those there are now.

    :param by: whom the audit log names, where a member of staff asks.

    :raises ExportTooLong: if the format cannot hold them.
    :raises FieldInvalid: if the kind is not written in the format.
    """
    if asked.format not in known.formats_of(asked.kind):
        formats = ", ".join(known.formats_of(asked.kind))
        raise FieldInvalid(f"{asked.kind.label} can be had as {formats}.", field="format")
    earlier = _made_before(asked)
    if earlier is not None:
        return Requested(earlier, replayed=True)
    if within is None:
        within = figures.look(wallet, since=asked.since, before=asked.before)
    known.check_length(asked.format, within.lines)
    job = _row(wallet, asked, within)

    def body() -> Requested:
        with transaction.atomic(using=PRIMARY):
            again = _made_before(asked)
            if again is not None:
                return Requested(again, replayed=True)
            job.save(using=PRIMARY, force_insert=True)
            if by is not None:
                detail = {"wallet": str(wallet.id), "kind": asked.kind, "format": asked.format}
                _record(by, "request", job.pk, asked.reason, detail)
            return Requested(job)

    return run_retrying(body, INTERACTIVE, operation="request_export")


def cancel(*, export: UUID, by: Actor, reason: str) -> None:
    """Cancel an export that has not ended; its worker stops at its next look.

    :raises ExportNotReady: if it has ended.
    """
    _move(export, UNFINISHED, by, ("cancel", reason), status=ExportStatus.CANCELLED, holder="")


def retry(*, export: UUID, by: Actor, reason: str) -> None:
    """Have an export made again that has failed, was cancelled or has expired.

    :raises ExportNotReady: if it stands otherwise.
    """
    _move(
        export,
        AGAIN,
        by,
        ("retry", reason),
        status=ExportStatus.PENDING,
        holder="",
        attempts=0,
        error="",
        file="",
        sha256=None,
        size=0,
        finished_at=None,
        expires_at=None,
    )


def export_of(client: int, export: UUID) -> ExportJob:
    """Find an export that a client may see.

    :raises ExportNotFound: if the client has none such.
    """
    found = claims.rows().filter(pk=export, client=client, for_client=True).first()
    if found is None:
        raise ExportNotFound("The export does not exist.", field="exportId")
    return found


def page(
    client: int, *, status: ExportStatus | None, before: UUID | None, limit: int
) -> Sequence[ExportJob]:
    """List a client's exports, newest first, below an id."""
    found = claims.rows().filter(client=client, for_client=True)
    if status is not None:
        found = found.filter(status=status)
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-id")[:limit])


def is_offered(job: ExportJob) -> bool:
    """Tell whether the file of an export is there to be fetched."""
    return job.status == ExportStatus.DONE and (job.expires_at or job.created_at) > now()


def progress(job: ExportJob) -> tuple[int, int]:
    """Tell how many steps are done, and of how many: a statement's lines are walked twice."""
    if job.kind == Kind.STATEMENT:
        return job.proven + job.written, 2 * job.lines
    return job.written, job.lines


def note_download(job: ExportJob, by: Actor) -> None:
    """Keep who fetched a file."""
    act = Act(
        "export.download", "exports.exportjob", str(job.pk), detail={"wallet": str(job.wallet)}
    )
    audit.record_look(by, act)


def _made_before(asked: NewExport) -> ExportJob | None:
    if asked.idempotency_key is None:
        return None
    return claims.rows().filter(idempotency_key=asked.idempotency_key).first()


def _row(wallet: WalletIdentity, asked: NewExport, within: Range) -> ExportJob:
    return ExportJob(
        id=uuid7(),
        client=wallet.client,
        for_client=asked.for_client,
        wallet=wallet.id,
        kind=asked.kind,
        format=asked.format,
        since=asked.since,
        before=asked.before,
        first=within.first,
        last=within.last,
        opening=within.opening,
        closing=within.closing,
        requested_by=asked.by,
        reason=asked.reason,
        idempotency_key=asked.idempotency_key,
        request_hash=asked.request_hash,
        created_at=now(),
    )


def _move(
    export: UUID,
    leaves: Sequence[ExportStatus],
    by: Actor,
    act: tuple[str, str],
    **columns: Any,
) -> None:
    verb, reason = act

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            rows = claims.rows().filter(pk=export, status__in=leaves)
            if not rows.update(lease_until=None, **columns):
                raise ExportNotReady(f"The export is not in a state to {verb}.")
            _record(by, verb, export, reason, {})

    run_retrying(body, INTERACTIVE, operation=f"{verb}_export")


def _record(by: Actor, verb: str, export: UUID, reason: str, detail: dict[str, Any]) -> None:
    audit.record(by, Act(f"export.{verb}", "exports.exportjob", str(export), reason, detail))
