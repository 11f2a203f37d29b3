"""Facts about a wallet, as events tell them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from events import contracts
from events.outbox import NewEvent
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.chart import CHART
from wallets.models import Wallet
from wallets.operations._commands import MovementCommand


def moved(
    command: MovementCommand, numbers: Mapping[str, Any], entry: UUID, *, is_credit: bool
) -> contracts.MoneyMoved:
    """Tell one wallet's side of a movement; `numbers` are the wallet's after it."""
    told = dict(numbers) | {
        "transaction_id": str(entry),
        "amount": format_minor(command.amount, command.currency),
        "reference_id": command.reference or None,
    }
    direction = "CREDIT" if is_credit else "DEBIT"
    if CHART[command.kind].told_by_wallet == contracts.ADJUSTED:
        return contracts.MoneyAdjusted(**told, direction=direction)
    if command.original is None:
        return contracts.MoneyMoved(**told)
    return contracts.MovementReversed(
        **told,
        reverses=str(command.original.entry),
        direction=direction,
    )


def about(wallet: Wallet, type_: str, moment: datetime) -> NewEvent:
    """Tell what the wallet has come to where no money moved; its version is the sequence."""
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
