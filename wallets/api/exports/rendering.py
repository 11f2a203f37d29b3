"""From statements and exports to answers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from wallet_project.kit.clock import rfc3339
from wallets.api import parameters, rendering
from wallets.api.calls import Answer, Call, standard_headers
from wallets.api.exports.parsing import CURSOR
from wallets.api.exports.shapes import ExportPage, ExportShown, IssuedStatementShown
from wallets.exports import issuing, jobs, links
from wallets.exports.figures import Range
from wallets.exports.formats import known
from wallets.exports.formats.document import Document
from wallets.exports.models import ExportJob, Format, IssuedStatement, Kind
from wallets.identity import WalletIdentity


def statement(
    call: Call, wallet: WalletIdentity, within: Range, row: IssuedStatement, format_: Format
) -> Answer:
    """Answer GET /wallets/{id}/statement with the document itself."""
    issued = issuing.printed(row, reference=wallet.reference)
    writer, body = known.render(within, issued, format_)
    headers = standard_headers(call, writer.media_type)
    headers["X-Statement-Id"] = issued.head.number
    headers["X-Statement-SHA256"] = issued.sha256
    if format_ != Format.JSON:
        headers["Content-Disposition"] = attachment(f"statement-{issued.head.number}", writer)
    return Answer(200, body, headers)


def issued(call: Call, row: IssuedStatement, differences: list[str] | None) -> Answer:
    """Answer GET /statements/{id}; `differences` are None where nobody looked."""
    said = issuing.printed(row)
    head, tail = said.head, said.tail
    shown = IssuedStatementShown(
        statement_id=head.number,
        wallet_id=head.wallet,
        currency=head.currency,
        since=head.since,
        before=head.before,
        issued_at=head.issued_at,
        first_sequence=row.first,
        last_sequence=row.last,
        opening_balance=head.opening,
        closing_balance=tail.closing,
        line_count=row.lines,
        total_credits=tail.credits,
        total_debits=tail.debits,
        sha256=said.sha256,
        verified=None if differences is None else not differences,
        differences=differences or [],
    )
    return rendering.answer(call, 200, shown)


def requested(call: Call, made: jobs.Requested) -> Answer:
    """Answer POST /exports, and GET of a statement that is too long to be answered at once."""
    call.replayed = made.replayed and call.key is not None
    where = f"{rendering.BASE}/exports/{made.job.pk}"
    return rendering.answer(call, 202, _export(made.job), location=where)


def export(call: Call, job: ExportJob) -> Answer:
    """Answer GET /exports/{id}."""
    return rendering.answer(call, 200, _export(job))


def page(call: Call, found: Sequence[ExportJob], limit: int) -> Answer:
    """Answer GET /exports; one more than the limit tells that another follows."""
    items = found[:limit]
    more = parameters.ids_cursor(CURSOR, items[-1].pk) if len(found) > limit else None
    shown = ExportPage(items=[_export(one) for one in items], next_cursor=more)
    return rendering.answer(call, 200, shown)


def file_headers(call: Call, job: ExportJob) -> dict[str, str]:
    """Make the headers that go before a file."""
    writer = known.WRITERS[Kind(job.kind), Format(job.format)]
    digest = base64.b64encode(bytes(job.sha256 or b"")).decode()
    return standard_headers(call, writer.media_type) | {
        "Content-Disposition": attachment(f"{job.kind}-{job.pk}", writer),
        "Content-Length": str(job.size),
        "Repr-Digest": f"sha-256=:{digest}:",
    }


def attachment(name: str, writer: type[Document]) -> str:
    """Name a file for whoever saves it."""
    return f'attachment; filename="{name}.{writer.suffix}"'


def is_short(within: Range) -> bool:
    """Tell whether a statement is answered at once."""
    return within.lines <= settings.STATEMENT_LINES_MAX


def _export(job: ExportJob) -> ExportShown:
    done, of = jobs.progress(job)
    is_offered = jobs.is_offered(job)
    url = f"{rendering.BASE}/exports/{job.pk}/file?token={links.token_for(job.pk)}"
    ends = links.ends_at(job.expires_at) if is_offered and job.expires_at else None
    return ExportShown(
        export_id=str(job.pk),
        type=job.kind,
        wallet_id=str(job.wallet),
        since=_time(job.since),
        before=_time(job.before),
        format=job.format,
        status=job.status,
        line_count=job.lines,
        progress_done=done,
        progress_of=of,
        statement_id=None if job.statement is None else str(job.statement),
        error=job.error or None,
        size=job.size if is_offered else None,
        sha256=bytes(job.sha256).hex() if is_offered and job.sha256 else None,
        download_url=url if is_offered else None,
        download_url_expires_at=_time(ends),
        created_at=rfc3339(job.created_at),
        finished_at=_time(job.finished_at),
        expires_at=_time(job.expires_at),
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
