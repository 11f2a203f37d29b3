"""From endpoints and deliveries to answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.consumers.webhooks.deliveries import AttemptView, DeliveryView, Redelivered
from events.consumers.webhooks.endpoints import Created, EndpointView
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.api.calls import JSON, Answer, Call, standard_headers
from wallets.api.rendering import BASE, answer
from wallets.api.webhooks import shapes
from wallets.api.webhooks.parsing import deliveries_cursor, endpoints_cursor


def created(call: Call, result: Created) -> Answer:
    """Answer POST /webhook-endpoints."""
    call.replayed = result.replayed
    return answer(
        call,
        201,
        _with_secret(result),
        location=f"{BASE}/webhook-endpoints/{result.endpoint.id}",
    )


def rotated(call: Call, result: Created) -> Answer:
    """Answer POST …/rotate-secret."""
    call.replayed = result.replayed
    return answer(call, 200, _with_secret(result))


def endpoint(call: Call, view: EndpointView) -> Answer:
    """Answer with an endpoint."""
    return answer(call, 200, shapes.WebhookEndpointShown(**_facts(view)))


def deleted(call: Call) -> Answer:
    """Answer DELETE."""
    headers = standard_headers(call, JSON)
    del headers["Content-Type"]
    return Answer(204, headers=headers)


def endpoints_page(call: Call, found: Sequence[EndpointView], limit: int) -> Answer:
    """Answer GET /webhook-endpoints; one view more than the limit tells that a page follows."""
    shown = found[:limit]
    more = endpoints_cursor(shown[-1].id) if len(found) > limit else None
    items = [shapes.WebhookEndpointShown(**_facts(view)) for view in shown]
    return answer(call, 200, shapes.WebhookEndpointPage(items=items, next_cursor=more))


def deliveries_page(call: Call, found: Sequence[DeliveryView], limit: int) -> Answer:
    """Answer GET …/deliveries; one view more than the limit tells that a page follows."""
    shown = found[:limit]
    more = deliveries_cursor(shown[-1].id) if len(found) > limit else None
    items = [shapes.WebhookDeliveryItemShown(**_delivery(view)) for view in shown]
    return answer(call, 200, shapes.WebhookDeliveryPage(items=items, next_cursor=more))


def delivery(call: Call, view: DeliveryView, *, status: int = 200) -> Answer:
    """Answer with a delivery and its log."""
    shown = shapes.WebhookDeliveryShown(
        payload=msgspec.json.decode(view.payload, type=dict[str, Any]),
        log=[_attempt(one) for one in view.log],
        **_delivery(view),
    )
    return answer(call, status, shown)


def redelivered(call: Call, result: Redelivered) -> Answer:
    """Answer POST …/redeliver."""
    shown = shapes.RedeliveredShown(count=result.count, next_from=_time(result.next_from))
    return answer(call, 202, shown)


def _with_secret(result: Created) -> shapes.WebhookEndpointWithSecretShown:
    return shapes.WebhookEndpointWithSecretShown(secret=result.secret, **_facts(result.endpoint))


def _facts(view: EndpointView) -> dict[str, Any]:
    filters = view.filters
    return {
        "id": str(view.id),
        "url": view.url,
        "description": view.description or None,
        "filters": shapes.WebhookFiltersShown(
            event_types=list(filters.event_types),
            wallet_ids=list(filters.wallets),
            currency=filters.currency or None,
            minimum_amount=_amount(filters.minimum_amount, filters.currency),
            maximum_amount=_amount(filters.maximum_amount, filters.currency),
        ),
        "contact_email": view.contact_email or None,
        "enabled": view.enabled,
        "disabled_reason": view.disabled_reason or None,
        "disabled_at": _time(view.disabled_at),
        "failures": view.failures,
        "failing_since": _time(view.failing_since),
        "former_secret_until": _time(view.former_secret_until),
        "created_at": rfc3339(view.created_at),
        "updated_at": rfc3339(view.updated_at),
    }


def _delivery(view: DeliveryView) -> dict[str, Any]:
    return {
        "id": str(view.id),
        "endpoint_id": str(view.endpoint),
        "event_id": str(view.event_id),
        "event_type": view.type,
        "wallet_id": None if view.wallet is None else str(view.wallet),
        "status": view.status,
        "attempts": view.attempts,
        "last_status_code": view.last_status_code,
        "last_error": view.last_error or None,
        "occurred_at": rfc3339(view.occurred_at),
        "next_attempt_at": _time(view.next_attempt_at),
        "finished_at": _time(view.finished_at),
    }


def _attempt(view: AttemptView) -> shapes.WebhookAttemptShown:
    return shapes.WebhookAttemptShown(
        number=view.number,
        started_at=rfc3339(view.started_at),
        finished_at=_time(view.finished_at),
        duration_ms=view.duration_ms,
        status_code=view.status_code,
        error=view.error or None,
        response=view.response,
    )


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_minor(minor, currency)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
