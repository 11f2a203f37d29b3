"""What staff do with an alert. Each act is kept with who did it and when."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from events.consumers.fraud import alerts, messages
from events.consumers.fraud.errors import AlertDecided, SamePerson
from events.consumers.fraud.models import Act, AlertAct, AlertStatus, FraudAlert
from wallet_project.kit import audit
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import now
from wallet_project.kit.database import PRIMARY

_DECISIONS: Final = {Act.CLEAR: AlertStatus.CLEARED, Act.CONFIRM: AlertStatus.CONFIRMED}


def act(alert: FraudAlert, what: Act, *, by: Actor, text: str = "") -> None:
    """Clear or confirm an open alert, ask for its wallet to be unfrozen, or add a note.

    The audit log has it as well.

    :raises SamePerson: if the wallet is to be unfrozen and this person froze it.
    :raises AlertDecided: if it is to be cleared or confirmed and is not open any more.
    """
    moment = now()
    with transaction.atomic(using=PRIMARY):
        if what in _DECISIONS:
            is_open = FraudAlert.objects.using(PRIMARY).filter(pk=alert.pk, status=AlertStatus.OPEN)
            if not is_open.update(status=_DECISIONS[what], decided_at=moment, decided_by=by.name):
                raise AlertDecided("Somebody has decided about this alert already.")
        if what is Act.UNFREEZE:
            _refuse_same_person(alert, by)
            # A message, not a call: it follows the one that froze the wallet, in the same order,
            # so it works too while that one is still on its way. And this app knows no wallets.
            request = messages.UnfreezeRequested(
                alert_id=alert.pk, wallet_id=str(alert.wallet), requested_by=by.name
            )
            alerts.tell(alert, messages.UNFREEZE_REQUESTED, request, moment)
        AlertAct.objects.using(PRIMARY).create(
            alert=alert, act=what, by=by.name, at=moment, text=text
        )
        detail: dict[str, Any] = {"wallet": str(alert.wallet)}
        record = audit.Act(
            f"fraudalert.{what.lower()}", "fraud.fraudalert", str(alert.pk), text, detail
        )
        audit.record(by, record)
        if what is Act.UNFREEZE:
            # Once more under the wallet, where whoever asks who unfroze it looks.
            detail = {"alert": alert.pk}
            record = audit.Act(
                "wallet.unfreeze_requested", "wallets.wallet", str(alert.wallet), text, detail
            )
            audit.record(by, record)


def _refuse_same_person(alert: FraudAlert, by: Actor) -> None:
    """Let nobody unfreeze what he froze himself, superusers included.

    :raises SamePerson: to him.
    """
    if audit.last_actor("wallet.freeze", "wallets.wallet", str(alert.wallet)) == by.id:
        raise SamePerson("You froze this wallet; another person has to unfreeze it.")
