"""The consumer: notes in the inbox's transaction what is to be told. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from events.consumer import Event
from events.consumers.notifications import channels, choosing
from events.consumers.notifications.models import Contact, Notification
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY

NEWS: Final = timedelta(days=1)
"""What is older is no news, as after a replay of events: nobody is told."""


def note(events: Sequence[Event]) -> None:
    """Note a notification for each event, kind and channel that a wallet's holder asked for.

    :raises Undecodable: for an event that is not what its type says.
    """
    moment = now()
    known = [one for one in events if one.type in choosing.KINDS and moment - one.time < NEWS]
    wallets = {event.stream for event in known}
    if not wallets:
        return
    contacts = Contact.objects.using(PRIMARY).in_bulk(wallets)
    rows = [
        row
        for event in known
        if event.stream in contacts and contacts[event.stream].created_at <= event.time
        for row in _rows(event, contacts[event.stream])
    ]
    Notification.objects.using(PRIMARY).bulk_create(rows)


def _rows(event: Event, contact: Contact) -> list[Notification]:
    told = choosing.read(event.value)
    moment = now()
    return [
        Notification(
            event_id=event.id,
            kind=kind,
            wallet=event.stream,
            channel=name,
            numbers=msgspec.to_builtins(told),
            created_at=moment,
            next_attempt_at=moment,
        )
        for kind in choosing.kinds_of(event.type, told, contact)
        for name, channel in channels.offered().items()
        if channel.address_of(contact)
    ]
