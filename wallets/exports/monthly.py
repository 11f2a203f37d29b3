"""Statements of every month for all wallets of a client, made when its month is over.

Months begin and end in the time zone of the client's days, as they do in reports.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from django.db import models, transaction

from ledger import statement_verifier
from ledger.periods import calendars, zones
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.clock import now
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallets.errors import ClientNotFound
from wallets.exports import figures, jobs
from wallets.exports.errors import ExportTooLong, MonthlyUnchanged
from wallets.exports.jobs import NewExport
from wallets.exports.models import Format, Kind, MonthlyStatements
from wallets.identity import WalletIdentity
from wallets.models import Client, Wallet

BATCH: Final = 100
SETTLED_AFTER: Final = timedelta(hours=1)
"""After a month's end: nothing lands in it any more."""

logger = logging.getLogger(__name__)


def switch(
    *, client: str, format_: Format, active: bool, by: Actor, reason: str
) -> MonthlyStatements:
    """Let the wallets of a client get monthly statements, from the present month on, or no more.

    :raises ClientNotFound: if there is no such client.
    :raises MonthlyUnchanged: if they do, or do not, already.
    """

    def body() -> MonthlyStatements:
        with transaction.atomic(using=PRIMARY, durable=True):
            owner = Client.objects.using(PRIMARY).filter(name=client).first()
            if owner is None:
                raise ClientNotFound(f"There is no client {client}.", field="client")
            row = _rows().filter(client=owner, format=format_).first()
            if active == (row is not None and row.is_active):
                raise MonthlyUnchanged(f"{client} has it so already.")
            month = _present(owner.pk)
            if row is None:
                row = MonthlyStatements(client=owner, format=format_, month=month)
            elif active:
                if month > row.month:
                    row.month, row.since, row.before = month, None, None
                row.last_wallet = None
            row.is_active = active
            row.save(using=PRIMARY)
            verb = "start" if active else "stop"
            detail = {"client": client, "format": format_}
            subject = "exports.monthlystatements"
            audit.record(by, Act(f"monthly.{verb}", subject, str(row.pk), reason, detail))
            return row

    return run_retrying(body, INTERACTIVE, operation="switch_monthly_statements")


def issue_due(*, enough: Callable[[], bool] = lambda: False, batch_size: int = BATCH) -> int:
    """Ask for the statements of months that are over, a batch of wallets at a time; return how
    many were asked for. Safe to run twice, and by two at once: each wallet and month has one."""
    asked = 0
    for row in list(_rows().filter(is_active=True).order_by("pk")):
        while not enough() and row.month < _present(row.client_id, SETTLED_AFTER):
            _begin(row)
            if row.before is not None:
                asked += _batch(row, batch_size)
    return asked


def _begin(row: MonthlyStatements) -> None:
    """Write down the span of a month that is over, before its first statement."""
    if row.before is not None:
        return
    zone = calendars.zone_of(row.client_id)
    since = row.since or zones.start_of(row.month, zone)
    before = zones.start_of(calendars.following(row.month), zone)
    rows = _rows().filter(pk=row.pk)
    rows.filter(month=row.month, before=None).update(since=since, before=before)
    # Where another was faster, its span is the span; it may even be in the month after.
    row.month, row.last_wallet, row.since, row.before = rows.values_list(
        "month", "last_wallet", "since", "before"
    ).get()


def _batch(row: MonthlyStatements, size: int) -> int:
    """Ask for the statements of the next wallets; after the last one, go on to the next month."""
    wallets = Wallet.objects.using(PRIMARY).filter(client_id=row.client_id)
    if row.last_wallet is not None:
        wallets = wallets.filter(pk__gt=row.last_wallet)
    columns = ("id", "client_id", "client__name", "currency", "reference")
    found = [WalletIdentity(*one) for one in wallets.order_by("pk").values_list(*columns)[:size]]
    asked = sum(_ask(row, wallet) for wallet in found)
    seen = {"month": row.month, "last_wallet": row.last_wallet}
    if len(found) == size:
        row.last_wallet = found[-1].id
    else:
        row.month, row.last_wallet = calendars.following(row.month), None
        row.since, row.before = row.before, None
    # Where another was faster, its place is the place.
    _rows().filter(pk=row.pk, **seen).update(
        month=row.month, last_wallet=row.last_wallet, since=row.since, before=row.before
    )
    return asked


def _ask(row: MonthlyStatements, wallet: WalletIdentity) -> bool:
    within = figures.look(wallet, since=row.since, before=row.before)
    if within.last == 0:
        return False  # it had never moved any money by the end of the month
    format_ = Format(row.format)
    texts = ["monthly", str(wallet.id), row.month.isoformat(), format_.value]
    key = hashlib.sha256(statement_verifier.packed(texts)).digest()
    asked = NewExport(
        kind=Kind.STATEMENT,
        format=format_,
        since=row.since,
        before=row.before,
        by="task:monthly_statements",
        reason=f"monthly statement {row.month:%Y-%m}",
        idempotency_key=key,
        request_hash=key,
    )
    try:
        return not jobs.request(wallet=wallet, asked=asked, within=within).replayed
    except ExportTooLong as error:
        logger.warning("monthly.too_long", extra={"wallet": str(wallet.id), "reason": error.detail})
        return False


def _present(client: int, ago: timedelta = timedelta(0)) -> date:
    """Return the first day of the client's month that goes on, or went on some time ago."""
    return calendars.month_of(zones.day_of(now() - ago, calendars.zone_of(client)))


def _rows() -> models.QuerySet[MonthlyStatements]:
    return MonthlyStatements.objects.using(PRIMARY)
