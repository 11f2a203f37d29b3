"""What wallets does about what others tell: fraud's alerts freeze wallets, staff unfreeze them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from events.consumer import Event
from events.consumers.fraud import messages
from events.consumers.fraud.messages import AlertRaised, UnfreezeRequested
from wallets import identity
from wallets.errors import WalletClosed, WalletNotFound
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_within
from wallets.operations.unfreeze_wallet import unfreeze_within

logger = logging.getLogger(__name__)

FREEZE: Final = "FREEZE"
ACTOR: Final = "consumer:freezer"


def freeze_and_unfreeze(events: Sequence[Event]) -> None:
    """Freeze the wallets of alerts that ask for it, and unfreeze those that staff name.

    Runs within the transaction that notes the events as seen: one that comes again, after staff
    have unfrozen the wallet, freezes nothing.

    :raises Undecodable: for an event that is not what its type says.
    """
    # Sorting is stable: each wallet's events stay in order, and wallets are locked by id.
    for event in sorted(events, key=lambda event: event.stream):
        if event.type == messages.ALERT_RAISED:
            alert = messages.decode(AlertRaised, event.value)
            if alert.action == FREEZE:
                _take(event, freeze_within, f"fraud alert {alert.alert_id}: {alert.rule}")
        elif event.type == messages.UNFREEZE_REQUESTED:
            asked = messages.decode(UnfreezeRequested, event.value)
            reason = f"fraud alert {asked.alert_id}: asked for by {asked.requested_by}"
            _take(event, unfreeze_within, reason)


def _take(event: Event, step: Callable[..., None], reason: str) -> None:
    try:
        wallet = identity.identify(event.client, str(event.stream))
        step(wallet=wallet, request=StatusRequest(actor=ACTOR, reason=reason))
    except (WalletClosed, WalletNotFound) as refusal:
        # Nothing can leave a wallet that is closed, and no repeat will open it.
        logger.warning(
            "wallet.status_not_changed",
            extra={"wallet": str(event.stream), "reason": reason, "code": refusal.code},
        )
