"""A movement is cut in two at the worst moments: it is there whole, or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connections, transaction
from prometheus_client import REGISTRY

from events.models import OutboxEvent
from ledger.models import JournalEntry
from tests import databases, outages
from tests.people import Company, asks, balance, books_now, fund, wallet_of
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets import idempotency, verification
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations import _movement, deposit
from wallets.operations._commands import MovementCommand

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

ROOT = Path(__file__).resolve().parents[2]
KEY = "the-only-key"


def die(point: str, company: Company, name: str) -> str:
    """Let a process move 7.00 onto a wallet and die; return the transaction it was told of."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.stress.dying_worker", point, str(company.id), name],
        cwd=ROOT,
        env=databases.environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


def test_an_entry_whose_events_were_not_written_is_not_in_the_books(
    client_acme: Company, alice: WalletIdentity
) -> None:
    before = books_now()

    assert die("before-events", client_acme, "alice") == ""

    assert books_now() == before, "I6: money moved, and nobody will ever hear of it."
    outcome = _movement.execute([_deposit(alice)])[0]
    assert (outcome.error, outcome.replayed, balance(alice)) == (None, False, 700)
    assert verification.verify().findings == []


def test_what_was_told_is_in_the_books_when_the_teller_is_gone(
    client_acme: Company, alice: WalletIdentity
) -> None:
    told = die("after-answer", client_acme, "alice")

    assert told
    assert JournalEntry.objects.filter(pk=UUID(told)).exists(), "I11: it was told, and is lost."
    assert OutboxEvent.objects.filter(entry=UUID(told)).count() == 1
    outcome = _movement.execute([_deposit(alice)])[0]
    assert outcome.record is not None
    assert (str(outcome.record.transaction_id), outcome.replayed) == (told, True)
    assert balance(alice) == 700
    assert verification.verify().findings == []


def test_a_deadlock_behind_the_first_written_row_is_nobodys_business(
    client_acme: Company, alice: WalletIdentity
) -> None:
    """The database has undone the balance by then: whoever goes on commits half a movement."""
    crowd = [wallet_of(client_acme, f"w{number}") for number in range(30)]
    before = _retries()
    inserted = threading.Event()
    rival = threading.Thread(target=_hold_key_then_ask_for_wallet, args=(alice, crowd, inserted))
    rival.start()
    assert inserted.wait(10)

    outcome = _movement.execute([_deposit(alice)])[0]
    rival.join(20)

    assert outcome.error is None
    assert outcome.record is not None
    entry = JournalEntry.objects.filter(pk=outcome.record.transaction_id)
    assert entry.exists(), "I11: it was told, and the deadlock has undone it."
    assert balance(alice) == 700
    assert _retries() > before, "There was no deadlock, or nobody counted it."
    assert verification.verify().findings == []


def test_a_repeat_is_known_while_the_replica_learns_nothing(alice: WalletIdentity) -> None:
    fund(alice, 100)
    with outages.replication_stopped():
        first = _movement.execute([_deposit(alice)])[0]
        started = time.monotonic()
        again = _movement.execute([_deposit(alice)])[0]
        took = time.monotonic() - started

    assert (first.error, first.replayed) == (None, False)
    assert (again.error, again.replayed, again.record) == (None, True, first.record)
    assert took < 1, "The unique index had to say what the look-up should have known."
    assert balance(alice) == 800
    assert verification.verify().findings == []


def _deposit(wallet: WalletIdentity) -> MovementCommand:
    return deposit.command(wallet=wallet, request=asks(700, wallet=wallet, key=KEY))


def _retries() -> float:
    total = 0.0
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.labels.get("operation") == "movements":
                total += sample.value
    return total


def _hold_key_then_ask_for_wallet(
    wallet: WalletIdentity, crowd: list[WalletIdentity], inserted: threading.Event
) -> None:
    """Insert an entry with the key, wait until the other waits for it, then want his wallet.

    The database gives up the transaction that has written less, which is the other one.
    """
    moment = datetime.now(UTC)
    entry = JournalEntry(
        id=uuid7(),
        kind="deposit",
        idempotency_key=idempotency.from_header(wallet.client, KEY).digest,
        request_hash=b"x" * 32,
        client=wallet.client,
        actor="key:test",
        channel="default",
        posted_at=moment,
        value_date=moment.date(),
    )
    wallets = Wallet.objects.using(PRIMARY)
    with transaction.atomic(using=PRIMARY):
        wallets.filter(pk__in=[one.id for one in crowd]).update(user_id="rival")
        JournalEntry.objects.using(PRIMARY).bulk_create([entry])
        inserted.set()
        _wait_for_a_waiter()
        wallets.filter(pk=wallet.id).update(user_id="rival")
        transaction.set_rollback(True, using=PRIMARY)
    connections[PRIMARY].close()


def _wait_for_a_waiter() -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
            )
            if cursor.fetchone()[0]:
                break
        time.sleep(0.2)  # asked more often than ten times a second, the view is never renewed
    connections["owner"].close()
