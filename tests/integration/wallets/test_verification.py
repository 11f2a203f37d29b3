"""The proof of the ledger finds what is wrong: each invariant is broken on purpose."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import F

from events import marking
from events.models import OutboxEvent, OutboxStatus
from ledger.models import Account, JournalEntry, Posting
from tests import databases
from tests.people import asks, fund
from wallet_project.kit.ids import uuid7
from wallets import queries, verification
from wallets.identity import WalletIdentity
from wallets.models import Refusal, Wallet
from wallets.operations.transfer import transfer


@pytest.fixture(autouse=True)
def sound_books(alice: WalletIdentity, bob: WalletIdentity) -> None:
    for _ in range(3):
        fund(alice, 1000)
    transfer(source=alice, destination=bob, request=asks(500, wallet=alice))
    report = verification.verify(batch_size=2)
    assert report.findings == []
    assert (report.wallets, report.entries) == (2, 4)


def found() -> set[str]:
    return {finding.invariant for finding in verification.verify(batch_size=2).findings}


def event_of(stream: UUID, *, sequence: int, entry: UUID | None = None) -> dict[str, Any]:
    """Make the columns of an event that nothing recorded."""
    return {
        "event_id": uuid7(),
        "shard": 0,
        "client": 1,
        "entry": entry,
        "topic": "t",
        "stream": stream,
        "sequence": sequence,
        "type": "wallet.deposited.v1",
        "payload": b"{}",
        "occurred_at": queries.primary_clock(),
    }


def test_a_balance_that_is_not_the_sum_of_its_postings(alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(balance=1)

    assert found() == {"I2"}


def test_a_posting_count_that_is_wrong(alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(posting_sequence=99)

    assert found() == {"I3"}


def test_a_line_too_many_in_an_entry() -> None:
    entry = JournalEntry.objects.order_by("pk").values_list("pk", flat=True)[0]
    house = Account.objects.get(normal_side="debit").pk
    Posting.objects.create(
        entry_id=entry, account_id=house, amount=1, posted_at=queries.primary_clock()
    )

    assert found() == {"I1"}


def test_a_posting_without_an_entry(alice: WalletIdentity) -> None:
    house = Account.objects.get(normal_side="debit").pk
    Posting.objects.create(
        entry_id=uuid7(), account_id=house, amount=0, posted_at=queries.primary_clock()
    )

    assert found() == {"I1"}


def test_a_posting_that_does_not_follow(alice: WalletIdentity) -> None:
    entry = JournalEntry.objects.order_by("pk").values_list("pk", flat=True)[0]
    Posting.objects.create(
        entry_id=entry,
        account_id=alice.id,
        amount=0,
        balance_after=77,
        sequence=5,
        version=6,
        posted_at=queries.primary_clock(),
    )

    assert found() == {"I1", "I2", "I3", "I6"} - {"I1"}


def test_a_balance_below_the_floor(alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(overdraft_limit=600)
    before = queries.wallet(alice).available
    transfer_all = asks(before, wallet=alice)
    other = Wallet.objects.exclude(pk=alice.id).get()
    transfer(
        source=alice,
        destination=WalletIdentity(other.pk, alice.client, alice.client_name, "USD"),
        request=transfer_all,
    )
    with connections["default"].cursor() as cursor:
        # MySQL 8.0.15, which the tests run on, reads a CHECK and ignores it.
        if connections["default"].vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints=ON")
        elif databases.is_mariadb():
            cursor.execute("SET SESSION check_constraint_checks = OFF")
        cursor.execute("UPDATE wallets_wallet SET overdraft_limit = 0")
        if connections["default"].vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints=OFF")
        elif databases.is_mariadb():
            cursor.execute("SET SESSION check_constraint_checks = ON")

    assert found() == {"I5"}


def test_a_movement_that_was_never_told(alice: WalletIdentity) -> None:
    OutboxEvent.objects.filter(stream=alice.id, sequence=3).delete()

    assert found() == {"I6", "I8"}


def test_an_event_of_a_movement_that_never_was(bob: WalletIdentity) -> None:
    OutboxEvent.objects.create(**event_of(bob.id, sequence=3, entry=uuid7()))

    assert found() == {"I6", "I8"}


def test_an_event_of_another_time_than_its_movement(alice: WalletIdentity) -> None:
    rows = OutboxEvent.objects.filter(stream=alice.id, sequence=3)
    rows.update(occurred_at=F("occurred_at") + timedelta(seconds=1))

    assert found() == {"I6"}


def test_a_step_of_the_version_that_was_never_told(alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(version=F("version") + 1)

    assert found() == {"I8"}


def test_the_first_event_of_a_wallet_is_gone(alice: WalletIdentity) -> None:
    OutboxEvent.objects.filter(stream=alice.id, sequence=1).delete()

    assert found() == {"I8"}


def test_an_event_about_no_wallet() -> None:
    OutboxEvent.objects.create(**event_of(uuid7(), sequence=1))

    assert found() == {"I8"}


class TestPublished:
    """Every event of the books has left."""

    @pytest.fixture(autouse=True)
    def _published(self, sound_books: None) -> None:
        marking.mark_published(
            list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))
        )
        assert found() == set()

    @pytest.mark.parametrize("column", ["position", "published_at"])
    def test_without_a_mark(self, column: str, alice: WalletIdentity) -> None:
        OutboxEvent.objects.filter(stream=alice.id, sequence=2).update(**{column: None})

        assert found() == {"I9"}

    def test_marked_and_still_waiting(self, alice: WalletIdentity) -> None:
        OutboxEvent.objects.filter(stream=alice.id, sequence=2).update(status=OutboxStatus.PENDING)

        assert found() == {"I9"}

    def test_before_its_fact(self, alice: WalletIdentity) -> None:
        rows = OutboxEvent.objects.filter(stream=alice.id, sequence=2)
        rows.update(published_at=F("occurred_at") - timedelta(seconds=6))
        # An entry's event has the entry's time, so a time of its own is found as well.
        assert found() == {"I9"}

    def test_a_clock_of_a_new_primary_that_lies_a_little_behind_is_no_lie(
        self, alice: WalletIdentity
    ) -> None:
        rows = OutboxEvent.objects.filter(stream=alice.id, sequence=2)
        rows.update(published_at=F("occurred_at") - timedelta(seconds=4))

        assert found() == set()


def test_a_key_that_was_refused_and_yet_paid(alice: WalletIdentity) -> None:
    paid = JournalEntry.objects.values_list("idempotency_key", "request_hash")[0]
    Refusal.objects.create(
        idempotency_key=paid[0],
        request_hash=paid[1],
        client=alice.client,
        code="insufficient_funds",
        numbers={},
        created_at=queries.primary_clock(),
    )

    assert found() == {"I10"}


class TestCommand:
    def test_ends_with_0_and_a_sentence_when_all_is_sound(self) -> None:
        out = StringIO()

        call_command("verify_ledger", stdout=out, stderr=StringIO())

        assert out.getvalue() == "2 wallets, 4 journal entries, 0 seals: sound.\n"

    def test_ends_with_2_and_says_what_it_found(self, alice: WalletIdentity) -> None:
        Wallet.objects.filter(pk=alice.id).update(balance=1)
        out = StringIO()

        with pytest.raises(SystemExit) as end:
            call_command("verify_ledger", "--json", stdout=out, stderr=StringIO())

        report = json.loads(out.getvalue())
        assert end.value.code == 2
        assert report["isSound"] is False
        assert report["findings"][0]["invariant"] == "I2"
        assert report["findings"][0]["subject"] == str(alice.id)
