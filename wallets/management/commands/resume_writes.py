"""Let money move again."""

from __future__ import annotations

from wallets.management.switch_command import SwitchCommand
from wallets.operations.pause_writes import resume_writes


class Command(SwitchCommand):
    """Exit 0: it is so now, or was already."""

    help = (
        "Let money move again, after pause_writes or after the back office has stopped it. "
        "Noted in the audit log, with the reason."
    )
    actor = "command:resume_writes"
    operation = staticmethod(resume_writes)
    state = "running"
