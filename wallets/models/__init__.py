"""Tables of the business: clients and their keys, wallets, refusals."""

from wallets.models.clients import ApiKey, Client, Plan, Scope
from wallets.models.wallets import Refusal, Wallet, WalletStatus

__all__ = ["ApiKey", "Client", "Plan", "Refusal", "Scope", "Wallet", "WalletStatus"]
