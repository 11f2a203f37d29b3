"""Approve what somebody else has asked for, and have it done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from wallet_project.kit import database
from wallet_project.kit.audit import REASON_LENGTH_MAX, Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets.approvals import people, registry, sealing
from wallets.approvals.errors import (
    AboveLimit,
    ApprovalAltered,
    ApprovalDecided,
    NotAllowed,
    OwnRequest,
    RequesterNotAllowed,
    RequestInvalid,
)
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations import _rows
from wallets.approvals.operations._carrying import carry_out
from wallets.approvals.registry import Kind
from wallets.sources import primary_clock

_NOTHING_ALLOWED: Final = frozenset[str]()


def approve(
    *, approval: UUID, by: Actor, note: str = "", allow: Collection[str] = _NOTHING_ALLOWED
) -> Approval:
    """Approve a request and carry it out; return it as it is then.

    If the process dies between the two, beat carries it out. An effect that is refused for good
    makes it FAILED, which its `failure` explains; that is no error of this call.

    :raises ApprovalNotFound: if there is no such request.
    :raises OwnRequest: to whoever asked for it.
    :raises NotAllowed, AboveLimit: if the person may not approve this, or not so much.
    :raises RequesterNotAllowed: if who asked may not ask for it any more.
    :raises ApprovalDecided: if it was decided about, or its time has passed.
    :raises ApprovalAltered: if the row is not what was asked for.
    :raises RequestInvalid: if something is to be allowed that the kind does not know.
    """
    number = people.number_of(by)

    def body() -> tuple[Approval, DomainError | None]:
        with transaction.atomic(using=PRIMARY, durable=True):
            row = _rows.lock(approval)
            kind = registry.find(row.kind)
            moment = primary_clock()
            _check(row, kind, number, moment)
            if not sealing.is_unaltered(row):
                # The alarm stays, so the refusal is raised outside.
                _rows.alarm(row, by, moment)
                return row, ApprovalAltered("The row is not what was asked for. Reject it.")
            _rows.move(
                row,
                Status.APPROVED,
                decided_by=number,
                decided_by_name=by.name,
                decided_at=moment,
                decision_note=note.strip()[:REASON_LENGTH_MAX],
                allowed=" ".join(sorted(_known(kind, allow))),
            )
            _rows.note(by, "approve", row, reason=note, more={"allowed": row.allowed})
            return row, None

    row, refusal = database.run_retrying(body, database.INTERACTIVE, operation="approve")
    if refusal is not None:
        raise refusal
    return carry_out(row.pk)


def refuse_decision(row: Approval, kind: Kind, number: int) -> None:
    """Refuse somebody who may not decide about a request at all.

    :raises OwnRequest: to whoever asked for it.
    :raises NotAllowed: without the right.
    """
    if row.requested_by == number:
        raise OwnRequest("You asked for this yourself; another person has to decide about it.")
    people.check(number, kind.approve_right, "approve", None, "")


def _check(row: Approval, kind: Kind, number: int, moment: datetime) -> None:
    refuse_decision(row, kind, number)
    _rows.refuse_decided(row)
    if row.expires_at <= moment:
        raise ApprovalDecided("The time to decide has passed; it has to be asked for again.")
    people.check(number, kind.approve_right, "approve", row.amount_minor, row.currency)
    try:
        right, amount = kind.request_right, row.amount_minor
        people.check(row.requested_by, right, "request", amount, row.currency)
    except (NotAllowed, AboveLimit) as error:
        raise RequesterNotAllowed(
            f"{row.requested_by_name} may not ask for this any more: {error.detail} Reject it."
        ) from error


def _known(kind: Kind, allow: Collection[str]) -> set[str]:
    unknown = set(allow) - {option.code for option in kind.options}
    if unknown:
        raise RequestInvalid(f"Nothing can be allowed that is called {', '.join(sorted(unknown))}.")
    return set(allow)
