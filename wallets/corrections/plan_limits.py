"""Asking for what a plan grants to be changed, for all clients that are on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.approvals import sealing
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome
from wallets.models import Client
from wallets.operations.change_limits import change_limits
from wallets.operations.create_client import find_plan
from wallets.operations.create_plan import LIMITS, checked_limits

CODE: Final = "change_plan_limits"


def ask(plan: str, limits: Mapping[str, int | None], *, reason: str, ticket: str) -> Asked:
    """Write what to ask for: that a plan grants so much; None: no limit."""
    return Asked(CODE, plan, reason, ticket, dict(limits))


def _validate(asked: Asked) -> None:
    plan = find_plan(asked.subject)
    if asked.client is not None or set(asked.payload) != set(LIMITS):
        raise errors.FieldInvalid("A plan grants " + " and ".join(LIMITS) + ".")
    limits = checked_limits(**asked.payload)
    if all(getattr(plan, name) == limit for name, limit in limits.items()):
        raise errors.FieldInvalid(f"The plan {plan.name} grants this already.")


def _describe(approval: Approval) -> list[Line]:
    plan, said = find_plan(approval.subject), sealing.payload_of(approval)
    clients = Client.objects.using(PRIMARY).filter(plan=plan).count()
    return [
        Line("Plan", plan.name, link=("wallets.plan", plan.pk)),
        Line("Clients on it", f"{clients:,}"),
        *(
            Line(name.replace("_", " ").capitalize(), _shown(getattr(plan, name)), _shown(limit))
            for name, limit in said.items()
        ),
    ]


def _shown(most: int | None) -> str:
    return "no limit" if most is None else f"{most:,}"


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    said = sealing.payload_of(approval)
    change_limits(name=approval.subject, **said, by=by, reason=approval.reason)
    told = ", ".join(f"{name.replace('_', ' ')}: {_shown(most)}" for name, most in said.items())
    return Outcome(f"The plan {approval.subject} grants {told}.")


PLAN_LIMITS: Final = Kind(
    code=CODE,
    title="Change what a plan grants",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="approvals.request_plan_change",
    approve_right="approvals.approve_plan_change",
    is_atomic=True,
)
