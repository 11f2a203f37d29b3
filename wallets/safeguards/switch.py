"""The switch that stops money: asked by workers; callers' keys are looked up together with it."""

from __future__ import annotations

import math
import threading
import time
from typing import Final

from django.db.models import Exists

from wallet_project.kit import replica
from wallets import errors
from wallets.safeguards.models import WriteSwitch

KEPT_SECONDS: Final = 3.0
"""How long an answer is believed: the switch bites within 5 s everywhere."""
BITES_SECONDS: Final = 5.0

_lock = threading.Lock()
_known: tuple[bool, float] = (False, -math.inf)


def paused(using: str) -> Exists:
    """Make the expression that tells in another statement whether callers may move money: not
    while it is stopped, and not while the service drains."""
    return Exists(WriteSwitch.objects.using(using).filter(pk=WriteSwitch.THE_ROW, is_paused=True))


def is_paused() -> bool:
    """Tell whether work stands still, too, as of a few seconds ago. It does not while the service
    drains: what was accepted is done then."""
    answer, until = _known
    if time.monotonic() < until:
        return answer
    found = replica.read_primary_first(
        lambda source: (
            WriteSwitch.objects.using(source.using)
            .filter(is_paused=True, lets_finish=False)
            .exists()
        )
    )
    note(found)
    return found


def note(found: bool) -> None:
    """Keep an answer that somebody has come by."""
    global _known
    with _lock:
        _known = (found, time.monotonic() + KEPT_SECONDS)


def was_paused() -> bool:
    """Tell what this process has heard last, and ask nobody: look-ups of keys hear it."""
    return _known[0]


def require_running() -> None:
    """Let work go on only while money moves.

    :raises WritesPaused: while it is stopped.
    """
    if is_paused():
        raise stopped()


def stopped() -> errors.WritesPaused:
    """Make the error for whoever wants to move money meanwhile."""
    return errors.WritesPaused(
        "The operators have stopped all movements of money; nothing was done. Reads are answered. "
        "Send the same request with the same key later."
    )


def forget() -> None:
    """Ask again at once; for tests, and for the process that has turned the switch."""
    global _known
    with _lock:
        _known = (False, -math.inf)
