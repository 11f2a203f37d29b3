"""What of the business needs a second person: to stop all movements of money, to let them go on.

In an emergency one operator does the same by `manage.py pause_writes` or `resume_writes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from wallet_project.kit.audit import Actor
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome, register
from wallets.operations.pause_writes import pause_writes, resume_writes
from wallets.safeguards import switch

PAUSE: Final = "pause_writes"
RESUME: Final = "resume_writes"
SUBJECT: Final = "all movements"
"""What a request is about: there is one switch only."""

_STATES: Final = {True: "stopped", False: "running"}


def _takes_anything(_asked: Asked) -> None:
    """Refuse nothing: to turn the switch twice does no harm."""


def _describe(_approval: Approval, *, paused: bool) -> Sequence[Line]:
    return [Line("Movements of money", _STATES[switch.is_paused()], _STATES[paused])]


def _carry_out(approval: Approval, by: Actor, *, turn: Callable[..., bool]) -> Outcome:
    changed = turn(by=by, reason=approval.reason)
    return Outcome("Done." if changed else "It was so already.")


for _code, _title, _turn, _paused in (
    (PAUSE, "Stop all movements of money", pause_writes, True),
    (RESUME, "Let money move again", resume_writes, False),
):
    register(
        Kind(
            code=_code,
            title=_title,
            validate=_takes_anything,
            describe=partial(_describe, paused=_paused),
            carry_out=partial(_carry_out, turn=_turn),
            is_atomic=True,
        )
    )
