"""Give up a hold: all of it is available again."""

from __future__ import annotations

from dataclasses import replace

from wallet_project.kit.audit import Act, Actor
from wallets import errors, idempotency
from wallets.chart import Kind
from wallets.holds import HoldRecord
from wallets.idempotency import Key
from wallets.models import HoldOwner
from wallets.operations import group_commit
from wallets.operations._commands import HoldTerms, MovementCommand


def command(*, hold: HoldRecord, key: Key, actor: str) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves."""
    return MovementCommand(
        kind=Kind.VOID,
        client=hold.client,
        actor=actor,
        wallet=hold.wallet_id,
        counterparty=hold.wallet_id,
        currency=hold.currency,
        amount=hold.amount,
        key=key,
        request_hash=idempotency.request_hash(Kind.VOID, [hold.id.bytes]),
        terms=HoldTerms(hold.id, owner=HoldOwner(hold.owner)),
    )


def void_hold(*, hold: HoldRecord, key: Key, actor: str) -> HoldRecord:
    """Void the hold, once; frozen wallets let go of it as well, for no money moves.

    :raises Refused: HoldNotActive, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    return group_commit.run(command(hold=hold, key=key, actor=actor)).unwrap_hold()


def void_hold_for(*, hold: HoldRecord, by: Actor, reason: str) -> HoldRecord:
    """Void a hold for a member of staff, whose act the audit log keeps with it.

    :raises Refused: HoldNotActive; HoldOfPayout: only a payout ends its own hold.
    :raises Unavailable: when it was not done or is not known to be; ask again.
    """
    if hold.owner == HoldOwner.PAYOUT:
        raise errors.HoldOfPayout("Its payout captures or releases it.")
    # A key of its own: the client's own void, made later or before, is another request.
    key = idempotency.from_reference(hold.client, "staff void", hold.wallet_id, str(hold.id))
    detail = {"wallet": str(hold.wallet_id), "amount": hold.amount, "currency": hold.currency}
    act = Act("hold.void", "wallets.hold", str(hold.id), reason, detail)
    asked = replace(command(hold=hold, key=key, actor=by.id), act=(by, act))
    return group_commit.run(asked).unwrap_hold()
