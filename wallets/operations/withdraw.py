"""Debit a wallet by money that leaves to the outside."""

from __future__ import annotations

from wallets.chart import Kind
from wallets.identity import WalletIdentity
from wallets.movements import MovementRecord
from wallets.operations import _rails, group_commit
from wallets.operations._commands import MovementCommand, MovementRequest


def command(*, wallet: WalletIdentity, request: MovementRequest) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves.

    :raises TooManyChannels: if the request names one payment rail too many.
    """
    return _rails.command(Kind.WITHDRAWAL, wallet, request)


def withdraw(*, wallet: WalletIdentity, request: MovementRequest) -> MovementRecord:
    """Debit the wallet; return what was done, now or when this key was first used.

    :raises Refused: InsufficientFunds, WalletFrozen, WalletClosed, CurrencyMismatch, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    return group_commit.run(command(wallet=wallet, request=request)).unwrap()
