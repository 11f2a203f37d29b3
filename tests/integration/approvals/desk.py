"""Carol asks, Dave decides; two kinds of request whose effects a test can count."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group, User

from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.approvals.models import Approval
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.registry import Asked, Kind, Line, Option, Outcome, register
from wallets.models import Plan

SUBJECT = "a-thing"


@dataclass
class Deeds:
    """What the test's own kind does when it is carried out."""

    done: list[Any] = field(default_factory=list)
    raises: BaseException | None = None
    """Once, before it is done."""
    dies: BaseException | None = None
    """Once, after it is done."""
    hold_up: threading.Barrier | None = None

    def clear(self) -> None:
        self.done, self.raises, self.dies, self.hold_up = [], None, None, None


DEEDS = Deeds()


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    error, DEEDS.raises = DEEDS.raises, None
    if error is not None:
        raise error
    # An effect by the approval's id happens once, as a movement's by its key.
    if approval.pk not in DEEDS.done:
        DEEDS.done.append(approval.pk)
    error, DEEDS.dies = DEEDS.dies, None
    if error is not None:
        raise error
    return Outcome(f"Done for {by.id}.")


def _count_up(approval: Approval, by: Actor) -> Outcome:
    """Add one to a number that nothing else guards: done twice, it shows."""
    plan = Plan.objects.using(PRIMARY).select_for_update().get(name=approval.subject)
    plan.requests_per_minute = (plan.requests_per_minute or 0) + 1
    plan.save(using=PRIMARY)
    error, DEEDS.dies = DEEDS.dies, None
    if error is not None:
        raise error
    return Outcome("One more.")


def _validate(ask: Asked) -> None:
    if ask.subject == "nothing":
        raise errors.FieldInvalid("There is no such thing.", field="subject")


def _describe(approval: Approval) -> list[Line]:
    return [Line("The thing", "as it is", "otherwise")]


DEED = register(
    Kind(
        "test_deed",
        "Do a deed",
        _validate,
        _describe,
        _carry_out,
        options=(Option("more", "More"),),
    )
)
COUNT = register(Kind("test_count", "Count up", _validate, _describe, _count_up, is_atomic=True))


def person(name: str, *roles: str, **more: Any) -> Actor:
    """Employ somebody with some roles; return him as the audit log names him."""
    user = User.objects.create_user(name, is_staff=True, **more)
    user.groups.add(*Group.objects.filter(name__in=roles))
    return Actor(id=f"staff:{user.pk}", name=name)


def user_of(actor: Actor) -> User:
    """Return somebody's account."""
    return User.objects.get(pk=int(actor.id.partition(":")[2]))


def asked(by: Actor, kind: str = "test_deed", **more: Any) -> Approval:
    """Put a request into the queue."""
    facts: dict[str, Any] = {
        "kind": kind,
        "subject": SUBJECT,
        "reason": "booked twice",
        "ticket": "DESK-1",
        "payload": {"what": "this", "count": 3},
    }
    return request_approval(ask=Asked(**facts | more), by=by)
