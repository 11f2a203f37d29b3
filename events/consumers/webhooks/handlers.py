"""From a fact to one delivery for each endpoint that wants it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from events.consumer import Event
from events.consumers.webhooks import matching
from events.consumers.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7

_OF_WALLETS = "wallet."


def fan_out(events: Sequence[Event]) -> None:
    """Insert a delivery for each event and each endpoint of its client's that wants it.

    Runs in the transaction that holds the events' inbox rows. What happened before an endpoint was
    made is not sent to it, however late it is read. A disabled endpoint's deliveries are kept as
    skipped: whoever enables it again may have them sent.

    :raises Undecodable: if an event's value is no fact about a wallet.
    """
    facts = [event for event in events if event.type.startswith(_OF_WALLETS)]
    endpoints = WebhookEndpoint.objects.using(PRIMARY).filter(
        client__in={event.client for event in facts}, deleted_at=None
    )
    by_client: dict[int, list[WebhookEndpoint]] = {}
    for endpoint in endpoints:
        by_client.setdefault(endpoint.client, []).append(endpoint)
    moment = clock.now()
    deliveries = []
    for event in facts:
        wanted_by = by_client.get(event.client)
        if not wanted_by:
            continue
        told = matching.read(event)
        body = body_of(event.type, told.time, event.value)
        deliveries += [
            WebhookDelivery(
                id=uuid7(),
                endpoint=endpoint,
                client=event.client,
                event_id=event.id,
                type=event.type,
                stream=event.stream,
                occurred_at=event.time,
                payload=body,
                status=DeliveryStatus.PENDING if endpoint.enabled else DeliveryStatus.SKIPPED,
                next_attempt_at=moment if endpoint.enabled else None,
                finished_at=None if endpoint.enabled else moment,
                created_at=moment,
            )
            for endpoint in wanted_by
            if event.time >= endpoint.created_at and matching.matches(filters_of(endpoint), told)
        ]
    # The inbox lets each event through once; this holds even if its rows are gone by then.
    WebhookDelivery.objects.using(PRIMARY).bulk_create(
        deliveries, batch_size=500, ignore_conflicts=True
    )


def filters_of(endpoint: WebhookEndpoint) -> matching.Filters:
    """Tell what an endpoint wants."""
    return matching.Filters(
        event_types=endpoint.event_types,
        wallets=endpoint.wallets,
        currency=endpoint.currency,
        minimum_amount=endpoint.minimum_amount,
        maximum_amount=endpoint.maximum_amount,
    )


def body_of(type_: str, moment: datetime, data: bytes) -> bytes:
    """Make the body that Standard Webhooks recommends; the fact's own bytes are its data."""
    return msgspec.json.encode(
        {"type": type_, "timestamp": clock.rfc3339(moment), "data": msgspec.Raw(data)}
    )
