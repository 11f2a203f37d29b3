"""Query strings and request headers, read strictly."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from wallet_project.kit.errors import Invalid
from wallets.api import errors
from wallets.api.calls import JSON, MERGE_PATCH, Call
from wallets.models import OperationStatus

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 200

_PARAMETERS_MAX: Final = 20
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    # A plus that was not escaped arrives as a blank.
    r"(?:([Zz])|([+\- ])([0-9]{2}):([0-9]{2}))?",
    re.ASCII,
)
_EARLIEST_YEAR: Final = 1000
"""What a DATETIME column of MySQL can be compared with."""
_ETAG = re.compile(r'(W/)?"([^"]*)"')
_CHARSET = re.compile(r'\s*charset\s*=\s*"?utf-?8"?\s*', re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WalletsQuery:
    """Which of a client's wallets a page shows."""

    user_id: str | None
    before: UUID | None
    limit: int


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which of a wallet's movements a page shows."""

    before_sequence: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class OperationsQuery:
    """Which of a wallet's operations a page shows."""

    status: OperationStatus | None
    before: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class IdsQuery:
    """Which part of a list that goes by ids a page shows."""

    status: str | None
    before: UUID | None
    limit: int


@dataclass(frozen=True, slots=True)
class OffsetQuery:
    """Which part of a list that only grows at its end a page shows."""

    offset: int
    limit: int


def check_none(call: Call) -> None:
    """Refuse any parameter, on a route that has none: a misspelt body is no query string.

    :raises InvalidParameter: then.
    """
    if call.query:
        _parameters(call, ())


def wallets_query(call: Call) -> WalletsQuery:
    """Read the parameters of GET /wallets.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    sent = _parameters(call, {"cursor", "limit", "userId"})
    cursor = sent.get("cursor")
    return WalletsQuery(
        user_id=sent.get("userId"),
        before=None if cursor is None else UUID(bytes=_read_cursor(cursor, b"w", 16)),
        limit=_limit(sent.get("limit")),
    )


def history_query(call: Call) -> HistoryQuery:
    """Read the parameters of GET /wallets/{id}/transactions.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    sent = _parameters(call, {"cursor", "limit"})
    cursor = sent.get("cursor")
    return HistoryQuery(
        before_sequence=None
        if cursor is None
        else int.from_bytes(_read_cursor(cursor, b"h", 8), signed=True),
        limit=_limit(sent.get("limit")),
    )


def operations_query(call: Call) -> OperationsQuery:
    """Read the parameters of GET /wallets/{id}/operations.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    sent = _parameters(call, {"cursor", "limit", "status"})
    cursor, status = sent.get("cursor"), _status(sent.get("status"), OperationStatus.names)
    return OperationsQuery(
        status=None if status is None else OperationStatus[status],
        before=None if cursor is None else int.from_bytes(_read_cursor(cursor, b"o", 8)),
        limit=_limit(sent.get("limit")),
    )


def ids_query(call: Call, kind: bytes, *, statuses: Collection[str]) -> IdsQuery:
    """Read `cursor`, `limit` and `status`; `kind` is what the list's cursors begin with.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    sent = _parameters(call, {"cursor", "limit", "status"})
    cursor = sent.get("cursor")
    return IdsQuery(
        status=_status(sent.get("status"), statuses),
        before=None if cursor is None else UUID(bytes=_read_cursor(cursor, kind, 16)),
        limit=_limit(sent.get("limit")),
    )


def offset_query(call: Call, *, limit_default: int) -> OffsetQuery:
    """Read `limit` and `offset`.

    :raises InvalidParameter: if either is not a whole number, or the limit is out of bounds.
    """
    sent = _parameters(call, {"limit", "offset"})
    offset = sent.get("offset", "0")
    if not _WHOLE_NUMBER.fullmatch(offset):
        raise errors.InvalidParameter("offset must be a whole number.", field="offset")
    limit = _limit(sent["limit"]) if "limit" in sent else limit_default
    return OffsetQuery(int(offset), limit)


def wallets_cursor(last: UUID) -> str:
    """Make the cursor of the page that follows a wallet."""
    return _write_cursor(b"w" + last.bytes)


def ids_cursor(kind: bytes, last: UUID) -> str:
    """Make the cursor of the page that follows an id."""
    return _write_cursor(kind + last.bytes)


def history_cursor(last_sequence: int) -> str:
    """Make the cursor of the page that follows a posting."""
    return _write_cursor(b"h" + last_sequence.to_bytes(8, signed=True))


def operations_cursor(last: int) -> str:
    """Make the cursor of the page that follows an operation."""
    return _write_cursor(b"o" + last.to_bytes(8))


def timestamp(call: Call) -> datetime:
    """Read `timestamp`; without a zone it is UTC.

    :raises FieldRequired, InvalidParameter: as they say.
    """
    found = _optional_moment(call, "timestamp")
    if found is None:
        raise errors.FieldRequired("The parameter timestamp is missing.", field="timestamp")
    return found


def as_of(call: Call) -> datetime | None:
    """Read `asOf`; without a zone it is UTC; None: now.

    :raises InvalidParameter: as it says.
    """
    return _optional_moment(call, "asOf")


def read_moment(text: str) -> datetime | None:
    """Read a moment in RFC 3339, without a zone UTC; None: it is none."""
    try:
        return _moment(text)
    except (ValueError, OverflowError):
        return None


def min_version(call: Call) -> int | None:
    """Read `X-Min-Version`.

    :raises InvalidHeader: if it is not a whole number.
    """
    sent = call.headers.get("x-min-version")
    if sent is None:
        return None
    if not _WHOLE_NUMBER.fullmatch(sent):
        raise errors.InvalidHeader("X-Min-Version must be a whole number.", field="X-Min-Version")
    return int(sent)


def expected_version(call: Call) -> int | None:
    """Read `If-Match`: one strong ETag of a wallet; None where any version will do.

    What cannot be a wallet's ETag reads as version 0, which no wallet has.

    :raises InvalidHeader: for a list of tags.
    """
    sent = call.headers.get("if-match")
    if sent is None or sent.strip() == "*":
        return None
    found = _ETAG.fullmatch(sent.strip())
    if found is None:
        raise errors.InvalidHeader(
            'If-Match must be one ETag, such as "3", or *.', field="If-Match"
        )
    weak, tag = found.groups()
    return int(tag) if not weak and _WHOLE_NUMBER.fullmatch(tag) else 0


def is_known_to_caller(call: Call, version: int) -> bool:
    """Tell whether `If-None-Match` names this version, so that 304 will do."""
    sent = call.headers.get("if-none-match")
    if sent is None:
        return False
    if sent.strip() == "*":
        return True
    return any(found.group(2) == str(version) for found in _ETAG.finditer(sent))


def has_body(call: Call) -> bool:
    """Tell whether a call brings a body, for routes that can do without one."""
    length = call.headers.get("content-length", "")
    return length.strip("0") != "" or "transfer-encoding" in call.headers


def check_body_headers(call: Call, *, bytes_max: int, patch: bool = False) -> int | None:
    """Check what the headers say of the body, before a byte of it is read; return its length.

    None: the length is not known, the reader counts.

    :raises UnsupportedMediaType: if it is not uncompressed JSON in UTF-8.
    :raises BodyTooLarge: if it is larger than `bytes_max`.
    :raises BadRequest: if Content-Length is no number.
    """
    encoding = call.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise errors.UnsupportedMediaType("Send the body without Content-Encoding.")
    _check_media_type(call.headers.get("content-type", ""), patch=patch)
    sent = call.headers.get("content-length", "")
    if not sent:
        return None
    if not _WHOLE_NUMBER.fullmatch(sent):
        raise errors.BadRequest("Content-Length must be a whole number.")
    length = int(sent)
    if length > bytes_max:
        raise too_large(bytes_max)
    return length


def too_large(bytes_max: int) -> errors.BodyTooLarge:
    """Make the error for a body of more bytes than the route takes."""
    return errors.BodyTooLarge(f"The body may have at most {bytes_max} bytes.")


def _check_media_type(sent: str, *, patch: bool) -> None:
    media_type, _, rest = sent.partition(";")
    accepted: Collection[str] = (JSON, MERGE_PATCH) if patch else (JSON,)
    is_utf8 = all(
        _CHARSET.fullmatch(part) or not part.strip().lower().startswith("charset")
        for part in rest.split(";")
    )
    if media_type.strip().lower() not in accepted or not is_utf8:
        raise errors.UnsupportedMediaType(
            f"Send the body as {' or '.join(accepted)} in UTF-8, and say so in Content-Type."
        )


def _parameters(call: Call, known: Collection[str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            call.query,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_PARAMETERS_MAX,
        )
    except ValueError:
        raise errors.InvalidParameter("The query string cannot be read.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise errors.InvalidParameter(
                f"This route knows {', '.join(sorted(known)) or 'no parameter'}.", field=name
            )
        if name in found:
            raise errors.InvalidParameter("It may be given once.", field=name)
        if "\x00" in value:
            raise errors.InvalidParameter("It may not contain NUL.", field=name)
        found[name] = value
    return found


def _optional_moment(call: Call, name: str) -> datetime | None:
    text = _parameters(call, {name}).get(name)
    if text is None:
        return None
    moment = read_moment(text)
    if moment is None:
        raise errors.InvalidParameter(
            f"{name} must be RFC 3339, such as 2026-01-15T10:30:00Z; without a zone it is UTC.",
            field=name,
        )
    return moment


def _status(status: str | None, known: Collection[str]) -> str | None:
    if status is not None and status not in known:
        raise errors.InvalidParameter(f"status is one of {', '.join(known)}.", field="status")
    return status


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_DEFAULT
    if not _WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= PAGE_MAX:
        raise errors.InvalidParameter(
            f"limit must be a whole number from 1 to {PAGE_MAX}.", field="limit"
        )
    return int(text)


def _write_cursor(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _read_cursor(text: str, kind: bytes, length: int) -> bytes:
    wrong: Invalid = errors.InvalidCursor(
        "Take the cursor from nextCursor of the same list, unchanged.", field="cursor"
    )
    try:
        content = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (UnicodeEncodeError, binascii.Error):
        raise wrong from None
    is_ours = content[:1] == kind and len(content) == length + 1
    if not is_ours or _write_cursor(content) != text:
        raise wrong
    return content[1:]


def _moment(text: str) -> datetime:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, _, sign, off_hour, off_minute = found.groups()
    zone = "+00:00"
    if sign is not None:
        zone = f"{'-' if sign == '-' else '+'}{off_hour}:{off_minute}"
    moment = datetime.fromisoformat(
        f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}."
        f"{(fraction or '0')[:6].ljust(6, '0')}{zone}"
    ).astimezone(UTC)
    if moment.year < _EARLIEST_YEAR:
        raise ValueError(text)
    return moment
