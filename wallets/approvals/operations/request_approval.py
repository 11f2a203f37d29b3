"""Ask for something that needs a second person."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import exponent_of
from wallets.approvals import people, registry, sealing
from wallets.approvals.errors import RequestInvalid
from wallets.approvals.models import Approval
from wallets.approvals.operations import _rows
from wallets.approvals.registry import Asked
from wallets.sources import primary_clock

_TEXTS: Final = {"reason": 500, "ticket": 100, "subject": 100}


def request_approval(*, ask: Asked, by: Actor, id: UUID | None = None) -> Approval:
    """Put a request into the queue; what it says never changes from here on.

    A form that is sent twice gives the same id both times, and makes one request.

    :raises RequestInvalid: if reason or ticket is missing, or the kind's check fails.
    :raises NotAllowed: if the person has not the right to ask for this.
    :raises AboveLimit: if it is more than the person's roles may ask for.
    """
    kind = registry.find(ask.kind)
    _check_texts(ask)
    _check_amount(ask)
    number = people.number_of(by)
    kind.validate(ask)

    def body() -> Approval:
        with transaction.atomic(using=PRIMARY, durable=True):
            people.check(number, kind.request_right, "request", ask.amount, ask.currency)
            key = id or uuid7()
            there: Approval | None = Approval.objects.using(PRIMARY).filter(pk=key).first()
            if there is not None:
                return _same(there, ask, number)
            row = _row(key, ask, by, number)
            row.save(using=PRIMARY, force_insert=True)
            _rows.note(by, "request", row, reason=row.reason)
            return row

    return database.run_retrying(body, database.INTERACTIVE, operation="request_approval")


def _row(key: UUID, ask: Asked, by: Actor, number: int) -> Approval:
    moment = primary_clock()
    row = Approval(
        id=key,
        kind=ask.kind,
        client=ask.client,
        subject=ask.subject,
        payload=sealing.canonical(dict(ask.payload)),
        amount_minor=ask.amount,
        currency=ask.currency,
        reason=ask.reason.strip(),
        ticket=ask.ticket.strip(),
        requested_by=number,
        requested_by_name=by.name,
        requested_at=moment,
        expires_at=moment + timedelta(hours=settings.APPROVAL_HOURS),
    )
    row.payload_hash = sealing.hash_of(row)
    return row


def _same(there: Approval, ask: Asked, number: int) -> Approval:
    """Return the request that a repeat has made before.

    :raises RequestInvalid: if the id was used for something else.
    """
    asked = (ask.kind, ask.client, ask.subject, sealing.canonical(dict(ask.payload)), ask.amount)
    made = (there.kind, there.client, there.subject, there.payload, there.amount_minor)
    if asked != made or there.requested_by != number:
        raise RequestInvalid("This form was sent already, and said something else.")
    return there


def _check_texts(ask: Asked) -> None:
    for name, longest in _TEXTS.items():
        text = getattr(ask, name).strip()
        if not text:
            raise RequestInvalid(f"Give a {name}: another person decides by it.", field=name)
        if len(text) > longest:
            raise RequestInvalid(f"At most {longest} characters.", field=name)


def _check_amount(ask: Asked) -> None:
    if ask.amount is None:
        return
    if ask.amount <= 0:
        raise RequestInvalid("The amount must be above zero.", field="amount")
    exponent_of(ask.currency)
