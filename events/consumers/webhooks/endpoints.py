"""What a client does with its webhook endpoints. Each verb is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from events import contracts
from events.consumers.webhooks import addresses, errors, sealing, signing
from events.consumers.webhooks.handlers import filters_of
from events.consumers.webhooks.matching import Filters
from events.consumers.webhooks.models import (
    DeliveryStatus,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
)
from wallet_project.kit import audit, clock, replica
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallet_project.kit.ids import uuid7
from wallet_project.kit.replica import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """An endpoint as its owner sees it: everything but the secret."""

    id: UUID
    url: str
    description: str
    filters: Filters
    contact_email: str
    enabled: bool
    created_at: datetime
    updated_at: datetime
    disabled_reason: str = ""
    disabled_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    former_secret_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint to be made."""

    url: str
    description: str
    filters: Filters
    contact_email: str
    enabled: bool
    idempotency_key: bytes
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Created:
    """An endpoint as it was when it was made, now or when this key was first used."""

    endpoint: EndpointView
    secret: str | None
    """None where the first one has been rotated away since."""
    replayed: bool = False
    request_hash: bytes = b""


def create(*, client: int, asked: NewEndpoint, moment: datetime) -> Created:
    """Make an endpoint and its secret, or find what this key made before; whether that was the
    same request is for the caller to see. `moment` is the primary's clock, which stamps events:
    those before it are not sent.

    :raises UrlNotAllowed, UnknownEventType: as they say.
    :raises TooManyEndpoints: if the client has as many as it may.
    """
    check(url=asked.url, event_types=asked.filters.event_types)
    secret = signing.make_secret()

    def body() -> Created:
        with transaction.atomic(using=PRIMARY, durable=True):
            earlier = _created_before(asked)
            if earlier is not None:
                return earlier
            _check_number(client)
            made = WebhookEndpoint.objects.using(PRIMARY).create(
                id=uuid7(),
                client=client,
                secret=sealing.seal(secret),
                idempotency_key=asked.idempotency_key,
                request_hash=asked.request_hash,
                created_at=moment,
                updated_at=moment,
                **_columns(asked),
                **_switched(asked.enabled, moment),
            )
            return Created(_view(made), secret, request_hash=asked.request_hash)

    return run_retrying(body, INTERACTIVE, operation="create_webhook_endpoint")


def update(
    *,
    client: int,
    endpoint: UUID,
    changes: Mapping[str, Any],
    act: tuple[Actor, Act] | None = None,
) -> EndpointView:
    """Change some of `url`, `description`, `filters`, `contact_email` and `enabled`.

    Enabling forgets the failures there have been.

    :param act: what the audit log is to say, where it is not the endpoint's owner who asks.

    :raises EndpointNotFound: if the client has no such endpoint.
    :raises UrlNotAllowed, UnknownEventType: as they say.
    """
    filters: Filters | None = changes.get("filters")
    check(url=changes.get("url"), event_types=filters.event_types if filters else ())
    moment = clock.now()
    columns = {name: value for name, value in changes.items() if name not in ("filters", "enabled")}
    columns |= {} if filters is None else _filter_columns(filters)

    def body() -> EndpointView:
        with transaction.atomic(using=PRIMARY, durable=True):
            found = _locked(client, endpoint)
            enabled = changes.get("enabled")
            if enabled is not None and enabled != found.enabled:
                columns.update(_switched(enabled, moment))
            _endpoints().filter(pk=endpoint).update(**columns, updated_at=moment)
            if act is not None:
                audit.record(*act)
            found.refresh_from_db(using=PRIMARY)
            return _view(found)

    return run_retrying(body, INTERACTIVE, operation="update_webhook_endpoint")


def switch(*, client: int, endpoint: UUID, enabled: bool, by: Actor, reason: str) -> EndpointView:
    """Enable or disable an endpoint for staff.

    :raises EndpointNotFound: if it was removed.
    """
    verb = "enable" if enabled else "disable"
    act = Act(f"webhookendpoint.{verb}", "webhooks.webhookendpoint", str(endpoint), reason)
    return update(client=client, endpoint=endpoint, changes={"enabled": enabled}, act=(by, act))


def delete(*, client: int, endpoint: UUID) -> None:
    """Remove an endpoint: it is told nothing more, and its secrets are forgotten.

    :raises EndpointNotFound: if the client has no such endpoint.
    """
    moment = clock.now()

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            _locked(client, endpoint)
            _endpoints().filter(pk=endpoint).update(
                deleted_at=moment,
                updated_at=moment,
                enabled=False,
                secret="",
                former_secret="",
                former_secret_until=None,
                contact_email="",
                mail_due_at=None,
            )
            WebhookDelivery.objects.using(PRIMARY).filter(
                endpoint=endpoint, status=DeliveryStatus.PENDING
            ).update(
                status=DeliveryStatus.CANCELLED,
                next_attempt_at=None,
                lease=None,
                finished_at=moment,
            )

    run_retrying(body, INTERACTIVE, operation="delete_webhook_endpoint")


def rotate_secret(*, client: int, endpoint: UUID, key: bytes | None = None) -> Created:
    """Give an endpoint a new secret; the present one signs too until the overlap is over.

    The same key again is told the same secret: a second rotation would end the signature by the
    one secret that a receiver knows whose sender lost the first answer.

    :raises EndpointNotFound: if the client has no such endpoint.
    """
    secret = signing.make_secret()
    moment = clock.now()

    def body() -> Created:
        with transaction.atomic(using=PRIMARY, durable=True):
            found = _locked(client, endpoint)
            if key is not None and bytes(found.rotation_key or b"") == key:
                return Created(_view(found), _readable(found.secret), replayed=True)
            _endpoints().filter(pk=endpoint).update(
                secret=sealing.seal(secret),
                rotation_key=key,
                former_secret=found.secret,
                former_secret_until=moment + settings.WEBHOOKS.overlap,
                rotations=F("rotations") + 1,
                updated_at=moment,
            )
            found.refresh_from_db(using=PRIMARY)
            return Created(_view(found), secret)

    return run_retrying(body, INTERACTIVE, operation="rotate_webhook_secret")


def get(*, client: int, endpoint: UUID) -> EndpointView:
    """Show an endpoint.

    :raises EndpointNotFound: if the client has no such endpoint.
    """
    return replica.read_primary_first(
        lambda source: _view(_found(_endpoints(source.using), client, endpoint))
    )


def page(*, client: int, before: UUID | None, limit: int) -> list[EndpointView]:
    """List a client's endpoints, newest first."""

    def ask(source: Source) -> list[EndpointView]:
        rows = _endpoints(source.using).filter(client=client, deleted_at=None).order_by("-pk")
        if before is not None:
            rows = rows.filter(pk__lt=before)
        return [_view(row) for row in rows[:limit]]

    return replica.read_primary_first(ask)


def check(*, url: str | None, event_types: Collection[str]) -> None:
    """Check what only this app can judge of an endpoint.

    :raises UrlNotAllowed, UnknownEventType: as they say.
    """
    if url is not None:
        addresses.check_url(url, settings.WEBHOOKS)
    unknown = sorted(set(event_types) - set(contracts.TYPES))
    if unknown:
        raise errors.UnknownEventType(
            f"There is no event {unknown[0]}; choose from {', '.join(contracts.TYPES)}.",
            field="eventTypes",
        )


def _created_before(asked: NewEndpoint) -> Created | None:
    """Return what this key made before, as it was then: the request itself tells how."""
    found = _endpoints().filter(idempotency_key=asked.idempotency_key).first()
    if found is None:
        return None
    view = EndpointView(
        id=found.pk,
        url=asked.url,
        description=asked.description,
        filters=asked.filters,
        contact_email=asked.contact_email,
        enabled=asked.enabled,
        created_at=found.created_at,
        updated_at=found.created_at,
        disabled_reason="" if asked.enabled else DisabledReason.REQUESTED.value,
        disabled_at=None if asked.enabled else found.created_at,
    )
    # Whoever asks again may never have heard the answer: the secret is part of it.
    is_first = found.rotations == 0 and found.deleted_at is None
    secret = _readable(found.secret) if is_first else None
    return Created(view, secret, replayed=True, request_hash=bytes(found.request_hash or b""))


def _readable(sealed: str) -> str | None:
    """Decrypt a secret; None where no key that is left can."""
    with suppress(sealing.Unreadable):
        return sealing.unseal(sealed)
    return None


def _check_number(client: int) -> None:
    most: int = settings.WEBHOOKS.endpoints_max
    if _endpoints().filter(client=client, deleted_at=None).count() >= most:
        raise errors.TooManyEndpoints(f"A client may have {most} endpoints.", limit=most)


def _switched(enabled: bool, moment: datetime) -> dict[str, Any]:
    """Tell the columns that change when an endpoint is switched on or off by its owner."""
    return {
        "enabled": enabled,
        "disabled_reason": DisabledReason.NONE if enabled else DisabledReason.REQUESTED,
        "disabled_at": None if enabled else moment,
        "failures": 0,
        "failing_since": None,
        "mail_due_at": None,
    }


def _columns(asked: NewEndpoint) -> dict[str, Any]:
    return {
        "url": asked.url,
        "description": asked.description,
        "contact_email": asked.contact_email,
        **_filter_columns(asked.filters),
    }


def _filter_columns(filters: Filters) -> dict[str, Any]:
    return {
        "event_types": list(filters.event_types),
        "wallets": list(filters.wallets),
        "currency": filters.currency,
        "minimum_amount": filters.minimum_amount,
        "maximum_amount": filters.maximum_amount,
    }


def _endpoints(using: str = PRIMARY) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.using(using)


def _locked(client: int, endpoint: UUID) -> WebhookEndpoint:
    return _found(_endpoints().select_for_update(), client, endpoint)


def _found(rows: QuerySet[WebhookEndpoint], client: int, endpoint: UUID) -> WebhookEndpoint:
    found = rows.filter(pk=endpoint, client=client, deleted_at=None).first()
    if found is None:
        raise errors.EndpointNotFound("The webhook endpoint does not exist.", field="endpointId")
    return found


def _view(row: WebhookEndpoint) -> EndpointView:
    return EndpointView(
        id=row.pk,
        url=row.url,
        description=row.description,
        filters=filters_of(row),
        contact_email=row.contact_email,
        enabled=row.enabled,
        created_at=row.created_at,
        updated_at=row.updated_at,
        disabled_reason=row.disabled_reason,
        disabled_at=row.disabled_at,
        failures=row.failures,
        failing_since=row.failing_since,
        former_secret_until=row.former_secret_until if row.former_secret else None,
    )


def reseal() -> int:
    """Encrypt every secret anew by the current key; return how many endpoints there are.

    :raises Unreadable: if a secret was sealed by a key that nobody knows any more.
    """
    count = 0
    for endpoint in _endpoints().filter(deleted_at=None).order_by("pk"):
        former = endpoint.former_secret
        # Guarded: a rotation in between has sealed by the current key already.
        _endpoints().filter(pk=endpoint.pk, secret=endpoint.secret).update(
            secret=sealing.seal_anew(endpoint.secret),
            former_secret=sealing.seal_anew(former) if former else "",
        )
        count += 1
    return count
