"""Asking for a client to be put on another plan."""

from __future__ import annotations

from typing import Final

from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.approvals import sealing
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome
from wallets.models import Client
from wallets.operations.change_plan import change_plan
from wallets.operations.create_client import find_plan

CODE: Final = "change_plan"


def ask(client: int, plan: str, *, reason: str, ticket: str) -> Asked:
    """Write what to ask for: that a client is put on a plan."""
    return Asked(CODE, str(client), reason, ticket, {"plan": plan}, client)


def _client(number: int | None) -> Client:
    rows = Client.objects.using(PRIMARY).select_related("plan")
    found = None if number is None else rows.filter(pk=number).first()
    if found is None:
        raise errors.ClientNotFound("There is no such client.", field="client")
    return found


def _validate(asked: Asked) -> None:
    client = _client(asked.client)
    if set(asked.payload) != {"plan"}:
        raise errors.FieldInvalid("Name a plan.", field="plan")
    if find_plan(str(asked.payload["plan"])).pk == client.plan_id:
        raise errors.ClientUnchanged(f"{client.name} is on this plan already.", field="plan")


def _describe(approval: Approval) -> list[Line]:
    client = _client(approval.client)
    now, then = client.plan, find_plan(sealing.payload_of(approval)["plan"])
    return [
        Line("Client", str(client.name), link=("wallets.client", client.pk)),
        Line("Plan", now.name, then.name),
        Line(
            "Requests a minute", _limit(now.requests_per_minute), _limit(then.requests_per_minute)
        ),
        Line(
            "Withdrawals a minute",
            _limit(now.withdrawals_per_minute),
            _limit(then.withdrawals_per_minute),
        ),
    ]


def _limit(most: int | None) -> str:
    return "no limit" if most is None else f"{most:,}"


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    client, plan = _client(approval.client), sealing.payload_of(approval)["plan"]
    before = change_plan(name=str(client.name), plan=plan, by=by, reason=approval.reason)
    return Outcome(f"{client.name} went from the plan {before} to {plan}.")


PLAN_CHANGE: Final = Kind(
    code=CODE,
    title="Change a client's plan",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="approvals.request_plan_change",
    approve_right="approvals.approve_plan_change",
    is_atomic=True,
)
