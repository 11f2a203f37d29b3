"""Reading, setting and erasing how a wallet's holder is reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from events.consumers.notifications.models import Contact
from wallet_project.kit import database, replica
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """Where a holder is reached and what he asked for; amounts in minor units."""

    email: str = ""
    phone: str = ""
    push_token: str = ""
    kinds: Sequence[str] = ()
    low_balance: int | None = None
    large_withdrawal: int | None = None
    updated_at: datetime | None = None


NOBODY = ContactDetails()
"""What is known where nobody has left an address."""


def contact_of(wallet: UUID) -> ContactDetails:
    """Read a wallet's contact."""
    row = replica.read_primary_first(
        lambda source: Contact.objects.using(source.using).filter(pk=wallet).first()
    )
    return NOBODY if row is None else _details(row)


def set_contact(wallet: UUID, client: int, details: ContactDetails) -> ContactDetails:
    """Set a wallet's contact, whatever it was before. Doing it twice changes nothing more."""
    moment = now()
    values = {
        "client": client,
        "email": details.email,
        "phone": details.phone,
        "push_token": details.push_token,
        "kinds": list(details.kinds),
        "low_balance": details.low_balance,
        "large_withdrawal": details.large_withdrawal,
        "updated_at": moment,
    }

    def body() -> Contact:
        with transaction.atomic(using=PRIMARY, durable=True):
            row, _ = Contact.objects.using(PRIMARY).update_or_create(
                wallet=wallet, defaults=values, create_defaults=values | {"created_at": moment}
            )
        return row

    return _details(database.run_retrying(body, database.INTERACTIVE, operation="set_contact"))


def erase_contact(wallet: UUID) -> None:
    """Forget how a wallet's holder is reached; what waits to be sent to him is not sent."""
    Contact.objects.using(PRIMARY).filter(pk=wallet).delete()


def _details(row: Contact) -> ContactDetails:
    return ContactDetails(
        email=row.email,
        phone=row.phone,
        push_token=row.push_token,
        kinds=tuple(row.kinds),
        low_balance=row.low_balance,
        large_withdrawal=row.large_withdrawal,
        updated_at=row.updated_at,
    )
