"""Sends what was noted, outside any transaction."""

from __future__ import annotations

from django.template.loader import render_to_string

from events.consumers.notifications import channels
from events.consumers.notifications.channels import Message
from events.consumers.notifications.models import Contact, Notification
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.sending import NeverSent


def send(notification: Notification) -> None:
    """Send a notification to where its wallet's holder is reached now.

    :raises NotSent: if it was not taken now.
    :raises NeverSent: if the holder is not reached there any more.
    """
    channel = channels.offered().get(notification.channel)
    if channel is None:
        raise NeverSent("The channel is not offered any more.")
    contact = Contact.objects.using(PRIMARY).filter(pk=notification.wallet).first()
    if contact is None or notification.kind not in contact.kinds:
        raise NeverSent("The holder does not want to be told any more.")
    address = channel.address_of(contact)
    if not address:
        raise NeverSent("The address was erased.")
    channel.send(message_of(notification), address)


def message_of(notification: Notification) -> Message:
    """Render a notification. The first line of the text is the subject."""
    numbers = notification.numbers
    context = {
        "wallet": str(notification.wallet),
        "amount": numbers.get("amount"),
        "balance": numbers.get("balance"),
        "currency": numbers["currency"],
        "occurred_at": numbers["occurredAt"],
        "next_attempt_at": numbers.get("nextAttemptAt"),
    }
    name = f"notifications/{notification.kind.lower()}"
    subject, _, text = render_to_string(f"{name}.txt", context).strip().partition("\n")
    return Message(
        id=notification.pk,
        wallet=notification.wallet,
        kind=notification.kind,
        subject=subject.strip(),
        text=text.strip() + "\n",
        html=render_to_string(f"{name}.html", context | {"subject": subject.strip()}),
    )
