"""Opening a closed month again: what one person asks for and another allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ledger.periods import reopening
from wallet_project.kit.audit import Actor
from wallets.approvals.models import Approval
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome, register

CODE: Final = "reopen_period"


def ask(*, client: int, by: Actor, reason: str, ticket: str) -> UUID:
    """Ask for opening the last closed month of a client again; return the request's id.

    :raises PeriodNotClosed: if none is closed.
    :raises PeriodOutOfOrder: if one is being closed.
    :raises NotAllowed: without the right to ask for it.
    """
    close = reopening.last_close(client)
    asked = Asked(
        kind=CODE,
        subject=str(close.pk),
        reason=reason,
        ticket=ticket,
        payload={"month": f"{close.month:%Y-%m}", "version": close.version},
        client=client,
    )
    made: UUID = request_approval(ask=asked, by=by).pk
    return made


def _validate(asked: Asked) -> None:
    reopening.check(int(asked.subject))


def _describe(approval: Approval) -> Sequence[Line]:
    close = reopening.find(int(approval.subject))
    return [
        Line("Month", f"{close.month:%Y-%m}", link=("periods.close", close.pk)),
        Line("Version of the close", str(close.version)),
        Line("Value dates in it", "refused", "taken again"),
    ]


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    close = reopening.check(int(approval.subject))
    reopening.reopen_within(
        close=close, by=by, asked_by=f"staff:{approval.requested_by}", reason=approval.reason
    )
    return Outcome(f"{close.month:%Y-%m} is open again.")


register(
    Kind(
        code=CODE,
        title="Open a month again",
        validate=_validate,
        describe=_describe,
        carry_out=_carry_out,
        request_right="periods.request_reopening",
        approve_right="periods.approve_reopening",
        is_atomic=True,
    )
)
