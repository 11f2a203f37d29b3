"""Endpoints that nobody serves any more: switched off, told to the world and to their owner."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.db.models.functions import Now

from events.consumers.webhooks.models import DisabledReason, WebhookEndpoint
from events.consumers.webhooks.rules import Rules
from events.outbox import NewMessage, record_messages
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.database import PRIMARY

logger = logging.getLogger(__name__)

DISABLED: Final = "webhook.endpoint_disabled.v1"

_MAIL_AGAIN: Final = timedelta(minutes=5)
_MAIL_FOR: Final = timedelta(days=1)
_MAILS: Final = 20


def after_failures(
    failed: Collection[UUID], gone: Collection[UUID], rules: Rules, moment: datetime
) -> list[str]:
    """Disable those of some endpoints that are gone or have failed for too long, with an event.

    Runs inside the caller's transaction. Returns the reasons, one for each endpoint disabled.
    """
    is_failing = Q(
        pk__in=failed,
        failures__gte=rules.disable_after_failures,
        failing_since__lte=moment - timedelta(seconds=rules.disable_after_seconds),
    )
    endpoints = WebhookEndpoint.objects.using(PRIMARY)
    found = endpoints.filter(is_failing | Q(pk__in=gone), enabled=True, deleted_at=None)
    reasons = []
    for endpoint in found.order_by("pk"):
        reason = DisabledReason.GONE if endpoint.pk in gone else DisabledReason.FAILING
        changed = endpoints.filter(pk=endpoint.pk, enabled=True).update(
            enabled=False,
            disabled_reason=reason,
            disabled_at=moment,
            updated_at=moment,
            mail_due_at=moment if endpoint.contact_email else None,
        )
        if changed == 1:
            reasons.append(reason.value)
            record_messages([_message(endpoint, reason, moment)])
            logger.warning(
                "webhook.endpoint_disabled",
                extra={"endpoint": str(endpoint.pk), "reason": reason.value},
            )
    return reasons


def tell_contacts() -> int:
    """Send the mails that are due, each in its own time; return how many were sent.

    One that fails is tried again for a day. A mail may come twice, if the process dies in between.
    """
    endpoints = WebhookEndpoint.objects.using(PRIMARY)
    sent = 0
    for endpoint in endpoints.filter(mail_due_at__lte=Now()).order_by("mail_due_at")[:_MAILS]:
        mine = endpoints.filter(pk=endpoint.pk, mail_due_at__lte=Now())
        if mine.update(mail_due_at=Now() + _MAIL_AGAIN) != 1:
            continue  # somebody else sends it
        if not _mail(endpoint) and now() - (endpoint.disabled_at or now()) < _MAIL_FOR:
            continue
        endpoints.filter(pk=endpoint.pk).update(mail_due_at=None)
        sent += 1
    return sent


def _message(endpoint: WebhookEndpoint, reason: DisabledReason, moment: datetime) -> NewMessage:
    value = {
        "endpointId": str(endpoint.pk),
        "url": endpoint.url,
        "reason": reason.value,
        "failingSince": None if endpoint.failing_since is None else rfc3339(endpoint.failing_since),
        "occurredAt": rfc3339(moment),
    }
    return NewMessage(
        topic=settings.KAFKA_TOPIC_WEBHOOKS,
        stream=endpoint.pk,
        client=endpoint.client,
        type=DISABLED,
        value=msgspec.json.encode(value),
        occurred_at=moment,
    )


_SENTENCES: Final = {
    DisabledReason.GONE: "It answered 410 Gone.",
    DisabledReason.FAILING: "It has answered no call successfully for a long time.",
}


def _mail(endpoint: WebhookEndpoint) -> bool:
    sentence = _SENTENCES.get(DisabledReason(endpoint.disabled_reason), "")
    try:
        send_mail(
            subject="Your webhook endpoint was disabled",
            message=(
                f"The webhook endpoint {endpoint.url} was disabled. {sentence}\n\n"
                "Events that happen from now on are kept and not sent. When the receiver answers "
                "again, enable the endpoint by\n\n"
                f'  PATCH /api/v1/webhook-endpoints/{endpoint.pk}  {{"enabled": true}}\n\n'
                "and ask for what was missed by\n\n"
                f"  POST /api/v1/webhook-endpoints/{endpoint.pk}/redeliver\n"
            ),
            from_email=None,
            recipient_list=[endpoint.contact_email],
        )
    except (smtplib.SMTPException, OSError):
        logger.exception("webhook.mail_failed", extra={"endpoint": str(endpoint.pk)})
        return False
    return True
