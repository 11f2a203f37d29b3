"""Stop all movements of a wallet."""

from __future__ import annotations

from wallets.management.status_command import StatusCommand
from wallets.operations.freeze_wallet import freeze_wallet


class Command(StatusCommand):
    """Exit 0: it is so now, or was already. Exit 1: it cannot be."""

    help = (
        "Freeze a wallet: it refuses credits and debits until it is unfrozen. Noted in the audit "
        "log, with the reason. Doing it twice changes nothing."
    )
    actor = "command:freeze"
    operation = staticmethod(freeze_wallet)
