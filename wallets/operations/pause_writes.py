"""Stop all movements of money, and let them go on."""

from __future__ import annotations

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets.safeguards import switch
from wallets.safeguards.models import WriteSwitch


def pause_writes(*, by: Actor, reason: str) -> bool:
    """Refuse all movements of money within five seconds, in every process; reads and events go on.

    Returns whether anything has changed: doing it twice does no harm.
    """
    return _turn(paused=True, by=by, reason=reason)


def resume_writes(*, by: Actor, reason: str) -> bool:
    """Let money move again; return whether anything has changed."""
    return _turn(paused=False, by=by, reason=reason)


def _turn(*, paused: bool, by: Actor, reason: str) -> bool:
    def body() -> bool:
        with transaction.atomic(using=PRIMARY):
            rows = WriteSwitch.objects.using(PRIMARY)
            row = rows.select_for_update().filter(pk=WriteSwitch.THE_ROW).first()
            if (row is not None and row.is_paused) is paused:
                return False
            rows.update_or_create(
                pk=WriteSwitch.THE_ROW,
                defaults={
                    "is_paused": paused,
                    "reason": reason,
                    "changed_by": by.id,
                    "changed_at": clock.now(),
                },
            )
            action = "writes.pause" if paused else "writes.resume"
            audit.record(by, Act(action, "safeguards.writeswitch", "1", reason))
            return True

    changed = database.run_retrying(body, database.INTERACTIVE, operation="turn_switch")
    switch.forget()
    return changed
