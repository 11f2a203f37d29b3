"""Whoever changes the sealed books by hand, with every right and no trigger left, is found out.

By the proof inside the service, and by a file that runs anywhere, with heads from before.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

from ledger import exporting, offline_verifier, seal_verification, sealing, settled
from ledger.models import JournalEntry, Posting, Seal
from tests import databases, tampering
from tests.people import asks, fund
from wallet_project.kit.ids import uuid7
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer


@pytest.fixture(autouse=True)
def sealed_books(alice: WalletIdentity, bob: WalletIdentity, tmp_path: Path) -> None:
    """Three seals of eight postings; their heads are kept outside."""
    for amount in (1000, 2000, 3000, 4000):
        fund(alice, amount)
    deposit(
        wallet=alice,
        request=asks(5000, wallet=alice, description="Birthday", metadata={"from": "Bob"}),
    )
    leave_a_gap()
    for amount in (500, 600, 700, 800, 900, 1000, 1100):
        transfer(source=alice, destination=bob, request=asks(amount, wallet=alice))
    sealing.seal(upto=settled.end_of_books(), size=8, tell=lambda head: None)
    assert [one.postings for one in Seal.objects.order_by("pk")] == [8, 8, 8]
    keep_heads(tmp_path / "heads.jsonl")
    assert (inside(), *outside(tmp_path)) == ("", 0, "Seals 1 to 3, 24 postings: all hold.\n")


def leave_a_gap() -> None:
    """Use up some ids of postings, as a transaction does that is rolled back."""
    last = settled.end_of_books()
    with connections[databases.owner()].cursor() as cursor:
        if databases.is_mysql():
            cursor.execute(f"ALTER TABLE ledger_posting AUTO_INCREMENT = {last + 10}")
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = seq + 9 WHERE name = 'ledger_posting'")


def keep_heads(file: Path) -> None:
    with file.open("w") as kept:
        call_command("seal_ledger", "--heads", stdout=kept)


def inside() -> str:
    """Say what the proof inside the service finds."""
    findings = seal_verification.check().findings
    return "".join(f"seal {one.seal}: {one.detail}.\n" for one in findings)


def outside(
    folder: Path, *options: str, heads: str = "heads.jsonl", export: bool = True
) -> tuple[int, str]:
    """Run a copy of the verifier where neither Django nor the project can be imported."""
    if export:
        call_command(
            "export_ledger",
            out=folder / "export",
            batch_size=8,
            stdout=StringIO(),
            stderr=StringIO(),
        )
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    program = shutil.copy(offline_verifier.__file__, elsewhere / "verifier.py")
    ended = subprocess.run(
        [sys.executable, "-I", "-S", program, folder / "export", folder / heads, *options],
        cwd=elsewhere,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode, ended.stdout + ended.stderr


def posting(number: int) -> int:
    return int(Posting.objects.order_by("pk").values_list("pk", flat=True)[number])


def assert_named(folder: Path, *names: str, seal: int) -> None:
    """Both name the seal and these things; the one outside ends with 2."""
    told = inside()
    code, told_outside = outside(folder)
    assert code == 2
    for name in (f"seal {seal}: its hash does not fit", *names):
        assert name in told
        assert name in told_outside


def test_an_amount_is_changed(tmp_path: Path) -> None:
    tampering.by_hand(
        "UPDATE ledger_posting SET amount = amount + 1 WHERE id = %(id)s", id=posting(9)
    )

    assert_named(tmp_path, f"posting {posting(9)}, its entry or its account was changed", seal=2)
    assert "lines sum to 1, not to zero" in outside(tmp_path)[1]


def test_a_posting_is_removed(tmp_path: Path) -> None:
    before, gone = posting(4), posting(5)
    tampering.by_hand("DELETE FROM ledger_posting WHERE id = %(id)s", id=gone)

    assert_named(
        tmp_path,
        f"a posting after {before} was removed",
        "it counted postings 8, found are 7",
        seal=1,
    )


def test_the_amounts_of_two_postings_are_swapped(tmp_path: Path) -> None:
    """Alice's sums stay the same, and the house's."""
    first, second = posting(0), posting(2)
    amounts = dict(Posting.objects.filter(pk__in=[first, second]).values_list("pk", "amount"))
    tampering.by_hand(
        "UPDATE ledger_posting SET amount = CASE id WHEN %(first)s THEN %(b)s ELSE %(a)s END "
        "WHERE id IN (%(first)s, %(second)s)",
        first=first,
        second=second,
        a=amounts[first],
        b=amounts[second],
    )

    assert_named(
        tmp_path,
        f"posting {first}, its entry or its account was changed",
        f"posting {second}, its entry or its account was changed",
        seal=1,
    )


def test_the_reference_of_an_entry_is_changed(tmp_path: Path) -> None:
    entry = Posting.objects.get(pk=posting(16)).entry_id
    tampering.by_hand(
        "UPDATE ledger_journalentry SET reference = 'other' WHERE id = %(id)s", id=entry.bytes
    )

    assert_named(tmp_path, f"posting {posting(16)}, its entry or its account was changed", seal=3)


def test_the_time_of_a_posting_is_changed(tmp_path: Path) -> None:
    old = Posting.objects.get(pk=posting(3)).posted_at
    moved = (old - timedelta(days=31)).replace(tzinfo=None)
    tampering.by_hand(
        "UPDATE ledger_posting SET posted_at = %(at)s WHERE id = %(id)s",
        id=posting(3),
        at=str(moved),
    )

    assert_named(tmp_path, f"posting {posting(3)}, its entry or its account was changed", seal=1)


def test_the_currency_of_an_account_is_changed(tmp_path: Path, bob: WalletIdentity) -> None:
    tampering.by_hand(
        "UPDATE ledger_account SET currency = 'EUR' WHERE id = %(id)s", id=bob.id.bytes
    )

    assert_named(tmp_path, "it counted totals {'USD': ", seal=3)


def test_a_balanced_entry_is_forged_into_a_sealed_range(
    tmp_path: Path, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    """Where a transaction that was rolled back has left ids that nobody has."""
    forged, free = uuid7(), posting(9) + 1
    copied = "kind, request_hash, client, actor, reference, channel, posted_at, value_date"
    tampering.by_hand(
        f"INSERT INTO ledger_journalentry (id, idempotency_key, {copied}) "
        f"SELECT %(id)s, %(key)s, {copied} FROM ledger_journalentry LIMIT 1",
        "INSERT INTO ledger_posting (id, entry_id, account_id, amount, posted_at) SELECT "
        "%(free)s, %(id)s, %(bob)s, 100000, posted_at FROM ledger_journalentry WHERE id = %(id)s",
        "INSERT INTO ledger_posting (id, entry_id, account_id, amount, posted_at) SELECT "
        "%(free)s + 1, %(id)s, %(alice)s, -100000, posted_at FROM ledger_journalentry "
        "WHERE id = %(id)s",
        id=forged.bytes,
        key=b"k" * 32,
        free=free,
        bob=bob.id.bytes,
        alice=alice.id.bytes,
    )

    assert_named(
        tmp_path,
        f"posting {free} was added, or changed",
        "it counted postings 8, found are 10",
        seal=2,
    )


def test_the_newest_seal_is_removed(tmp_path: Path) -> None:
    kept = [json.loads(line) for line in (tmp_path / "heads.jsonl").read_text().splitlines()]
    tampering.by_hand("DELETE FROM ledger_seal WHERE number = 3")

    (finding,) = seal_verification.check_against(kept)
    assert (finding.seal, finding.detail) == (
        3,
        "its head was told, and it does not exist: it was removed",
    )
    code, told = outside(tmp_path)
    assert code == 2
    assert "seal 3: its head was kept outside and it is not in the export: it was removed" in told


def test_a_seal_in_the_middle_is_removed(tmp_path: Path) -> None:
    tampering.by_hand("DELETE FROM ledger_seal WHERE number = 2")

    assert "seal 3: seal 2 is missing before it." in inside()
    code, told = outside(tmp_path)
    assert code == 2
    assert "seal 3: seal 2 was expected here" in told


def test_everything_is_sealed_again_after_a_change(tmp_path: Path) -> None:
    """Inside nothing can be seen any more. This is what heads outside are for."""
    kept = [json.loads(line) for line in (tmp_path / "heads.jsonl").read_text().splitlines()]
    tampering.by_hand("UPDATE ledger_posting SET amount = 1 WHERE id = %(id)s", id=posting(0))
    tampering.forget_seals()
    sealing.seal(upto=settled.end_of_books(), size=8, tell=lambda head: None)

    assert inside() == ""
    assert [one.seal for one in seal_verification.check_against(kept)] == [1, 2, 3]
    code, told = outside(tmp_path)
    assert code == 2
    assert "seal 1: it is not the seal whose head was kept outside: it was made again" in told
    assert "seal 1: nor do the postings found make the hash of the head kept outside" in told


def test_an_erased_note_is_no_tampering(tmp_path: Path) -> None:
    noted = JournalEntry.objects.exclude(description=None)
    assert noted.count() == 1
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "UPDATE ledger_journalentry SET description = NULL, metadata = NULL, note_salt = NULL"
        )

    assert noted.count() == 0
    assert inside() == ""
    assert outside(tmp_path)[0] == 0


class TestExport:
    def test_holds_no_personal_text(self, tmp_path: Path) -> None:
        written = [
            gzip.decompress(file.read_bytes()) for file in (tmp_path / "export").glob("*.gz")
        ]

        assert len(written) == 4
        assert not any(b"Birthday" in lines for lines in written)

    def test_of_later_seals_only(self, tmp_path: Path) -> None:
        exporting.export(tmp_path / "export", since_seal=1)

        code, told = outside(tmp_path, "--since-seal=1", export=False)
        assert (code, told) == (0, "Seals 2 to 3, 16 postings: all hold.\n")

    def test_of_later_seals_is_refused_where_nobody_asked_for_one(self, tmp_path: Path) -> None:
        exporting.export(tmp_path / "export", since_seal=3)

        for options in ((), ("--since-seal=2",)):
            code, told = outside(tmp_path, *options, export=False)
            assert code == 1
            assert "Nothing is proven: It begins after seal 3" in told

    def test_of_later_seals_needs_the_head_before_them(self, tmp_path: Path) -> None:
        exporting.export(tmp_path / "export", since_seal=1)
        later = (tmp_path / "heads.jsonl").read_text().splitlines()[1:]
        (tmp_path / "later.jsonl").write_text("\n".join(later))

        code, told = outside(tmp_path, "--since-seal=1", heads="later.jsonl", export=False)

        assert (code, told) == (1, "Nothing is proven: No head of seal 1 was given.\n")

    def test_without_any_seal_proves_nothing(self, tmp_path: Path) -> None:
        exporting.export(tmp_path / "export", since_seal=3)

        code, told = outside(tmp_path, "--since-seal=3", export=False)

        assert code == 1
        assert "proves only itself" in told
        assert "No seal, 0 postings: nothing differs, which proves nothing." in told

    def test_of_later_seals_is_held_against_the_head_before_them(self, tmp_path: Path) -> None:
        exporting.export(tmp_path / "export", since_seal=1)
        heads = [json.loads(line) for line in (tmp_path / "heads.jsonl").read_text().splitlines()]
        heads[0]["rootHash"] = "ab" * 32
        (tmp_path / "heads.jsonl").write_text("\n".join(map(json.dumps, heads)))

        code, told = outside(tmp_path, "--since-seal=1", export=False)

        assert code == 2
        assert "seal 2: it does not follow from the seal before it" in told

    def test_without_any_head_proves_only_itself(self, tmp_path: Path) -> None:
        (tmp_path / "none.jsonl").touch()

        code, told = outside(tmp_path, heads="none.jsonl")

        assert code == 1
        assert "After seal 0 it proves only itself" in told

    def test_is_not_proven_beyond_the_last_head(self, tmp_path: Path) -> None:
        earlier = (tmp_path / "heads.jsonl").read_text().splitlines()[:2]
        (tmp_path / "earlier.jsonl").write_text("\n".join(earlier))

        code, told = outside(tmp_path, heads="earlier.jsonl")

        assert code == 1
        assert "After seal 2 it proves only itself" in told

    @pytest.mark.parametrize("ending", ["changed", "cut", "removed", "without manifest"])
    def test_that_is_damaged_proves_nothing(self, tmp_path: Path, ending: str) -> None:
        file = tmp_path / "export" / "ledger-000002.jsonl.gz"
        if ending == "changed":
            lines = gzip.decompress(file.read_bytes()).replace(b'"500"', b'"501"')
            file.write_bytes(gzip.compress(lines))
        elif ending == "cut":
            file.write_bytes(file.read_bytes()[:-20])
        else:
            (file if ending == "removed" else tmp_path / "export" / "manifest.json").unlink()

        assert offline_verifier.main([str(tmp_path / "export"), str(tmp_path / "heads.jsonl")]) == 1

    def test_that_is_stopped_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(exporting.ExportStopped):
            exporting.export(tmp_path / "export", postings_a_file=8, enough=lambda: True)

        assert not (tmp_path / "export" / "manifest.json").exists()


def test_the_bytes_of_a_seal_never_change() -> None:
    """Seals and heads are kept for years. Another form is another `SEAL_FORMAT`."""
    posting = ["7", "e", "a", "-5", None, None, None, "2026-01-15T10:30:00.000000Z"]
    leaf = offline_verifier.leaf(
        posting, offline_verifier.digest(["e", "für"]), offline_verifier.digest(None)
    )
    head = {
        "number": 2,
        "after": 6,
        "upto": 7,
        "postings": 1,
        "entries": 1,
        "totals": {"USD": {"credits": "0", "debits": "5"}},
        "late": [3],
        "previousHash": "ab" * 32,
        "sealedAt": "2026-01-15T10:31:00.000000Z",
    }

    assert offline_verifier.packed(["für", None, ""]) == "4:für,-,0:,".encode()
    assert leaf.hex() == ("a29896831eecff50fc2ee280eea35b2540951f1ff44a3bd75dca5400f24507b2")
    assert offline_verifier.root_hash(head, [leaf]) == (
        "4ccdfa2e21da9dc3a39f4d0e8fbdcef8d64ccca694a3662d7da32c5faabcc5cb"
    )
