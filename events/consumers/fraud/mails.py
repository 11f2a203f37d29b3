"""Tells the people who look after alerts, by mail, after the transaction that raised them."""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from events.consumers.fraud.models import FraudAlert
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.sending import NeverSent, NotSent


def send(alert: FraudAlert) -> None:
    """Mail an alert to the addresses of the settings.

    :raises NotSent: if the mail server did not take it.
    :raises NeverSent: if there is no address any more.
    """
    if not settings.FRAUD_ALERT_ADDRESSES:
        raise NeverSent("FRAUD_ALERT_ADDRESSES is empty.")
    mail = EmailMessage(
        subject=f"Fraud alert {alert.pk}: {alert.get_rule_display()}",
        body=_body(alert),
        to=settings.FRAUD_ALERT_ADDRESSES,
        headers={"Message-ID": f"<fraud-alert-{alert.pk}@{settings.MAIL_DOMAIN}>"},
    )
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(str(error)) from error


def _body(alert: FraudAlert) -> str:
    numbers = alert.evidence["numbers"].items()
    lines = [
        f"Rule: {alert.get_rule_display()}",
        f"Wallet: {alert.wallet}",
        f"When: {rfc3339(alert.triggered_at)}",
        f"Action: {alert.get_action_display()}",
        "",
        *(f"{name.replace('_', ' ')}: {value}" for name, value in numbers),
        "",
        "The evidence is in the admin, under Fraud alerts.",
    ]
    return "\n".join(lines)
