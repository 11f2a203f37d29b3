"""What staff see of wallets and of the clients they belong to."""

from wallets.admin.clients import ApiKeyAdmin, ClientAdmin, PlanAdmin
from wallets.admin.exports import ExportJobAdmin, IssuedStatementAdmin, MonthlyStatementsAdmin
from wallets.admin.holds import HoldAdmin, PayoutAdmin
from wallets.admin.limits import LimitAdmin
from wallets.admin.operations import OperationAdmin, RefusalAdmin
from wallets.admin.wallets import WalletAdmin

__all__ = [
    "ApiKeyAdmin",
    "ClientAdmin",
    "ExportJobAdmin",
    "HoldAdmin",
    "IssuedStatementAdmin",
    "LimitAdmin",
    "MonthlyStatementsAdmin",
    "OperationAdmin",
    "PayoutAdmin",
    "PlanAdmin",
    "RefusalAdmin",
    "WalletAdmin",
]
