"""Who attempts what, and what became of it: guarded updates, so that any number may work.

A claim moves `next_attempt_at` to the end of a lease, on the database's clock. Whoever dies with a
claim need not be missed: the delivery is due again when the lease is over.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now

from events.consumers.webhooks import disabling, metrics, sealing
from events.consumers.webhooks.models import (
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from events.consumers.webhooks.rules import Rules
from events.consumers.webhooks.sending import Failure, Message, Outcome
from wallet_project.kit import clock
from wallet_project.kit.database import (
    INTERACTIVE,
    PRIMARY,
    run_retrying,
    update_by_primary_key,
)

logger = logging.getLogger(__name__)

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that only this process may make."""

    delivery: UUID
    endpoint: UUID
    number: int
    lease: UUID
    failures: int
    message: Message


def claim(*, rules: Rules, free: int, running: Mapping[UUID, int]) -> list[Claim]:
    """Claim what is due: at most `free`, and of each endpoint no more than it may have at a time.

    `running` tells how many attempts to an endpoint this process makes already.
    """

    def body() -> list[Claim]:
        chosen = _choose(rules, free, running)
        if not chosen:
            return []
        with transaction.atomic(using=PRIMARY, durable=True):
            return _claim(chosen, timedelta(seconds=rules.lease_seconds))

    return run_retrying(body, INTERACTIVE, operation="webhook_claim")


def settle(ended: Sequence[tuple[Claim, Outcome]], rules: Rules) -> None:
    """Write down how attempts ended, and when each delivery has its next one."""

    def body() -> list[str]:
        with transaction.atomic(using=PRIMARY, durable=True):
            return _settle(ended, rules)

    disabled = run_retrying(body, INTERACTIVE, operation="webhook_settle")
    for reason in disabled:
        metrics.DISABLED.labels(reason.lower()).inc()
    for _, outcome in ended:
        metrics.ATTEMPTS.labels(outcome.failure or "succeeded").inc()
        metrics.DURATION.observe(outcome.duration_ms / 1000)


def _choose(rules: Rules, free: int, running: Mapping[UUID, int]) -> list[UUID]:
    """Choose deliveries, oldest first, but none of an endpoint that has enough at a time: a long
    queue for one that is slow must not stand before the others."""
    taken = Counter(running)
    full = {one for one, count in taken.items() if count >= rules.endpoint_concurrency}
    chosen: dict[UUID, None] = {}
    while len(chosen) < free:
        due = (
            _deliveries()
            .filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=Now())
            .exclude(endpoint__in=full)
            .order_by("next_attempt_at")
            .values_list("id", "endpoint_id")[:_CHUNK]
        )
        before, found = len(chosen), list(due)
        for delivery, endpoint in found:
            if delivery in chosen or endpoint in full or len(chosen) == free:
                continue
            chosen[delivery] = None
            taken[endpoint] += 1
            if taken[endpoint] >= rules.endpoint_concurrency:
                full.add(endpoint)
        if len(found) < _CHUNK or len(chosen) == before:
            break
    return list(chosen)


def _claim(chosen: Sequence[UUID], lease_for: timedelta) -> list[Claim]:
    lease = uuid4()
    due = _deliveries().filter(
        pk__in=chosen, status=DeliveryStatus.PENDING, next_attempt_at__lte=Now()
    )
    update_by_primary_key(
        due, lease=lease, next_attempt_at=Now() + lease_for, attempts=F("attempts") + 1
    )
    mine = _deliveries().filter(pk__in=chosen, lease=lease).select_related("endpoint")
    claimed = _without_the_unwanted(list(mine))
    moment = clock.now()
    attempts = WebhookAttempt.objects.using(PRIMARY)
    again = [one.pk for one in claimed if one.attempts > 1]
    if again:
        attempts.filter(delivery__in=again, finished_at=None).update(
            finished_at=moment, error=Failure.INTERRUPTED
        )
    attempts.bulk_create(
        WebhookAttempt(delivery_id=one.pk, number=one.attempts, started_at=moment)
        for one in claimed
    )
    secrets = {one.endpoint_id: _secrets_of(one.endpoint) for one in claimed}
    return [
        Claim(
            delivery=one.pk,
            endpoint=one.endpoint_id,
            number=one.attempts,
            lease=lease,
            failures=one.failures,
            message=Message(
                url=one.endpoint.url,
                event_id=one.event_id,
                body=bytes(one.payload),
                secrets=secrets[one.endpoint_id],
            ),
        )
        for one in claimed
    ]


def _without_the_unwanted(claimed: list[WebhookDelivery]) -> list[WebhookDelivery]:
    """End what an endpoint does not want any more; return the others."""
    unwanted = {
        DeliveryStatus.CANCELLED: [d.pk for d in claimed if d.endpoint.deleted_at is not None],
        DeliveryStatus.SKIPPED: [
            d.pk for d in claimed if d.endpoint.deleted_at is None and not d.endpoint.enabled
        ],
    }
    for status, ids in unwanted.items():
        if ids:
            _deliveries().filter(pk__in=ids).update(
                status=status,
                lease=None,
                next_attempt_at=None,
                attempts=F("attempts") - 1,
                finished_at=clock.now(),
            )
    left = {one for ids in unwanted.values() for one in ids}
    return [one for one in claimed if one.pk not in left]


def _secrets_of(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """Unseal what signs for an endpoint now: the secret, and its predecessor for a while."""
    sealed = [endpoint.secret]
    until = endpoint.former_secret_until
    if endpoint.former_secret and until is not None and until > clock.now():
        sealed.append(endpoint.former_secret)
    try:
        return tuple(sealing.unseal(one) for one in sealed)
    except sealing.Unreadable:
        logger.exception("webhook.secret_unreadable", extra={"endpoint": str(endpoint.pk)})
        return ()


def _settle(ended: Sequence[tuple[Claim, Outcome]], rules: Rules) -> list[str]:
    moment = clock.now()
    for claim, outcome in sorted(ended, key=lambda one: one[0].delivery):
        WebhookAttempt.objects.using(PRIMARY).filter(
            delivery=claim.delivery, number=claim.number
        ).update(
            finished_at=moment,
            duration_ms=outcome.duration_ms,
            status_code=outcome.status_code,
            error=outcome.failure or "",
            response=outcome.response,
        )
        # Under another lease it is somebody else's by now, or was removed.
        mine = _deliveries().filter(
            pk=claim.delivery, lease=claim.lease, status=DeliveryStatus.PENDING
        )
        _move(mine, claim, outcome, rules)
    failed = _count_failures(ended)
    gone = {claim.endpoint for claim, outcome in ended if outcome.is_gone}
    return disabling.after_failures(failed, gone, rules, moment)


def _move(mine: QuerySet[WebhookDelivery], claim: Claim, outcome: Outcome, rules: Rules) -> None:
    told = {
        "lease": None,
        "last_status_code": outcome.status_code,
        "last_error": outcome.failure or "",
    }
    if outcome.failure is None:
        mine.update(
            status=DeliveryStatus.SUCCEEDED, next_attempt_at=None, finished_at=Now(), **told
        )
        return
    failures = claim.failures + 1
    delay = rules.delay_after(failures, asked_seconds=outcome.retry_after_seconds)
    if delay is None or outcome.is_gone:
        mine.update(
            status=DeliveryStatus.FAILED,
            next_attempt_at=None,
            finished_at=Now(),
            failures=failures,
            **told,
        )
        return
    mine.update(next_attempt_at=Now() + delay, failures=failures, **told)


def _count_failures(ended: Iterable[tuple[Claim, Outcome]]) -> set[UUID]:
    """Count failures in a row on the endpoints; return those that had no success."""
    failed: Counter[UUID] = Counter()
    succeeded = set()
    for claim, outcome in ended:
        if outcome.failure is None:
            succeeded.add(claim.endpoint)
        else:
            failed[claim.endpoint] += 1
    endpoints = WebhookEndpoint.objects.using(PRIMARY)
    for endpoint in sorted(succeeded | set(failed)):
        if endpoint in succeeded:
            # Mostly there is nothing to forget, and a row that many write would be a hot one.
            endpoints.filter(pk=endpoint, failures__gt=0).update(failures=0, failing_since=None)
        else:
            endpoints.filter(pk=endpoint).update(
                failures=F("failures") + failed[endpoint],
                failing_since=Coalesce("failing_since", Now()),
            )
    return set(failed) - succeeded


def _deliveries() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.using(PRIMARY)
