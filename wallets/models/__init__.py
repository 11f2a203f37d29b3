"""Tables of the business: clients and keys, wallets, holds, payouts, refusals, operations, runs."""

from wallets.models.auditing import AuditorState, LedgerAlert
from wallets.models.clients import ApiKey, Client, Plan, Scope
from wallets.models.holds import Hold, HoldOwner, HoldStatus
from wallets.models.operations import Operation, OperationStatus
from wallets.models.payouts import OPEN, Payout, PayoutStatus
from wallets.models.rebuilds import BalanceRebuild
from wallets.models.wallets import Refusal, Wallet, WalletStatus

__all__ = [
    "OPEN",
    "ApiKey",
    "AuditorState",
    "BalanceRebuild",
    "Client",
    "Hold",
    "HoldOwner",
    "HoldStatus",
    "LedgerAlert",
    "Operation",
    "OperationStatus",
    "Payout",
    "PayoutStatus",
    "Plan",
    "Refusal",
    "Scope",
    "Wallet",
    "WalletStatus",
]
