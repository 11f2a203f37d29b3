"""Set money aside for a payout, and put the payout down, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wallet_project.kit.ids import uuid7
from wallets import idempotency
from wallets.chart import Kind
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity
from wallets.models import HoldOwner
from wallets.operations import _rails, group_commit
from wallets.operations._commands import HoldTerms, MovementCommand, MovementRequest


def command(
    *, wallet: WalletIdentity, request: MovementRequest, destination: Mapping[str, Any]
) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves.

    :raises TooManyChannels: if the request names one payment rail too many.
    """
    digest = idempotency.request_hash(
        "payout", [wallet.id.bytes, *request.parts(wallet), dict(destination)]
    )
    made = _rails.command(Kind.HOLD, wallet, request)
    terms = HoldTerms(uuid7(), is_new=True, owner=HoldOwner.PAYOUT, destination=destination)
    return replace(made, request_hash=digest, terms=terms)


def request_payout(
    *, wallet: WalletIdentity, request: MovementRequest, destination: Mapping[str, Any]
) -> HoldRecord:
    """Hold the money; return the payout's hold, made now or when this key was first used.

    :raises Refused: InsufficientFunds, WalletFrozen, WalletClosed, CurrencyMismatch, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    asked = command(wallet=wallet, request=request, destination=destination)
    return group_commit.run(asked).unwrap_hold()
