"""Facts about a wallet in which no money moved."""

from __future__ import annotations

from datetime import datetime

from events import contracts
from events.outbox import NewEvent
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.models import Wallet


def about(wallet: Wallet, type_: str, moment: datetime) -> NewEvent:
    """Tell what the wallet has come to; its version is the event's sequence."""
    fact = contracts.WalletFact(
        wallet_id=str(wallet.id),
        sequence=wallet.version,
        currency=wallet.currency,
        balance=format_minor(wallet.balance, wallet.currency),
        held=format_minor(wallet.held, wallet.currency),
        available=format_minor(wallet.available, wallet.currency),
        status=wallet.status,
        occurred_at=rfc3339(moment),
    )
    return NewEvent(wallet.id, wallet.client_id, type_, fact, moment)
