"""Reads of requests for approval."""

from __future__ import annotations

from uuid import UUID

from wallet_project.kit.database import PRIMARY
from wallets.approvals.errors import ApprovalMissing, ApprovalNotFound
from wallets.approvals.models import Approval, Status


def get(approval: UUID) -> Approval:
    """Return a request as the primary has it.

    :raises ApprovalNotFound: if there is none of this id.
    """
    found: Approval | None = Approval.objects.using(PRIMARY).filter(pk=approval).first()
    if found is None:
        raise ApprovalNotFound(f"There is no request {approval}.")
    return found


def approved(approval: UUID, *, kind: str, subject: str) -> Approval:
    """Return a request that was approved and is not carried out yet, for who does it himself.

    :raises ApprovalNotFound: if there is none of this id.
    :raises ApprovalMissing: if it is about something else, or is not approved, or done already.
    """
    found = get(approval)
    if (found.kind, found.subject) != (kind, subject):
        raise ApprovalMissing(f"{approval} is about {found.kind} of {found.subject}.")
    if found.status != Status.APPROVED:
        raise ApprovalMissing(f"{approval} is {found.get_status_display().lower()}.")
    return found


def waiting(*, kind: str, subject: str) -> list[Approval]:
    """List the requests about a subject that nobody has decided about, at most 50."""
    rows = Approval.objects.using(PRIMARY).filter(subject=subject, kind=kind, status=Status.PENDING)
    return list(rows.order_by("id")[:50])
