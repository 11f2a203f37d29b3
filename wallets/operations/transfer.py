"""Move money between two wallets of one client."""

from __future__ import annotations

from wallets import idempotency
from wallets.chart import Kind
from wallets.identity import WalletIdentity
from wallets.movements import MovementRecord
from wallets.operations import group_commit
from wallets.operations._commands import MovementCommand, MovementRequest


def command(
    *, source: WalletIdentity, destination: WalletIdentity, request: MovementRequest
) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves."""
    digest = idempotency.request_hash(
        Kind.TRANSFER, [source.id.bytes, destination.id.bytes, *request.parts(source)]
    )
    return request.command(Kind.TRANSFER, source, counterparty=destination.id, request_hash=digest)


def transfer(
    *, source: WalletIdentity, destination: WalletIdentity, request: MovementRequest
) -> MovementRecord:
    """Debit the source and credit the destination in one entry; return what was done.

    :raises Refused: SameWallet, InsufficientFunds, WalletFrozen, WalletClosed, CurrencyMismatch,
        BalanceTooLarge, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    return group_commit.run(
        command(source=source, destination=destination, request=request)
    ).unwrap()
