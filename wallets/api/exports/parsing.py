"""From bytes and query strings to requests for statements and exports."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from wallet_project.kit.clock import rfc3339
from wallets import idempotency
from wallets.api import errors, parameters
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.exports.shapes import RequestExport
from wallets.api.parsing import Findings, decode
from wallets.errors import FieldInvalid
from wallets.exports.jobs import NewExport
from wallets.exports.models import ExportStatus, Format, Kind
from wallets.identity import WalletIdentity, parse_uuid

CURSOR: Final = b"x"
"""What cursors of lists of exports begin with."""
_MEDIA_TYPES: Final = {
    "application/json": Format.JSON,
    "text/csv": Format.CSV,
    "application/pdf": Format.PDF,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Format.XLSX,
    "application/xml": Format.CAMT053,
    "text/xml": Format.CAMT053,
}
_NOWHERE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """Which statement is asked for, and how it is written."""

    since: datetime | None
    before: datetime | None
    format: Format


def statement_query(call: Call) -> StatementQuery:
    """Read the parameters of GET /wallets/{id}/statement; `format` goes before `Accept`.

    :raises InvalidParameter: as it says.
    """
    sent = parameters._parameters(call, {"from", "to", "format"})
    since, before = (_moment(sent.get(name), name) for name in ("from", "to"))
    _check_order(since, before)
    format_ = sent.get("format")
    if format_ is None:
        return StatementQuery(since, before, _accepted(call.headers.get("accept", "")))
    if format_ not in Format.values:
        raise errors.InvalidParameter(
            f"format is one of {', '.join(Format.values)}.", field="format"
        )
    return StatementQuery(since, before, Format(format_))


def export_of_statement(
    principal: Principal, wallet: WalletIdentity, asked: StatementQuery, last: int
) -> NewExport:
    """Make the export that stands in for a long statement; asked again, it is the same."""
    named = [str(wallet.id), _told(asked.since), _told(asked.before), asked.format.value, last]
    digest = idempotency.request_hash("export_statement", named)
    return NewExport(
        kind=Kind.STATEMENT,
        format=asked.format,
        since=asked.since,
        before=asked.before,
        by=principal.actor,
        idempotency_key=digest,
        request_hash=digest,
    )


def request(
    call: Call, principal: Principal, body: bytes, *, find: Callable[[str], WalletIdentity]
) -> tuple[WalletIdentity, NewExport]:
    """Read the body of POST /exports; set the call's key. `find` finds the wallet it names.

    :raises Invalid: if anything is wrong with it.
    :raises WalletNotFound: if the caller has no such wallet.
    """
    findings = Findings()
    sent = decode(RequestExport, body, findings)
    kind = findings.take(_kind, sent.type)
    format_ = findings.take(_format, sent.format)
    since = findings.take(lambda text: _moment(text, "from"), sent.since)
    before = findings.take(lambda text: _moment(text, "to"), sent.before)
    findings.take(lambda end: _check_order(since, end), before)
    findings.settle()
    if kind is None or format_ is None:
        raise errors.FieldRequired("type and format are needed.", field="type")
    wallet = find(sent.wallet_id)
    call.key = call.key or idempotency.made_here(principal.client)
    told = [kind.value, str(wallet.id), format_.value, _told(since), _told(before)]
    return wallet, NewExport(
        kind=kind,
        format=format_,
        since=since,
        before=before,
        by=principal.actor,
        idempotency_key=call.key.digest,
        request_hash=idempotency.request_hash("request_export", told),
    )


def exports_query(call: Call) -> parameters.IdsQuery:
    """Read the parameters of GET /exports.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    return parameters.ids_query(call, CURSOR, statuses=ExportStatus.values)


def token(call: Call) -> str:
    """Read the token of a link; a link without one leads nowhere."""
    return parameters._parameters(call, {"token"}).get("token", "")


def identity(text: str) -> UUID:
    """Read an id of the path; what is none names nothing."""
    return parse_uuid(text) or _NOWHERE


def _accepted(accept: str) -> Format:
    """Choose the format that a caller would like best; JSON where none is known."""
    liked: list[tuple[Decimal, Format]] = []
    for wish in accept.split(",")[:20]:
        media_type, *rest = (part.strip().lower() for part in wish.split(";"))
        weight = next((part[2:] for part in rest if part.startswith("q=")), "1")
        is_weight = re.fullmatch(r"[01](\.[0-9]{0,3})?", weight, re.ASCII)
        known = _MEDIA_TYPES.get(media_type)
        if known is not None and is_weight:
            liked.append((Decimal(weight), known))
    return max(liked, key=lambda one: one[0], default=(Decimal(0), Format.JSON))[1]


def _moment(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    moment = parameters.read_moment(text)
    if moment is None:
        raise errors.InvalidParameter(
            f"{name} must be RFC 3339, such as 2026-01-15T10:30:00Z; without a zone it is UTC.",
            field=name,
        )
    return moment


def _check_order(since: datetime | None, before: datetime | None) -> None:
    if since is not None and before is not None and since >= before:
        raise errors.InvalidParameter("from must lie before to.", field="to")


def _kind(text: str) -> Kind:
    if text not in Kind.values:
        raise FieldInvalid(f"type is one of {', '.join(Kind.values)}.", field="type")
    return Kind(text)


def _format(text: str) -> Format:
    if text not in Format.values:
        raise FieldInvalid(f"format is one of {', '.join(Format.values)}.", field="format")
    return Format(text)


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
