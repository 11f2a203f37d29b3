"""The ways to a customer: mail, and ports for text messages and push.

Which class serves a channel stands in the setting NOTIFICATION_CHANNELS. A channel that is not
named there is not offered, whatever addresses are known.
"""

from __future__ import annotations

import logging
import smtplib
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from events.consumers.notifications.models import Contact
from wallet_project.kit.sending import NeverSent, NotSent

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What a customer is told, in every form that a channel may need."""

    id: int
    """The same at every try: a receiver may drop repeats by it."""
    wallet: UUID
    kind: str
    subject: str
    text: str
    html: str


class Channel(Protocol):
    """A way to a customer."""

    def address_of(self, contact: Contact) -> str:
        """Tell where this channel reaches the holder; empty if nowhere."""

    def send(self, message: Message, address: str) -> None:
        """Hand a message over.

        :raises NotSent: if it was not taken now.
        :raises NeverSent: if it will never be.
        """


class Mail:
    """Mail by Django's backend."""

    def address_of(self, contact: Contact) -> str:
        """Tell the holder's mail address."""
        return contact.email

    def send(self, message: Message, address: str) -> None:
        """Send a mail with a text and an HTML part."""
        name = f"notification-{message.id}"
        mail = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            to=[address],
            headers={"Message-ID": f"<{name}@{settings.MAIL_DOMAIN}>"},
        )
        mail.attach_alternative(message.html, "text/html")
        # The server's words are not kept: they repeat the address, which has to be erasable.
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            if min(codes, default=0) >= 500:
                raise NeverSent(f"The mail server refuses the address: {codes[0]}.") from error
            raise NotSent("The mail server does not take the address now.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"The mail server failed: {type(error).__name__}.") from error


class Log:
    """Writes to the log that a message would go out: for trying things out."""

    field: ClassVar[str]

    def address_of(self, contact: Contact) -> str:
        """Tell the holder's address for this channel."""
        return str(getattr(contact, self.field))

    def send(self, message: Message, address: str) -> None:
        """Log the message, without the address."""
        logger.info(
            "notification.logged",
            extra={"wallet": str(message.wallet), "kind": message.kind, "text": message.subject},
        )


class SmsLog(Log):
    """Stands in for a provider of text messages."""

    field = "phone"


class PushLog(Log):
    """Stands in for a push service."""

    field = "push_token"


@cache
def offered() -> dict[str, Channel]:
    """Make the channels that the settings name."""
    paths: dict[str, str] = settings.NOTIFICATION_CHANNELS
    return {name: cast(Channel, import_string(path)()) for name, path in paths.items()}
