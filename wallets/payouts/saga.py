"""The saga of a payout: each step is one call, and each call finds out where the payout stands.

    PENDING -> SENDING -> CAPTURING -> PAID
                  |  \\--> RELEASING -> REFUSED
                  v
               UNKNOWN (asks the gateway; back to PENDING where it has never seen the key)

Any number of workers may take steps of any payouts, and die anywhere. A step is taken by a claim:
an update that is guarded by what was read and names the moment at which the step counts as lost.
The gateway pays once for a key, the spine captures or releases once for a key; so a step that is
taken again is a step that is finished. No outcome is ever inferred from silence.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from events import outbox
from events.outbox import NewMessage
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.money import format_minor
from wallets import errors, hold_queries, idempotency, identity, payout_messages, queries
from wallets.holds import HoldRecord
from wallets.idempotency import Key
from wallets.models import OPEN, Payout, PayoutStatus, Wallet, WalletStatus
from wallets.operations import capture_hold, void_hold
from wallets.operations._commands import MovementRequest
from wallets.payouts.gateway import (
    Declined,
    Gateway,
    GatewayAway,
    InProgress,
    NeverSeen,
    OutcomeUnknown,
    Paid,
    Payment,
    Said,
)

logger = logging.getLogger(__name__)

ACTOR: Final = "command:payouts"
MARGIN_SECONDS: Final = 12
"""What a step may take besides waiting for the gateway's answer: to connect, and for the spine.
A step that takes longer is taken by somebody else as well, which costs a call and nothing more."""
_FROZEN: Final = "wallet_frozen"
_AWAY: Final = "gateway_away"
_SILENT: Final = "no_answer"
_DECIDING: Final = "gateway_decides"
_DELAYS: Final = (_FROZEN, _AWAY, _SILENT)
"""The waits that are told. A gateway that takes its time to decide may do so with every payout."""


def due(*, limit: int) -> list[UUID]:
    """List payouts whose next step is due, those that wait longest first."""
    rows = Payout.objects.using(PRIMARY).filter(
        status__in=OPEN, next_attempt_at__lte=queries.primary_clock()
    )
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def advance(payout: UUID, gateway: Gateway) -> bool:
    """Take the next steps of a payout until it ends or has to wait; tell whether it has ended."""
    while True:
        row = Payout.objects.using(PRIMARY).get(pk=payout)
        if row.status not in OPEN:
            return True
        now = queries.primary_clock()
        if row.next_attempt_at is not None and row.next_attempt_at > now:
            return False
        if not _step(row, gateway, now):
            return False


def _step(row: Payout, gateway: Gateway, now: datetime) -> bool:
    """Take one step; tell whether another may follow at once."""
    if row.status == PayoutStatus.PENDING:
        return _send(row, gateway, now)
    if row.status in (PayoutStatus.SENDING, PayoutStatus.UNKNOWN):
        return _find_out(row, gateway, now)
    return _settle(row, now)


def _send(row: Payout, gateway: Gateway, now: datetime) -> bool:
    if _is_frozen(row):
        _wait(row, PayoutStatus.PENDING, _FROZEN, now)
        return False
    if not _claim(row, PayoutStatus.SENDING, now):
        return False
    return _hear(row, lambda: gateway.pay(_payment(row)), silent=PayoutStatus.UNKNOWN)


def _find_out(row: Payout, gateway: Gateway, now: datetime) -> bool:
    if not _claim(row, PayoutStatus.UNKNOWN, now):
        return False
    return _hear(row, lambda: gateway.find(row.pk), silent=PayoutStatus.UNKNOWN)


def _hear(row: Payout, ask: Callable[[], Said | NeverSeen], *, silent: PayoutStatus) -> bool:
    """Ask the gateway and note what it says; `row` has been claimed."""
    was_asked_to_pay = row.status == PayoutStatus.SENDING
    try:
        said = ask()
    except GatewayAway:
        # Nothing was sent: what had to be sent still has to be, what had to be asked for too.
        _wait(row, PayoutStatus.PENDING if was_asked_to_pay else silent, _AWAY)
        return False
    except OutcomeUnknown:
        _wait(row, silent, _SILENT)
        return False
    if isinstance(said, Paid):
        return _move(row, PayoutStatus.CAPTURING, gateway_reference=said.reference, reason="")
    if isinstance(said, Declined):
        return _move(row, PayoutStatus.RELEASING, reason=said.reason)
    if isinstance(said, InProgress):
        _wait(row, silent, _DECIDING)
        return False
    # Never seen: it is sent once more, with the same key, in case the first is still on its way.
    return _move(row, PayoutStatus.PENDING)


def _settle(row: Payout, now: datetime) -> bool:
    """Tell the books what the gateway has said."""
    if not _claim(row, PayoutStatus(row.status), now):
        return False
    hold = hold_queries.identify(row.client, str(row.pk))
    try:
        if row.status == PayoutStatus.CAPTURING:
            return _end_paid(row, _capture(row, hold))
        void_hold.void_hold(hold=hold, key=_key(row, "release"), actor=ACTOR)
    except DomainError as error:
        # The hold is this payout's alone, so what is not merely late needs a person.
        logger.error("payout.stuck", extra={"payout": str(row.pk), "code": error.code})
        # Of a refused one the row says why it was refused, to the end.
        _wait(row, PayoutStatus(row.status), row.reason or error.code)
        return False
    at = queries.primary_clock()
    return _end(row, PayoutStatus.REFUSED, at, payout_messages.refused(row, at))


def _end_paid(row: Payout, entry: UUID) -> bool:
    at = queries.primary_clock()
    return _end(row, PayoutStatus.PAID, at, payout_messages.paid(row, at, entry=entry), entry=entry)


def _capture(row: Payout, hold: HoldRecord) -> UUID:
    wallet = identity.identify(row.client, str(row.wallet))
    request = MovementRequest(
        amount=row.amount,
        key=_key(row, "capture"),
        actor=ACTOR,
        reference=row.reference,
        channel=row.channel,
    )
    made = capture_hold.capture_hold(hold=hold, wallet=wallet, request=request)
    return made.transaction_id


def _key(row: Payout, step: str) -> Key:
    return idempotency.from_reference(row.client, f"payout {step}", row.pk, str(row.pk))


def _is_frozen(row: Payout) -> bool:
    wallet = Wallet.objects.using(PRIMARY).filter(pk=row.wallet).values_list("status", flat=True)
    return wallet.first() == WalletStatus.FROZEN


def _payment(row: Payout) -> Payment:
    return Payment(
        key=row.pk,
        amount=format_minor(row.amount, row.currency),
        currency=row.currency,
        channel=row.channel,
        reference=row.reference,
        destination=row.destination,
    )


def _claim(row: Payout, status: PayoutStatus, now: datetime) -> bool:
    """Take a step before anybody else does; tell whether that went well."""
    found = _as_read(row)
    seconds: int = settings.PAYOUT_GATEWAY_TIMEOUT_SECONDS + MARGIN_SECONDS
    lost_at = now + timedelta(seconds=seconds)
    if not found.update(status=status, next_attempt_at=lost_at, attempts=row.attempts + 1):
        return False
    row.status, row.next_attempt_at, row.attempts = status, lost_at, row.attempts + 1
    return True


def _move(row: Payout, status: PayoutStatus, **columns: Any) -> bool:
    """Go to the next status; its step is due at once."""
    moved = _as_read(row).update(status=status, next_attempt_at=row.created_at, **columns)
    return moved == 1


def _wait(row: Payout, status: PayoutStatus, reason: str, now: datetime | None = None) -> None:
    """Take the next step later, the later the more often there was none."""
    tries = min(row.attempts, 30)
    longest: int = settings.PAYOUT_RETRY_MAX_SECONDS
    seconds = min(settings.PAYOUT_RETRY_SECONDS * 2 ** max(tries - 1, 0), longest)
    spread = random.randint(75, 125)  # noqa: S311 - spreads load, hides nothing
    moment = now or queries.primary_clock()
    at = moment + timedelta(milliseconds=seconds * spread * 10)
    columns: dict[str, Any] = {"status": status, "next_attempt_at": at, "reason": reason}
    if reason not in _DELAYS or row.delayed_at is not None:
        _as_read(row).update(**columns)
        return
    told = payout_messages.delayed(row, moment, reason=reason, next_attempt_at=at)
    _tell(row, told, **columns, delayed_at=moment)


def _end(row: Payout, status: PayoutStatus, at: datetime, told: NewMessage, **columns: Any) -> bool:
    moved = _tell(row, told, status=status, next_attempt_at=None, ended_at=at, **columns)
    if moved:
        logger.info("payout.ended", extra={"payout": str(row.pk), "status": status.value})
    return moved


def _tell(row: Payout, told: NewMessage, **columns: Any) -> bool:
    """Move a payout and tell it, both or neither; tell whether nobody was before us."""
    with transaction.atomic(using=PRIMARY):
        moved = _as_read(row).update(**columns) == 1
        if moved:
            outbox.record_messages([told])
    return moved


def _as_read(row: Payout) -> QuerySet[Payout]:
    """Name the row as long as nobody has taken a step since it was read."""
    return Payout.objects.using(PRIMARY).filter(
        pk=row.pk, status=row.status, next_attempt_at=row.next_attempt_at
    )


def require_gateway(gateway: Gateway | None) -> Gateway:
    """Return the gateway.

    :raises NoGateway: if none is configured.
    """
    if gateway is None:
        raise errors.NoGateway("No payment gateway is configured; set PAYOUT_GATEWAY_URL.")
    return gateway
