"""The reconciliation desk in the back office."""

from wallets.reconciliation.admin import channels, files, items, matches, runs

__all__ = ["channels", "files", "items", "matches", "runs"]
