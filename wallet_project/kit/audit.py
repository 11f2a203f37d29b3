"""Who did what in the back office, and who looked at what: kept for ever, in the act's transaction.

Acts are named `<what>.<verb>` (`wallet.freeze`, `wallet.view`), subjects by kind and id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections
from django.http import HttpRequest

from wallet_project.kit import clock
from wallet_project.kit.callers import address_of
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallet_project.kit.request_id import request_id_of

REASON_LENGTH_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: a member of staff, a command, a task."""

    id: str
    """As the books write it: `staff:<number>`, `command:<name>`, `task:<name>`."""
    name: str = ""
    """The user name, as it was then."""
    address: str | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done, or one look."""

    action: str
    subject_type: str
    """A model's label, such as `wallets.wallet`; a page's name where there is no row."""
    subject: str = ""
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Plain values for JSON; no secrets, no personal data."""


def actor_of(request: HttpRequest) -> Actor:
    """Name the member of staff who sent a request."""
    return Actor(
        id=f"staff:{request.user.pk}",
        name=request.user.get_username(),
        address=address_of(request),
        request_id=request_id_of(request),
    )


def record(actor: Actor, act: Act) -> None:
    """Keep an act, in the transaction in which it takes effect.

    :raises RuntimeError: outside a transaction: the act and its record must stand or fall together.
    """
    if not connections[PRIMARY].in_atomic_block:
        raise RuntimeError(f"{act.action} must be recorded within the act's transaction.")
    record_look(actor, act)


def last_actor(action: str, subject_type: str, subject: str) -> str | None:
    """Tell who did something with a subject last, such as `staff:7`; None: nobody of the staff."""
    rows = AuditRecord.objects.using(PRIMARY).filter(
        subject_type=subject_type, subject=subject, action=action
    )
    return rows.order_by("-id").values_list("actor", flat=True).first()


def record_look(actor: Actor, act: Act) -> None:
    """Keep a look, which changes nothing and needs no transaction."""
    AuditRecord.objects.using(PRIMARY).create(
        at=clock.now(),
        actor=actor.id,
        actor_name=actor.name,
        address=actor.address,
        request_id=actor.request_id,
        action=act.action,
        subject_type=act.subject_type,
        subject=act.subject,
        reason=act.reason[:REASON_LENGTH_MAX],
        detail=dict(act.detail),
    )
