"""Take a difference from suspense to the fees, or back to the rail it came from."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from wallet_project.kit.audit import Act, Actor
from wallets import idempotency
from wallets.chart import House, Kind
from wallets.idempotency import Key, Part
from wallets.movements import MovementRecord
from wallets.operations import _house_accounts, group_commit
from wallets.operations._commands import MovementCommand, Original
from wallets.safeguards import switch


@dataclass(frozen=True, slots=True)
class ClearingRequest:
    """What of a difference leaves suspense, and where to; somebody else has approved it."""

    client: int
    client_name: str
    currency: str
    entry: UUID
    """The entry that brought the difference to suspense."""
    difference: int
    """Minor units that it posted on suspense, credit positive."""
    amount: int
    """Minor units that leave suspense, above zero."""
    rail: str
    """The channel whose account takes it; empty: the fees do."""
    key: Key
    approval: UUID
    """Shown as the entry's reference."""
    reason: str
    by: Actor


def clear_suspense(*, request: ClearingRequest) -> MovementRecord:
    """Move it; return what was done, now or when this key was first used.

    Requests that clear one difference have to come one after the other: the caller sees to it.

    :raises ClearingTooLarge: if less than that is left of the difference on suspense.
    :raises TooManyChannels: if the client has no such rail and as many as it may have.
    :raises KeyReused: if the key has booked something else.
    :raises WritesPaused: while money is stopped.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    switch.require_running()
    return group_commit.run(_command(request)).unwrap()


def _command(request: ClearingRequest) -> MovementCommand:
    kind = Kind.CLEARING_DEBIT if request.difference > 0 else Kind.CLEARING_CREDIT
    suspense = _house_accounts.own(
        client=request.client,
        client_name=request.client_name,
        house=House.SUSPENSE,
        currency=request.currency,
    )
    target = _target(request)
    reference, entry = str(request.approval), str(request.entry)
    parts: list[Part] = [suspense.bytes, target.bytes, request.amount, request.currency]
    detail = {
        "entry": entry,
        "account": request.rail or House.FEES.value,
        "amount": request.amount,
        "currency": request.currency,
    }
    act = Act("suspense.clear", "approvals.approval", reference, request.reason, detail)
    return MovementCommand(
        kind=kind,
        client=request.client,
        actor=request.by.id,
        wallet=suspense,
        counterparty=target,
        currency=request.currency,
        amount=request.amount,
        key=request.key,
        request_hash=idempotency.request_hash(kind, [*parts, reference, entry]),
        reference=reference,
        channel=request.rail or _house_accounts.DEFAULT_CHANNEL,
        description="Difference cleared from suspense",
        metadata={"corrects": entry},
        corrects=request.entry,
        clears=Original(request.entry, abs(request.difference)),
        act=(request.by, act),
    )


def _target(request: ClearingRequest) -> UUID:
    if not request.rail:
        return _house_accounts.own(
            client=request.client,
            client_name=request.client_name,
            house=House.FEES,
            currency=request.currency,
        )
    return _house_accounts.external(
        client=request.client,
        client_name=request.client_name,
        channel=request.rail,
        currency=request.currency,
    )
