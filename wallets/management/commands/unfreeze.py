"""Let a frozen wallet move money again."""

from __future__ import annotations

from wallets.management.status_command import StatusCommand
from wallets.operations.unfreeze_wallet import unfreeze_wallet


class Command(StatusCommand):
    """Exit 0: it is so now, or was already. Exit 1: it cannot be."""

    help = (
        "Unfreeze a wallet: it takes credits and debits again. Noted in the audit log, with the "
        "reason. Doing it twice changes nothing."
    )
    actor = "command:unfreeze"
    operation = staticmethod(unfreeze_wallet)
