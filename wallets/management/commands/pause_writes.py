"""Stop all movements of money."""

from __future__ import annotations

from wallets.management.switch_command import SwitchCommand
from wallets.operations.pause_writes import pause_writes


class Command(SwitchCommand):
    """Exit 0: it is so now, or was already."""

    help = (
        "Stop all movements of money within five seconds, everywhere: 503 writes_paused. Reads and "
        "events go on. For emergencies; noted in the audit log, with the reason."
    )
    actor = "command:pause_writes"
    operation = staticmethod(pause_writes)
    state = "stopped"
