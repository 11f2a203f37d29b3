"""Stop all movements of money, and let them go on."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets.safeguards import switch
from wallets.safeguards.models import WriteSwitch


class _State(NamedTuple):
    is_paused: bool
    lets_finish: bool
    action: str


_RUNNING: Final = _State(False, False, "writes.resume")
_STOPPED: Final = _State(True, False, "writes.pause")
_DRAINING: Final = _State(True, True, "writes.drain")


def pause_writes(*, by: Actor, reason: str) -> bool:
    """Refuse all movements of money within five seconds, in every process; reads and events go on.

    Returns whether anything has changed: doing it twice does no harm.
    """
    return _turn(_STOPPED, by=by, reason=reason)


def drain_writes(*, by: Actor, reason: str) -> bool:
    """Take no new movements of money within five seconds, and finish what was accepted before.

    :returns: whether anything has changed.
    :raises WritesPaused: if money is stopped: to let accepted work go on is another decision.
    """
    return _turn(_DRAINING, by=by, reason=reason)


def resume_writes(*, by: Actor, reason: str) -> bool:
    """Let money move again; return whether anything has changed."""
    return _turn(_RUNNING, by=by, reason=reason)


def _turn(wanted: _State, *, by: Actor, reason: str) -> bool:
    def body() -> bool:
        with transaction.atomic(using=PRIMARY):
            rows = WriteSwitch.objects.using(PRIMARY)
            row = rows.select_for_update().filter(pk=WriteSwitch.THE_ROW).first()
            found = _RUNNING if row is None else _state_of(row)
            if found == wanted:
                return False
            if (found, wanted) == (_STOPPED, _DRAINING):
                raise switch.stopped()
            rows.update_or_create(
                pk=WriteSwitch.THE_ROW,
                defaults={
                    "is_paused": wanted.is_paused,
                    "lets_finish": wanted.lets_finish,
                    "reason": reason,
                    "changed_by": by.id,
                    "changed_at": clock.now(),
                },
            )
            audit.record(by, Act(wanted.action, "safeguards.writeswitch", "1", reason))
            return True

    changed = database.run_retrying(body, database.INTERACTIVE, operation="turn_switch")
    switch.forget()
    return changed


def _state_of(row: WriteSwitch) -> _State:
    if not row.is_paused:
        return _RUNNING
    return _DRAINING if row.lets_finish else _STOPPED
