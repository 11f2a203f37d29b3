"""The proof of what came after a position finds there what the proof of everything would find."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F

from events.models import OutboxEvent
from ledger import proofs, sealing, settled
from ledger.models import Account, JournalEntry, LedgerProof, Posting, Seal
from tests import tampering
from tests.people import asks, fund
from wallet_project.kit.ids import uuid7
from wallets import auditing, queries, seal_heads, verification
from wallets.identity import WalletIdentity
from wallets.models import Refusal, Wallet
from wallets.operations.transfer import transfer
from wallets.verification.report import Report
from wallets.verification.seals import check_seals
from wallets.verification.since import check_since


@pytest.fixture(autouse=True)
def old(alice: WalletIdentity, bob: WalletIdentity) -> int:
    """Make movements, a mark, and movements after it; return the mark."""
    for _ in range(3):
        fund(alice, 1000)
    mark = settled.end_of_books()
    transfer(source=alice, destination=bob, request=asks(500, wallet=alice))
    fund(bob, 100)
    report = look(mark, batch_size=1)
    assert report.findings == []
    assert (report.wallets, report.entries) == (2, 2)
    return mark


def look(since: int, batch_size: int = 500) -> Report:
    report = Report(since=since)
    check_since(since, report, batch_size=batch_size, progress=None)
    return report


def found(since: int) -> set[str]:
    """Name the invariants that do not hold after a position."""
    return {finding.invariant for finding in look(since).findings}


def last_posting_of(wallet: WalletIdentity) -> Posting:
    found: Posting = Posting.objects.filter(account_id=wallet.id).latest("pk")
    return found


def test_all_that_is_well_is_well_from_anywhere() -> None:
    for mark in range(settled.end_of_books() - 11, settled.end_of_books() + 2):
        for size in (1, 2, 500):
            assert look(mark, size).findings == [], (mark, size)


def test_a_balance_that_is_not_the_last_postings(old: int, alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(balance=1)

    assert found(old) == {"I2"}


def test_what_nothing_has_touched_since_is_left_out(old: int, bob: WalletIdentity) -> None:
    Wallet.objects.filter(pk=bob.id).update(balance=1)

    assert found(settled.end_of_books()) == set()


def test_a_wrong_count_of_postings(old: int, alice: WalletIdentity) -> None:
    Wallet.objects.filter(pk=alice.id).update(posting_sequence=3)

    assert found(old) == {"I3"}


def test_a_line_too_many(old: int) -> None:
    house = Account.objects.get(normal_side="debit").pk
    entry = last_entry()
    Posting.objects.create(
        entry_id=entry, account_id=house, amount=1, posted_at=queries.primary_clock()
    )

    assert found(old) == {"I1"}


def last_entry() -> UUID:
    found: UUID = JournalEntry.objects.order_by("-posted_at").values_list("pk", flat=True)[0]
    return found


def test_postings_of_no_entry(old: int) -> None:
    house = Account.objects.get(normal_side="debit").pk
    Posting.objects.create(
        entry_id=uuid7(), account_id=house, amount=0, posted_at=queries.primary_clock()
    )

    assert found(old) == {"I1"}


@pytest.mark.parametrize(
    ("change", "invariants"),
    [
        ("balance_after = balance_after + 1", {"I2", "I3"}),
        ("sequence = sequence + 1", {"I3"}),
        ("posted_at = '2001-01-01 00:00:00'", {"I3", "I6"}),
        ("version = version + 1", {"I3", "I6"}),
    ],
)
def test_a_posting_that_does_not_follow(
    old: int, bob: WalletIdentity, change: str, invariants: set[str]
) -> None:
    id_ = last_posting_of(bob).pk
    tampering.by_hand(f"UPDATE ledger_posting SET {change} WHERE id = %(id)s", id=id_)

    assert found(old) == invariants


def test_an_amount_changed_on_both_sides(old: int, bob: WalletIdentity) -> None:
    """The entry sums to zero, and Bob's chain does not hold."""
    entry = last_posting_of(bob).entry_id
    tampering.by_hand(
        "UPDATE ledger_posting SET amount = amount * 2 WHERE entry_id = %(id)s", id=entry.bytes
    )

    assert "I3" in found(old)


def test_a_movement_that_was_never_told(old: int, bob: WalletIdentity) -> None:
    OutboxEvent.objects.filter(stream=bob.id, sequence=last_posting_of(bob).version).delete()

    assert found(old) == {"I6", "I8"}


def test_an_event_of_another_time(old: int, bob: WalletIdentity) -> None:
    rows = OutboxEvent.objects.filter(stream=bob.id, sequence=last_posting_of(bob).version)
    rows.update(occurred_at=F("occurred_at") + timedelta(seconds=1))

    assert found(old) == {"I6"}


def test_a_balance_that_was_below_the_floor(old: int, alice: WalletIdentity) -> None:
    id_ = last_posting_of(alice).pk
    tampering.by_hand(
        "UPDATE ledger_posting SET balance_after = -1, amount = -3001 WHERE id = %(id)s", id=id_
    )

    assert {"I1", "I2", "I5"} <= found(old)


def test_a_key_that_was_refused_and_yet_paid(old: int, alice: WalletIdentity) -> None:
    paid = JournalEntry.objects.get(pk=last_entry())
    Refusal.objects.create(
        idempotency_key=paid.idempotency_key,
        request_hash=paid.request_hash,
        client=alice.client,
        code="insufficient_funds",
        numbers={},
        created_at=queries.primary_clock(),
    )

    assert found(old) == {"I10"}


class TestSeals:
    """I4, as the proof of the service sees it."""

    @pytest.fixture(autouse=True)
    def _sealed(self, old: int) -> None:
        sealing.seal(upto=settled.end_of_books(), size=4, tell=seal_heads.tell)
        assert Seal.objects.count() == 3

    def i4(self, after: int = 0) -> set[str]:
        report = Report()
        check_seals(report, after=after, kept=(), progress=None)
        assert {finding.invariant for finding in report.findings} <= {"I4"}
        return {finding.subject for finding in report.findings}

    def test_seals_before_the_last_proof_are_looked_at_when_it_goes_deep(
        self, old: int, bob: WalletIdentity
    ) -> None:
        proofs.note("command:verify_ledger", upto=settled.end_of_books(), findings=0, seconds=1)
        first = JournalEntry.objects.order_by("posted_at").values_list("pk", flat=True)[0]
        tampering.by_hand(
            "UPDATE ledger_journalentry SET reference = 'other' WHERE id = %(id)s", id=first.bytes
        )

        assert self.i4(proofs.sound_upto() or 0) == set()
        report = verification.verify(deep=True)
        assert {finding.invariant for finding in report.findings} == {"I4"}
        assert report.seals == 3

    def test_the_newest_seal_is_removed_and_its_head_was_told(self) -> None:
        tampering.by_hand("DELETE FROM ledger_seal WHERE number = 3")

        assert self.i4() == {"seal 3"}

    def test_the_newest_seal_is_removed_and_its_head_was_kept(self, tmp_path: Path) -> None:
        file, out = tmp_path / "heads.jsonl", StringIO()
        with file.open("w") as kept:
            call_command("seal_ledger", "--heads", stdout=kept)
        OutboxEvent.objects.filter(stream=seal_heads.STREAM).delete()
        tampering.by_hand("DELETE FROM ledger_seal WHERE number = 3")
        assert self.i4() == set()

        with pytest.raises(SystemExit) as end:
            call_command("verify_ledger", heads=file, stdout=out, stderr=StringIO())

        assert end.value.code == 2
        assert out.getvalue().startswith("I4 seal 3: its head was told, and it does not exist")


class TestCommand:
    """What a run keeps, and from where the next one goes on."""

    @pytest.fixture(autouse=True)
    def _sealed(self, old: int) -> None:
        sealing.seal(upto=settled.end_of_books(), tell=seal_heads.tell)

    def run(self, *arguments: str) -> dict[str, object]:
        out = StringIO()
        call_command("verify_ledger", "--json", *arguments, stdout=out, stderr=StringIO())
        found: dict[str, object] = json.loads(out.getvalue())
        return found

    def test_goes_on_after_the_last_proof(self, alice: WalletIdentity) -> None:
        end = settled.end_of_books()
        assert self.run()["since"] is None
        assert self.run("--since=auto")["since"] == end
        fund(alice, 1)

        report = self.run("--since", "auto")

        assert (report["since"], report["wallets"], report["seals"]) == (end, 1, 0)
        assert [p.upto for p in LedgerProof.objects.order_by("pk")] == [end] * 3

    def test_a_dry_run_keeps_nothing(self) -> None:
        self.run("--dry-run")

        assert not LedgerProof.objects.exists()

    def test_a_proof_that_leaves_something_out_is_none(self) -> None:
        self.run("--since=3")

        assert not LedgerProof.objects.exists()

    def test_goes_on_before_what_was_found(self, alice: WalletIdentity) -> None:
        self.run()
        fund(alice, 1)
        Wallet.objects.filter(pk=alice.id).update(balance=1)

        for _ in range(2):
            with pytest.raises(SystemExit):
                self.run("--since=auto")

        assert list(LedgerProof.objects.order_by("pk").values_list("sound", flat=True)) == [
            True,
            False,
            False,
        ]

    def test_what_was_found_is_found_again_however_sound_the_auditor_finds_the_wallets(
        self, old: int, alice: WalletIdentity
    ) -> None:
        self.run()
        first = JournalEntry.objects.order_by("posted_at").values_list("pk", flat=True)[0]
        tampering.by_hand(
            "UPDATE ledger_journalentry SET reference = 'other' WHERE id = %(id)s", id=first.bytes
        )
        with pytest.raises(SystemExit):
            self.run("--deep")

        for _ in range(2):
            auditing.audit()
            with pytest.raises(SystemExit) as end:
                self.run("--since=auto")
            assert end.value.code == 2

        provers = LedgerProof.objects.order_by("pk").values_list("prover", "sound")
        full, auditor = "command:verify_ledger", "task:auditor"
        assert list(provers) == [
            (full, True),
            (full, False),
            *[(auditor, True), (full, False)] * 2,
        ]

    def test_the_auditor_alone_proves_nothing_to_build_upon(self) -> None:
        auditing.audit()

        assert proofs.sound_upto() is None
        assert self.run("--since=auto")["since"] is None

    def test_a_whole_proof_that_is_sound_again_is_built_upon(self, alice: WalletIdentity) -> None:
        end, balance = settled.end_of_books(), Wallet.objects.get(pk=alice.id).balance
        Wallet.objects.filter(pk=alice.id).update(balance=1)
        with pytest.raises(SystemExit):
            self.run()
        Wallet.objects.filter(pk=alice.id).update(balance=balance)

        assert self.run("--since=0")["since"] == 0
        assert proofs.sound_upto() is None, "it leaves wallets out that nobody posted to"
        assert self.run("--since=auto")["since"] is None
        assert self.run("--since=auto")["since"] == end

    def test_a_position_is_a_number(self) -> None:
        with pytest.raises(CommandError):
            self.run("--since=yesterday")
