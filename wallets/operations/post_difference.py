"""Book what a payment rail has more or less than the books say, against suspense."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from wallet_project.kit.audit import Act, Actor
from wallets import idempotency
from wallets.chart import House, Kind
from wallets.idempotency import Key, Part
from wallets.movements import MovementRecord
from wallets.operations import _house_accounts, group_commit
from wallets.operations._commands import MovementCommand
from wallets.safeguards import switch


@dataclass(frozen=True, slots=True)
class DifferenceRequest:
    """What a rail has beyond the books; somebody else has approved that it is booked."""

    client: int
    client_name: str
    channel: str
    currency: str
    amount: int
    """Minor units: above zero the rail has more than the books say, below it has less."""
    key: Key
    approval: UUID
    """Shown as the entry's reference: what clears it names it."""
    reason: str
    by: Actor


def post_difference(*, request: DifferenceRequest) -> MovementRecord:
    """Move the difference between the rail's account and suspense; return what was done, now or
    when this key was first used.

    :raises ValueError: if there is no difference.
    :raises TooManyChannels: if the client has no such rail and as many as it may have.
    :raises KeyReused: if the key has booked something else.
    :raises WritesPaused: while money is stopped.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    switch.require_running()
    return group_commit.run(_command(request)).unwrap()


def _command(request: DifferenceRequest) -> MovementCommand:
    if not request.amount:
        raise ValueError("There is no difference to post.")
    kind = Kind.TO_SUSPENSE if request.amount > 0 else Kind.FROM_SUSPENSE
    suspense = _house_accounts.own(
        client=request.client,
        client_name=request.client_name,
        house=House.SUSPENSE,
        currency=request.currency,
    )
    rail = _house_accounts.external(
        client=request.client,
        client_name=request.client_name,
        channel=request.channel,
        currency=request.currency,
    )
    parts: list[Part] = [suspense.bytes, rail.bytes, abs(request.amount), request.currency]
    reference = str(request.approval)
    detail = {"channel": request.channel, "amount": request.amount, "currency": request.currency}
    act = Act("difference.post", "approvals.approval", reference, request.reason, detail)
    return MovementCommand(
        kind=kind,
        client=request.client,
        actor=request.by.id,
        wallet=suspense,
        counterparty=rail,
        currency=request.currency,
        amount=abs(request.amount),
        key=request.key,
        request_hash=idempotency.request_hash(kind, [*parts, reference]),
        reference=reference,
        channel=request.channel,
        description="Difference found by reconciling",
        act=(request.by, act),
    )
