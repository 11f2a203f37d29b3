"""Let money that was set aside leave to the outside, all of it or a part."""

from __future__ import annotations

from dataclasses import replace

from wallets import idempotency
from wallets.chart import Kind
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity
from wallets.models import HoldOwner
from wallets.movements import MovementRecord
from wallets.operations import _rails, group_commit
from wallets.operations._commands import HoldTerms, MovementCommand, MovementRequest


def command(
    *, hold: HoldRecord, wallet: WalletIdentity, request: MovementRequest
) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves."""
    digest = idempotency.request_hash(Kind.CAPTURE, [hold.id.bytes, *request.parts(wallet)])
    made = _rails.command(Kind.CAPTURE, wallet, request)
    return replace(made, request_hash=digest, terms=HoldTerms(hold.id, owner=HoldOwner(hold.owner)))


def capture_hold(
    *, hold: HoldRecord, wallet: WalletIdentity, request: MovementRequest
) -> MovementRecord:
    """Capture the hold, once; what the amount leaves of it is available again.

    :raises Refused: HoldNotActive, CaptureTooLarge, WalletFrozen, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    return group_commit.run(command(hold=hold, wallet=wallet, request=request)).unwrap()
