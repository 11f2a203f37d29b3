"""The proof of the ledger finds what is wrong: each invariant is broken on purpose."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections

from events.models import OutboxEvent
from ledger.models import Account, JournalEntry, Posting
from tests import databases
from tests.people import asks, fund
from wallet_project.kit.ids import uuid7
from wallets import queries, verification
from wallets.identity import WalletIdentity
from wallets.models import Wallet
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

    assert found() == {"I6"}


def test_an_event_of_a_movement_that_never_was(bob: WalletIdentity) -> None:
    OutboxEvent.objects.create(
        event_id=uuid7(),
        shard=0,
        client=bob.client,
        entry=uuid7(),
        topic="t",
        stream=bob.id,
        sequence=3,
        type="wallet.deposited.v1",
        payload=b"{}",
        occurred_at=queries.primary_clock(),
    )

    assert found() == {"I6"}


class TestCommand:
    def test_ends_with_0_and_a_sentence_when_all_is_sound(self) -> None:
        out = StringIO()

        call_command("verify_ledger", stdout=out, stderr=StringIO())

        assert out.getvalue() == "2 wallets, 4 journal entries: sound.\n"

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
