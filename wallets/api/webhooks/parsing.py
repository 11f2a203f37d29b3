"""From bytes and query strings to requests about webhooks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from events.consumers.webhooks.endpoints import NewEndpoint
from events.consumers.webhooks.errors import DeliveryNotFound, EndpointNotFound
from events.consumers.webhooks.matching import Filters
from wallet_project.kit.money import MalformedAmount, exponent_of, parse_amount
from wallets import idempotency
from wallets.api import errors, parsing
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.parameters import _limit, _moment, _parameters, _read_cursor, _write_cursor
from wallets.api.parsing import Findings
from wallets.api.shapes import Body
from wallets.api.webhooks import shapes
from wallets.errors import FieldInvalid
from wallets.identity import WalletIdentity, parse_uuid

STATUSES: Final = ("PENDING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED")

_ENDPOINTS: Final = b"e"
_DELIVERIES: Final = b"d"
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,189}")

Identify = Callable[[str], WalletIdentity]
"""Finds a wallet of the caller's by id or reference; raises WalletNotFound."""


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list a page shows."""

    before: UUID | None
    limit: int
    status: str | None = None


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """Which deliveries are sent again."""

    start: datetime
    end: datetime
    types: tuple[str, ...]


def create(call: Call, principal: Principal, body: bytes, identify: Identify) -> NewEndpoint:
    """Read the body of POST /webhook-endpoints; set the call's key.

    :raises Invalid: if anything is wrong with it.
    :raises WalletNotFound: if a filter names a wallet that the client does not have.
    """
    findings = Findings()
    sent = parsing.decode(shapes.CreateWebhookEndpoint, body, findings)
    filters = _filters(sent.filters, identify, findings)
    _check_texts(sent, findings)
    findings.settle()
    call.key = call.key or idempotency.made_here(principal.client)
    enabled = sent.enabled is not False
    told: dict[str, object] = {
        "types": list(filters.event_types),
        "wallets": list(filters.wallets),
        "currency": filters.currency,
        "least": filters.minimum_amount,
        "most": filters.maximum_amount,
    }
    return NewEndpoint(
        url=sent.url,
        description=sent.description or "",
        filters=filters,
        contact_email=sent.contact_email or "",
        enabled=enabled,
        idempotency_key=call.key.digest,
        request_hash=idempotency.request_hash(
            "create_webhook_endpoint",
            [sent.url, sent.description or "", told, sent.contact_email or "", int(enabled)],
        ),
    )


def patch(body: bytes, identify: Identify) -> dict[str, Any]:
    """Read the body of PATCH /webhook-endpoints/{id}; return what changes.

    :raises Invalid: if anything is wrong with it.
    :raises WalletNotFound: if a filter names a wallet that the client does not have.
    """
    findings = Findings()
    sent = parsing.decode(shapes.PatchWebhookEndpoint, body, findings)
    changes: dict[str, Any] = {}
    if sent.filters is not UNSET:
        changes["filters"] = _filters(sent.filters, identify, findings)
    _check_texts(sent, findings)
    findings.settle()
    for name in ("url", "enabled"):
        if (value := getattr(sent, name)) is not UNSET:
            changes[name] = value
    for name in ("description", "contact_email"):
        if (value := getattr(sent, name)) is not UNSET:
            changes[name] = value or ""
    return changes


def redeliver_range(body: bytes) -> RangeRequest:
    """Read the body of POST /webhook-endpoints/{id}/redeliver.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = parsing.decode(shapes.RedeliverWebhooks, body, findings)
    start = findings.take(_time("from"), sent.start)
    end = findings.take(_time("to"), sent.end)
    findings.settle()
    if start is None or end is None or start >= end:
        raise FieldInvalid("from must be before to.", field="from")
    return RangeRequest(start, end, tuple(sent.event_types or ()))


def no_body(body: bytes) -> None:
    """Check that a body that may be left out says nothing.

    :raises Invalid: if it does.
    """
    findings = Findings()
    parsing.decode(Body, body or b"{}", findings)
    findings.settle()


def endpoints_query(call: Call) -> PageQuery:
    """Read the parameters of GET /webhook-endpoints.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    sent = _parameters(call, {"cursor", "limit"})
    return PageQuery(_before(sent.get("cursor"), _ENDPOINTS), _limit(sent.get("limit")))


def deliveries_query(call: Call) -> PageQuery:
    """Read the parameters of GET /webhook-endpoints/{id}/deliveries.

    :raises InvalidParameter, InvalidCursor: as they say.
    """
    sent = _parameters(call, {"cursor", "limit", "status"})
    status = sent.get("status")
    if status is not None and status not in STATUSES:
        raise errors.InvalidParameter(
            f"status must be one of {', '.join(STATUSES)}.", field="status"
        )
    return PageQuery(_before(sent.get("cursor"), _DELIVERIES), _limit(sent.get("limit")), status)


def endpoints_cursor(last: UUID) -> str:
    """Make the cursor of the page that follows an endpoint."""
    return _write_cursor(_ENDPOINTS + last.bytes)


def deliveries_cursor(last: UUID) -> str:
    """Make the cursor of the page that follows a delivery."""
    return _write_cursor(_DELIVERIES + last.bytes)


def endpoint_id(text: str) -> UUID:
    """Read an endpoint's id from the path.

    :raises EndpointNotFound: if it can be none.
    """
    found = parse_uuid(text)
    if found is None:
        raise EndpointNotFound("The webhook endpoint does not exist.", field="endpointId")
    return found


def delivery_id(text: str) -> UUID:
    """Read a delivery's id from the path.

    :raises DeliveryNotFound: if it can be none.
    """
    found = parse_uuid(text)
    if found is None:
        raise DeliveryNotFound("The delivery does not exist.", field="deliveryId")
    return found


def _filters(
    sent: shapes.WebhookFilters | UnsetType | None, identify: Identify, findings: Findings
) -> Filters:
    if not isinstance(sent, shapes.WebhookFilters):
        return Filters()  # none were sent, or what was sent has been found wanting already
    currency = sent.currency or ""
    least = most = None
    has_bound = any(_is_there(one) for one in (sent.minimum_amount, sent.maximum_amount))
    if has_bound and not currency:
        findings.add(FieldInvalid("Bounds of an amount need a currency.", field="filters.currency"))
    elif currency and findings.take(_currency, currency) is not None:
        least = findings.take(_amount("minimumAmount", currency), cast("Raw", sent.minimum_amount))
        most = findings.take(_amount("maximumAmount", currency), cast("Raw", sent.maximum_amount))
    if least is not None and most is not None and least > most:
        findings.add(FieldInvalid("It is below minimumAmount.", field="filters.maximumAmount"))
    wallets = dict.fromkeys(str(identify(name).id) for name in sent.wallet_ids or ())
    return Filters(
        event_types=tuple(dict.fromkeys(sent.event_types or ())),
        wallets=tuple(wallets),
        currency=currency,
        minimum_amount=least,
        maximum_amount=most,
    )


def _check_texts(
    sent: shapes.CreateWebhookEndpoint | shapes.PatchWebhookEndpoint, findings: Findings
) -> None:
    findings.take(parsing.without_control("description"), cast("str | None", sent.description))
    findings.take(_email, sent.contact_email or None)


def _is_there(amount: Raw | UnsetType) -> bool:
    return amount is not UNSET and bytes(amount) != b"null"


def _before(cursor: str | None, kind: bytes) -> UUID | None:
    return None if cursor is None else UUID(bytes=_read_cursor(cursor, kind, 16))


def _currency(text: str) -> str:
    exponent_of(text)
    return text


def _amount(name: str, currency: str) -> Callable[[Raw], int | None]:
    field = f"filters.{name}"

    def check(raw: Raw) -> int | None:
        text = bytes(raw)
        if text == b"null":
            return None
        if text[:1] == b'"':
            return parse_amount(msgspec.json.decode(text, type=str), currency, field=field)
        if text[:1] in b"-0123456789":
            return parse_amount(text.decode("ascii"), currency, field=field)
        raise MalformedAmount("The amount must be a decimal string or a number.", field=field)

    return check


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise FieldInvalid("It is not a mail address.", field="contactEmail")
    return text


def _time(field: str) -> Callable[[str], datetime]:
    def check(text: str) -> datetime:
        try:
            return _moment(text)
        except (ValueError, OverflowError):
            raise FieldInvalid(
                "It must be RFC 3339, such as 2026-01-15T10:30:00Z; without a zone it is UTC.",
                field=field,
            ) from None

    return check
