"""Commands between a wallet and the outside."""

from __future__ import annotations

from wallets import idempotency
from wallets.chart import Kind
from wallets.identity import WalletIdentity
from wallets.operations import _house_accounts
from wallets.operations._commands import MovementCommand, MovementRequest


def is_known(wallet: WalletIdentity, request: MovementRequest) -> bool:
    """Tell whether the account of the payment rail is known without asking the database."""
    return _house_accounts.is_known(wallet.client_name, request.channel, wallet.currency)


def command(kind: Kind, wallet: WalletIdentity, request: MovementRequest) -> MovementCommand:
    """Prepare a deposit or a withdrawal through the payment rail the request names."""
    rail = _house_accounts.external(
        client=wallet.client,
        client_name=wallet.client_name,
        channel=request.channel,
        currency=wallet.currency,
    )
    digest = idempotency.request_hash(kind, [wallet.id.bytes, *request.parts(wallet)])
    return request.command(kind, wallet, counterparty=rail, request_hash=digest)
