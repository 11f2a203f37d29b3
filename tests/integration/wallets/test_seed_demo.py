"""A made-up history is told by the ordinary write path, with times that lie in the past."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from events.models import OutboxEvent
from ledger.models import JournalEntry, Posting
from tests.people import Company, books_now, wallet_of
from wallet_project.kit import clock
from wallets import verification
from wallets.management.demo.past import told_at
from wallets.management.demo.story import Story
from wallets.models import Client, Hold, Payout, Refusal, Wallet
from wallets.queries import primary_clock


@pytest.fixture
def told(database: None) -> dict[str, Any]:
    out = StringIO()
    call_command("seed_demo", days=20, wallets=60, json=True, stdout=out, stderr=StringIO())
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_the_books_are_sound_and_tell_of_the_past(told: dict[str, Any]) -> None:
    assert told["wallets"] == Wallet.objects.count() == 60
    assert told["movements"]["deposit"] > 60
    assert {"transfer", "withdraw", "hold", "capture", "void", "payout"} <= told["movements"].keys()
    assert set(Wallet.objects.values_list("currency", flat=True)) == {"USD", "EUR", "JPY", "KWD"}
    assert Refusal.objects.exists()
    assert Hold.objects.exists()
    assert Payout.objects.filter(status="PAID").exists()
    assert Wallet.objects.get(status="FROZEN").pk.hex == told["frozen"].replace("-", "")
    assert JournalEntry.objects.filter(description__startswith="Refund of order").exists()

    report = verification.verify()
    assert report.is_sound, report.findings

    first = Posting.objects.order_by("posted_at").first()
    assert first is not None
    assert first.posted_at < clock.now() - timedelta(days=18)
    assert OutboxEvent.objects.filter(occurred_at__lt=clock.now() - timedelta(days=18)).exists()


def test_nothing_is_told_twice(told: dict[str, Any]) -> None:
    before = books_now()

    with pytest.raises(CommandError, match="A story is told once"):
        call_command("seed_demo", this_is_no_production=True, stderr=StringIO())

    assert books_now() == before
    assert Client.objects.count() == 1


def test_where_money_is_kept_it_asks_whether_that_is_meant(client_acme: Company) -> None:
    wallet_of(client_acme, "alice")
    before = books_now()

    with pytest.raises(CommandError, match="this-is-no-production"):
        call_command("seed_demo", stderr=StringIO())

    assert books_now() == before
    assert not Client.objects.filter(name="sample").exists()


def test_the_same_seed_tells_the_same_story() -> None:
    ends_at = clock.now()
    first, second, other = (
        list(Story(seed=seed, days=5, wallets=40, ends_at=ends_at).moments()) for seed in (7, 7, 8)
    )
    assert first == second
    assert first != other


def test_the_clock_goes_on_after_the_past_was_told(database: None) -> None:
    long_ago = clock.now() - timedelta(days=300)
    with told_at(long_ago):
        assert abs(primary_clock() - long_ago) < timedelta(seconds=1)

    assert abs(primary_clock() - clock.now()) < timedelta(seconds=60)
