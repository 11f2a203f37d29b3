"""What a client does with deliveries: look at them, have them sent once more, send a test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from events.consumers.webhooks import endpoints, errors
from events.consumers.webhooks.handlers import body_of
from events.consumers.webhooks.models import (
    FINAL,
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
)
from wallet_project.kit import audit, clock, replica
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallet_project.kit.ids import uuid7
from wallet_project.kit.replica import Source

TEST: Final = "webhook.test.v1"
RANGE_MAX: Final = 10_000
"""Deliveries that one call sends again; the answer says where the next call begins."""

_ATTEMPTS_SHOWN: Final = 100
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int | None
    status_code: int | None
    error: str
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery as the endpoint's owner sees it."""

    id: UUID
    endpoint: UUID
    event_id: UUID
    type: str
    wallet: UUID | None
    status: str
    attempts: int
    last_status_code: int | None
    last_error: str
    occurred_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None
    payload: bytes
    log: tuple[AttemptView, ...] = ()


@dataclass(frozen=True, slots=True)
class Redelivered:
    """How much of a range is being sent again, and where the rest begins."""

    count: int
    next_from: datetime | None


def page(
    *, client: int, endpoint: UUID, status: str | None, before: UUID | None, limit: int
) -> list[DeliveryView]:
    """List an endpoint's deliveries, newest first.

    :raises EndpointNotFound: if the client has no such endpoint.
    """
    endpoints.get(client=client, endpoint=endpoint)

    def ask(source: Source) -> list[DeliveryView]:
        rows = _deliveries(source.using).filter(endpoint=endpoint, client=client).order_by("-pk")
        if status is not None:
            rows = rows.filter(status=DeliveryStatus[status])
        if before is not None:
            rows = rows.filter(pk__lt=before)
        return [_view(row) for row in rows[:limit]]

    return replica.read_primary_first(ask)


def get(*, client: int, endpoint: UUID, delivery: UUID) -> DeliveryView:
    """Show a delivery with the log of its attempts, oldest first.

    :raises EndpointNotFound, DeliveryNotFound: if the client has no such thing.
    """
    endpoints.get(client=client, endpoint=endpoint)
    return replica.read_primary_first(
        lambda source: _with_log(source.using, _found(client, endpoint, delivery, source.using))
    )


def _with_log(using: str, row: WebhookDelivery) -> DeliveryView:
    attempts = WebhookAttempt.objects.using(using).filter(delivery=row.pk).order_by("-number")
    log = [
        AttemptView(
            number=one.number,
            started_at=one.started_at,
            finished_at=one.finished_at,
            duration_ms=one.duration_ms,
            status_code=one.status_code,
            error=one.error,
            response=bytes(one.response).decode("utf-8", "replace").replace("\x00", "\ufffd"),
        )
        for one in attempts[:_ATTEMPTS_SHOWN]
    ]
    return _view(row, tuple(reversed(log)))


def redeliver(*, client: int, endpoint: UUID, delivery: UUID) -> DeliveryView:
    """Have a delivery sent now, whether it has ended or waits for a retry; one that is being
    attempted goes on.

    :raises EndpointNotFound, DeliveryNotFound: if the client has no such thing.
    :raises EndpointDisabled: if the endpoint is sent nothing.
    """
    _check_enabled(client, endpoint)

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            _found(client, endpoint, delivery)
            mine = _deliveries().filter(pk=delivery)
            _send_again(mine.filter(status__in=FINAL))
            mine.filter(status=DeliveryStatus.PENDING, lease=None).update(next_attempt_at=Now())

    run_retrying(body, INTERACTIVE, operation="redeliver_webhook")
    return get(client=client, endpoint=endpoint, delivery=delivery)


def redeliver_range(
    *,
    client: int,
    endpoint: UUID,
    start: datetime,
    end: datetime,
    types: Collection[str],
    by: Actor | None = None,
    reason: str = "",
) -> Redelivered:
    """Have what happened from `start` up to `end` sent again, oldest first, as far as it has ended.

    :param by: who of the staff asks; None: the endpoint's owner does.

    :raises EndpointNotFound: if the client has no such endpoint.
    :raises EndpointDisabled: if it is sent nothing.
    """
    _check_enabled(client, endpoint)
    endpoints.check(url=None, event_types=types)
    rows = _deliveries().filter(
        endpoint=endpoint, status__in=FINAL, occurred_at__gte=start, occurred_at__lt=end
    )
    if types:
        rows = rows.filter(type__in=types)
    ordered = rows.order_by("occurred_at", "pk").values_list("pk", "occurred_at")
    found = list(ordered[: RANGE_MAX + 1])
    chosen = [pk for pk, _ in found[:RANGE_MAX]]
    count = 0
    for first in range(0, len(chosen), _CHUNK):
        part = chosen[first : first + _CHUNK]
        step = partial(_send_part, endpoint, part, by, reason)
        count += run_retrying(step, INTERACTIVE, operation="redeliver_webhooks")
    return Redelivered(count, found[RANGE_MAX][1] if len(found) > RANGE_MAX else None)


def redeliver_many(deliveries: Collection[UUID], *, by: Actor, reason: str = "") -> int:
    """Have deliveries that have ended sent again, for staff; those of disabled endpoints are left
    as they are."""
    rows = _deliveries().filter(
        pk__in=deliveries, status__in=FINAL, endpoint__enabled=True, endpoint__deleted_at=None
    )
    parts: dict[UUID, list[UUID]] = defaultdict(list)
    for pk, endpoint in rows.order_by("pk").values_list("pk", "endpoint"):
        parts[endpoint].append(pk)
    count = 0
    for endpoint, part in parts.items():
        step = partial(_send_part, endpoint, part, by, reason)
        count += run_retrying(step, INTERACTIVE, operation="redeliver_webhooks")
    return count


def send_test(*, client: int, endpoint: UUID) -> DeliveryView:
    """Send an endpoint an event that stands for nothing.

    :raises EndpointNotFound: if the client has no such endpoint.
    :raises EndpointDisabled: if it is sent nothing.
    """
    _check_enabled(client, endpoint)
    moment = clock.now()
    row = WebhookDelivery(
        id=uuid7(),
        endpoint_id=endpoint,
        client=client,
        event_id=uuid7(),
        type=TEST,
        stream=None,
        occurred_at=moment,
        payload=body_of(TEST, moment, msgspec.json.encode({"endpointId": str(endpoint)})),
        next_attempt_at=moment,
        created_at=moment,
    )
    _deliveries().bulk_create([row])
    return _view(row)


def _check_enabled(client: int, endpoint: UUID) -> None:
    if not endpoints.get(client=client, endpoint=endpoint).enabled:
        raise errors.EndpointDisabled("The endpoint is disabled; enable it first.")


def _send_part(endpoint: UUID, part: Sequence[UUID], by: Actor | None, reason: str) -> int:
    """Send some of an endpoint's deliveries again, and keep which staff member asked for it."""
    with transaction.atomic(using=PRIMARY, durable=True):
        count = _send_again(_deliveries().filter(pk__in=part, status__in=FINAL))
        if by is not None and count:
            # Not each by name: the first and the last tell a part of a range.
            detail = {"deliveries": count, "first": str(part[0]), "last": str(part[-1])}
            kind = "webhooks.webhookendpoint"
            act = Act("webhookendpoint.redeliver", kind, str(endpoint), reason, detail)
            audit.record(by, act)
        return count


def _send_again(rows: QuerySet[WebhookDelivery]) -> int:
    return rows.update(
        status=DeliveryStatus.PENDING,
        failures=0,
        next_attempt_at=Now(),
        lease=None,
        finished_at=None,
    )


def _found(client: int, endpoint: UUID, delivery: UUID, using: str = PRIMARY) -> WebhookDelivery:
    row = _deliveries(using).filter(pk=delivery, endpoint=endpoint, client=client).first()
    if row is None:
        raise errors.DeliveryNotFound("The delivery does not exist.", field="deliveryId")
    return row


def _deliveries(using: str = PRIMARY) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.using(using)


def _view(row: WebhookDelivery, log: tuple[AttemptView, ...] = ()) -> DeliveryView:
    return DeliveryView(
        id=row.pk,
        endpoint=row.endpoint_id,
        event_id=row.event_id,
        type=row.type,
        wallet=row.stream,
        status=DeliveryStatus(row.status).name,
        attempts=row.attempts,
        last_status_code=row.last_status_code,
        last_error=row.last_error,
        occurred_at=row.occurred_at,
        next_attempt_at=row.next_attempt_at,
        finished_at=row.finished_at,
        payload=bytes(row.payload),
        log=log,
    )
