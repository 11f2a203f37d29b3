"""Asking for many balances to be rebuilt. The approval lets the command run, once."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings

from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.approvals import queries
from wallets.approvals.errors import ApprovalMissing
from wallets.approvals.models import Approval, Status
from wallets.approvals.registry import Asked, Kind, Line, Outcome
from wallets.models import BalanceRebuild, Client, Wallet

CODE: Final = "rebuild_balances"
_EVERYBODY: Final = "all clients"


def subject_of(client: int | None) -> str:
    """Name what is to be rebuilt: the wallets of a client, by number, or of all."""
    return _EVERYBODY if client is None else f"client {client}"


def needs_approval(client: int | None, wallets: int) -> bool:
    """Tell whether a run is too large for one person; `wallets` that are named, 0: all there are.

    Counts no further than it has to.
    """
    most = int(settings.REBUILD_UNAPPROVED_WALLETS)
    if wallets:
        return wallets > most
    rows = Wallet.objects.using(PRIMARY).order_by()
    if client is not None:
        rows = rows.filter(client_id=client)
    return int(rows[: most + 1].count()) > most


def check(approval: UUID, client: int | None) -> Approval:
    """Return the approval that a run needs, if it was given for this and no run has ended with it.

    A run that was stopped goes on with the same one.

    :raises ApprovalNotFound: if there is no such request.
    :raises ApprovalMissing: if it is about something else, was not approved, or was used.
    """
    found = queries.get(approval)
    if (found.kind, found.subject) != (CODE, subject_of(client)):
        raise ApprovalMissing(f"It is about {found.kind} of {found.subject}.")
    if found.status != Status.CARRIED_OUT:
        raise ApprovalMissing(f"It is {found.get_status_display().lower()}, not approved.")
    ended = BalanceRebuild.objects.using(PRIMARY).filter(
        reason__endswith=mark_of(found), finished_at__isnull=False
    )
    if ended.exists():
        raise ApprovalMissing("A run has ended with this approval; ask for another one.")
    return found


def mark_of(approval: Approval) -> str:
    """Write what a run's reason ends with."""
    return f"[approval {approval.pk}]"


def _validate(ask: Asked) -> None:
    if ask.subject != subject_of(ask.client):
        raise errors.FieldInvalid("It is about a client's wallets, or all.", field="client")


def _describe(approval: Approval) -> list[Line]:
    rows = Wallet.objects.using(PRIMARY)
    whose = _EVERYBODY
    if approval.client is not None:
        rows = rows.filter(client_id=approval.client)
        client = Client.objects.using(PRIMARY).filter(pk=approval.client).first()
        whose = "nobody" if client is None else str(client.name)
    return [
        Line("Wallets of", whose),
        Line("How many", f"{rows.order_by()[:100_001].count():,}"),
        Line("Their rows", "as they are", "as the books say, where they differ"),
    ]


def _carry_out(approval: Approval, _: Actor) -> Outcome:
    return Outcome(f"Run manage.py rebuild_balances --approval {approval.pk}")


REBUILD: Final = Kind(
    code=CODE,
    title="Rebuild balances",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="approvals.request_rebuild",
    approve_right="approvals.approve_rebuild",
    is_atomic=True,
)
