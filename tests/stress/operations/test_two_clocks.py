"""Two clocks tick and two workers obey: everything is done as if there were one of each."""

from __future__ import annotations

import shelve
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from events.consumers.notifications import contacts
from events.consumers.notifications.contacts import ContactDetails
from events.consumers.notifications.models import Kind, Notification
from events.models import OutboxEvent, OutboxStatus
from ledger.models import JournalEntry
from tests.consumers import deliver, told
from tests.gateway import sandbox
from tests.integration.events.reading import jumps, told_by_topic
from tests.people import Company, asks, fund, wallet_of
from tests.stress.operations.processes import Processes
from wallet_project.consumers import CONSUMERS
from wallet_project.kit.database import PRIMARY
from wallets import verification
from wallets.identity import WalletIdentity
from wallets.models import OPEN, Hold, Operation, OperationStatus, Payout, Wallet
from wallets.operations import accept_operation, withdraw
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.request_payout import request_payout
from wallets.payouts.sandbox import Mood

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

EACH = 20
FUNDS, HELD, DRAWN, PAID = 100_00, 5_00, 1_00, 2_00
LONGEST_INTERVAL_SECONDS = 12.0
"""A little more than the longest of these intervals."""
TICKS = {
    "tell the outside what happened",
    "apply what was accepted and forgotten",
    "add up the books",
    "end expired holds",
    "take payouts to the gateway",
    "tell customers",
}


def leave_work_for_the_clock(wallets: list[WalletIdentity]) -> None:
    """Leave holds that expire, operations that nobody is told of, payouts, and mails to send."""
    for number, wallet in enumerate(wallets):
        contact = ContactDetails(email=f"user-{number}@example.org", kinds=(Kind.MONEY_IN,))
        contacts.set_contact(wallet.id, wallet.client, contact)
        fund(wallet, FUNDS)
        expiry = Expiry(after=timedelta(seconds=1))
        place_hold(wallet=wallet, request=asks(HELD, wallet=wallet), expiry=expiry)
        drawn = withdraw.command(wallet=wallet, request=asks(DRAWN, wallet=wallet))
        accept_operation.accept(drawn)
        request_payout(
            wallet=wallet, request=asks(PAID, wallet=wallet), destination={"number": number}
        )
    deliver(CONSUMERS["notifications"], told())


def left() -> dict[str, int]:
    """Count what nobody has done so far."""
    pending = OutboxEvent.objects.using(PRIMARY).filter(status=OutboxStatus.PENDING)
    counted = {
        "events": pending.count(),
        "holds": Hold.objects.using(PRIMARY).filter(status="ACTIVE").count(),
        "operations": Operation.objects.using(PRIMARY)
        .filter(status=OperationStatus.PENDING)
        .count(),
        "payouts": Payout.objects.using(PRIMARY).filter(status__in=OPEN).count(),
        "mails": Notification.objects.using(PRIMARY).filter(next_attempt_at__isnull=False).count(),
    }
    return {what: number for what, number in counted.items() if number}


def ticks(schedule: Path) -> dict[str, int]:
    """Read how often a clock that was stopped has asked for what."""
    with shelve.open(str(schedule), "r") as kept:
        entries: dict[str, Any] = kept["entries"]
        return {name: entry.total_run_count for name, entry in entries.items()}


def all_exist(schedules: list[Path]) -> bool:
    return all(list(one.parent.glob(f"{one.name}*")) for one in schedules)


def test_two_clocks_and_two_workers_do_everything_once(
    processes: Processes, client_acme: Company, tmp_path: Path
) -> None:
    wallets = [wallet_of(client_acme, f"customer-{number}") for number in range(EACH)]
    mails, schedules = tmp_path / "mails", [tmp_path / "clock-1", tmp_path / "clock-2"]
    mails.mkdir()
    with sandbox(Mood(), seed=3) as gateway:
        processes.environment |= {
            "PAYOUT_GATEWAY_URL": gateway.url,
            "PAYOUT_RETRY_SECONDS": "1",
            "OPERATION_RECOVERY_SECONDS": "1",
            "EMAIL_URL": f"filemail:///{mails}",
        }
        workers = [processes.hands(name) for name in ("one", "two")]
        clocks = [processes.clock(schedule) for schedule in schedules]
        processes.until(lambda: all_exist(schedules), what="two clocks", seconds=180)
        both_have_ticked = time.monotonic() + LONGEST_INTERVAL_SECONDS
        leave_work_for_the_clock(wallets)
        processes.until(
            lambda: not left() and time.monotonic() > both_have_ticked,
            what="all work",
            seconds=180,
        )
        assert [one.poll() for one in (*workers, *clocks)] == [None] * 4
        for one in (*clocks, *workers):
            one.terminate()
        for one in (*clocks, *workers):
            one.wait(30)
        decided = dict(gateway.ledger.decided)
    connections.close_all()  # as the server has done with those that lay idle

    for schedule in schedules:
        seen = ticks(schedule)
        assert all(seen[name] > 0 for name in TICKS), seen
    assert len(decided) == EACH
    assert Counter(Payout.objects.values_list("status", flat=True)) == {"PAID": EACH}
    assert JournalEntry.objects.filter(kind="withdrawal").count() == EACH
    released = told(*(wallet.id for wallet in wallets))
    assert Counter(one.type for one in released)["wallet.released.v1"] == EACH
    rows = set(Wallet.objects.using(PRIMARY).values_list("balance", "held"))
    assert rows == {(FUNDS - DRAWN - PAID, 0)}
    sent = [path.read_text() for path in mails.iterdir()]
    assert sum(text.count("\nMessage-ID: ") for text in sent) == Notification.objects.count()
    assert Notification.objects.count() == EACH
    facts = told_by_topic(settings.KAFKA_TOPIC_FACTS)
    assert not jumps(facts)
    assert set(facts) == {wallet.id for wallet in wallets}
    assert verification.verify().findings == []
