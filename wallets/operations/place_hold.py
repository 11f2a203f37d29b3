"""Set money of a wallet aside: still its own, and not available."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.ids import uuid7
from wallets import idempotency
from wallets.chart import Kind
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity
from wallets.operations import _rails, group_commit
from wallets.operations._commands import HoldTerms, MovementCommand, MovementRequest


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a hold ends by itself: at a moment, or so long after it was made; never if neither."""

    at: datetime | None = None
    after: timedelta | None = None


def command(*, wallet: WalletIdentity, request: MovementRequest, expiry: Expiry) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves.

    :raises TooManyChannels: if the request names one payment rail too many.
    """
    digest = idempotency.request_hash(
        Kind.HOLD,
        [
            wallet.id.bytes,
            *request.parts(wallet),
            None if expiry.at is None else rfc3339(expiry.at),
            None if expiry.after is None else int(expiry.after.total_seconds()),
        ],
    )
    made = _rails.command(Kind.HOLD, wallet, request)
    terms = HoldTerms(uuid7(), is_new=True, expires_at=expiry.at, expires_in=expiry.after)
    return replace(made, request_hash=digest, terms=terms)


def place_hold(*, wallet: WalletIdentity, request: MovementRequest, expiry: Expiry) -> HoldRecord:
    """Set the money aside; return the hold as it was made, now or when this key was first used.

    :raises Refused: InsufficientFunds, WalletFrozen, WalletClosed, CurrencyMismatch, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    asked = command(wallet=wallet, request=request, expiry=expiry)
    return group_commit.run(asked).unwrap_hold()
