"""A row that was spoilt behind the service's back is found, and is as the books say again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from events.models import OutboxEvent
from ledger import queries as books
from ledger.models import Posting
from tests import databases
from tests.people import Company, asks, balance, books_now, fund, wallet_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallets import balance_cache, queries, verification
from wallets.identity import WalletIdentity
from wallets.models import BalanceRebuild, Wallet
from wallets.operations import rebuild_balances as operation
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.transfer import transfer

REASON = "the night's proof was red"


@pytest.fixture(autouse=True)
def some_past(alice: WalletIdentity, bob: WalletIdentity) -> None:
    for _ in range(3):
        fund(alice, 1000)
    transfer(source=alice, destination=bob, request=asks(500, wallet=alice))
    expiry = Expiry(after=timedelta(days=1))
    place_hold(wallet=alice, request=asks(300, wallet=alice), expiry=expiry)
    assert verification.verify().findings == []


def spoil(wallet: WalletIdentity, **columns: Any) -> None:
    """Change a wallet's row by raw SQL, as nobody should."""
    assigned = ", ".join(f"{column} = %s" for column in columns)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(
            f"UPDATE wallets_wallet SET {assigned} WHERE id = %s",
            [*columns.values(), wallet.id.bytes],
        )


def rebuild(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return how it ended and its report."""
    out = StringIO()
    code = 0
    try:
        call_command(
            "rebuild_balances",
            *arguments,
            "--json",
            "--no-input",
            reason=REASON,
            stdout=out,
            stderr=StringIO(),
        )
    except SystemExit as ended:
        code = int(str(ended.code))
    except CommandError as error:
        code = error.returncode
    return code, json.loads(out.getvalue())


def row_of(wallet: WalletIdentity) -> Wallet:
    return Wallet.objects.using(PRIMARY).get(pk=wallet.id)


def events_of(wallet: WalletIdentity) -> list[tuple[int | None, str]]:
    rows = OutboxEvent.objects.using(PRIMARY).filter(stream=wallet.id).order_by("sequence")
    return list(rows.values_list("sequence", "type"))


def everything() -> dict[str, Any]:
    audited = {"audited": AuditRecord.objects.using(PRIMARY).count()}
    rows = Wallet.objects.using(PRIMARY).order_by("pk").values()
    return books_now() | audited | {"rows": list(rows)}


def test_wallets_that_are_right_are_left_alone() -> None:
    before = everything()

    code, report = rebuild()

    assert (code, report["wallets"], report["differing"]) == (0, 2, 0)
    assert everything() == before


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("balance", 9_999_999),
        ("balance", 400),
        ("held", 0),
        ("held", 301),
        ("next_hold_expiry", None),
        ("posting_sequence", 1),
        ("posting_sequence", 77),
        ("last_posted_at", None),
        ("last_posted_at", datetime(2099, 1, 1, tzinfo=UTC).replace(tzinfo=None)),
        ("version", 2),
    ],
)
def test_what_was_spoilt_is_mended_told_and_audited(
    alice: WalletIdentity, column: str, value: object
) -> None:
    right = row_of(alice)
    postings = Posting.objects.count()
    spoil(alice, **{column: value})
    assert getattr(row_of(alice), column) != getattr(right, column)

    code, report = rebuild()

    assert (code, report["wallets"], report["mended"], report["left"]) == (2, 2, 1, 0)
    (found,) = report["found"]
    assert found["wallet"] == str(alice.id)
    assert [one["field"] for one in found["differences"]] == [column]
    mended = row_of(alice)
    same = ("balance", "held", "next_hold_expiry", "posting_sequence", "last_posted_at")
    assert all(getattr(mended, name) == getattr(right, name) for name in same)
    assert mended.version == right.version + 1
    assert events_of(alice)[-1] == (mended.version, "wallet.balance_rebuilt.v1")
    told = json.loads(bytes(OutboxEvent.objects.order_by("-pk")[0].payload))
    assert (told["balance"], told["held"], told["available"]) == ("25.00", "3.00", "22.00")
    record = AuditRecord.objects.using(PRIMARY).get(action="wallet.rebuild_balance")
    assert (record.actor, record.subject) == ("command:rebuild_balances", str(alice.id))
    assert record.reason == REASON
    assert record.detail["differences"] == found["differences"]
    assert Posting.objects.count() == postings
    assert verification.verify().findings == []
    assert rebuild()[0] == 0


def test_readers_see_the_mended_balance_at_once(alice: WalletIdentity) -> None:
    spoil(alice, balance=400)

    rebuild("--wallet", str(alice.id))

    assert queries.balance(alice).balance == 2500
    cached = balance_cache.get(alice.id)
    assert cached is None or cached.balance == 2500


def test_a_dry_run_finds_and_changes_nothing(alice: WalletIdentity) -> None:
    spoil(alice, balance=400, held=2)
    before = everything()

    code, report = rebuild("--dry-run")

    assert (code, report["differing"], report["mended"]) == (2, 1, 0)
    (found,) = report["found"]
    assert found["differences"] == [
        {"field": "balance", "was": 400, "is": 2500},
        {"field": "held", "was": 2, "is": 300},
    ]
    assert everything() == before


def test_only_those_named_are_looked_at(
    alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    spoil(alice, balance=400)
    spoil(bob, balance=1)
    spoil(charlie, balance=1)

    assert rebuild("--wallet", str(alice.id))[1]["mended"] == 1
    assert [balance(one) for one in (alice, bob, charlie)] == [2500, 1, 1]
    assert rebuild("--client", "acme")[1]["mended"] == 1
    assert [balance(one) for one in (alice, bob, charlie)] == [2500, 500, 1]


def test_it_says_why_or_does_nothing(alice: WalletIdentity) -> None:
    before = everything()
    for words in ([], ["--reason", "  "]):
        with pytest.raises(CommandError, match="--reason"):
            call_command("rebuild_balances", *words)
    for words, said in (
        (["--wallet", "alice"], "UUID"),
        (["--wallet", "01a1fe91-c13e-7e9a-bb79-785f628acc38"], "no wallet"),
        (["--client", "initech"], "no client"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("rebuild_balances", *words, reason=REASON)
    assert everything() == before
    assert not BalanceRebuild.objects.exists()


def test_broken_books_are_left_alone(
    alice: WalletIdentity, bob: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(alice, balance=400)
    spoil(bob, balance=1)
    entry = Posting.objects.filter(account_id=alice.id).values_list("entry_id", flat=True)[0]
    Posting.objects.create(
        entry_id=entry,
        account_id=alice.id,
        amount=5,
        balance_after=77,
        sequence=5,
        version=9,
        posted_at=queries.primary_clock(),
    )
    before = row_of(alice).version
    read_under_locks: set[UUID] = set()
    links_from = books.links_from

    def notes(marks: Mapping[UUID, int]) -> Any:
        read_under_locks.update(marks)
        return links_from(marks)

    monkeypatch.setattr(books, "links_from", notes)

    code, report = rebuild()

    assert (code, report["mended"], report["left"]) == (1, 1, 1)
    assert read_under_locks == {bob.id}
    assert "do not follow" in report["found"][0]["leftBecause"]
    assert (balance(alice), row_of(alice).version, balance(bob)) == (400, before, 500)
    audited = AuditRecord.objects.using(PRIMARY).filter(action="wallet.rebuild_balance")
    assert [record.subject for record in audited] == [str(bob.id)]


def test_an_entry_that_does_not_balance_is_no_reason_to_pay(alice: WalletIdentity) -> None:
    """The chain alone would make a tampered last posting the truth."""
    entry = Posting.objects.filter(account_id=alice.id).values_list("entry_id", flat=True)[0]
    Posting.objects.create(
        entry_id=entry,
        account_id=alice.id,
        amount=1_000_000,
        balance_after=1_002_500,
        sequence=5,
        version=9,
        posted_at=queries.primary_clock(),
    )

    code, report = rebuild()

    assert (code, report["mended"], report["left"]) == (1, 0, 1)
    assert str(entry) in report["found"][0]["leftBecause"]
    assert balance(alice) == 2500


def test_a_version_without_its_events_is_left_alone(alice: WalletIdentity) -> None:
    spoil(alice, version=50)

    code, report = rebuild()

    assert (code, report["left"]) == (1, 1)
    assert "an event is missing" in report["found"][0]["leftBecause"]
    assert row_of(alice).version == 50


def test_a_run_that_was_stopped_goes_on(client_acme: Company, alice: WalletIdentity) -> None:
    people = [alice, *(wallet_of(client_acme, f"w{number}") for number in range(9))]
    for wallet in people:
        spoil(wallet, balance=700)
    scope = operation.Scope()
    order = operation.Order(Actor("command:rebuild_balances"), REASON)
    first = operation.Rebuilding(scope, order, batch_size=2)
    batches = iter([False, False, True])
    list(first.go(enough=lambda: next(batches)))
    assert (first.run.wallets, first.run.finished_at) == (4, None)

    code, report = rebuild("--batch-size", "2")

    assert report["run"] == first.run.pk
    assert (code, report["wallets"], report["mended"]) == (2, 11, 10)
    assert len(report["found"]) == 10 - first.run.mended
    assert AuditRecord.objects.filter(action="wallet.rebuild_balance").count() == 10
    assert verification.verify().findings == []
    assert rebuild()[1]["run"] != first.run.pk


def test_two_at_once_share_the_work(client_acme: Company) -> None:
    people = [wallet_of(client_acme, f"w{number}") for number in range(20)]
    for wallet in people:
        spoil(wallet, balance=7)
    scope = operation.Scope()
    order = operation.Order(Actor("command:rebuild_balances"), REASON)

    def runs(_: int) -> list[operation.Found]:
        found: list[operation.Found] = []
        try:
            list(operation.Rebuilding(scope, order, batch_size=1, found=found.append).go())
        finally:
            connections.close_all()
        return found

    operation.Rebuilding(scope, order)
    with ThreadPoolExecutor(3) as pool:
        found = [one for part in pool.map(runs, range(3)) for one in part]

    assert len(found) == 20
    run = BalanceRebuild.objects.order_by("pk")[0]
    assert (run.wallets, run.mended) == (22, 20)
    assert AuditRecord.objects.filter(action="wallet.rebuild_balance").count() == 20
    assert verification.verify().findings == []


def test_runs_are_listed(alice: WalletIdentity) -> None:
    spoil(alice, balance=400)
    rebuild()
    out = StringIO()

    call_command("rebuild_balances", "--list", stdout=out)

    assert "2 wallets, 1 differed, 1 mended, 0 left" in out.getvalue()
    assert REASON in out.getvalue()


def test_movements_go_on_meanwhile(client_acme: Company) -> None:
    people = [wallet_of(client_acme, f"w{number}") for number in range(6)]
    for wallet in people:
        fund(wallet, 10_000)
    stop = threading.Event()

    def moves(number: int) -> int:
        done = 0
        try:
            while not stop.is_set():
                source, destination = people[number % 6], people[(number + 1 + done) % 6]
                if source != destination:
                    transfer(source=source, destination=destination, request=asks(1, wallet=source))
                done += 1
        finally:
            connections.close_all()
        return done

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(moves, number) for number in range(6)]
        try:
            for wallet in people * 3:
                # A hand that changes the row while it is locked by nobody, and its own.
                with transaction.atomic(using=PRIMARY):
                    spoil(wallet, held=0)
                code, report = rebuild("--batch-size", "3")
                assert (code, report["left"]) == (0, 0), report
        finally:
            stop.set()
        assert all(one.result() > 10 for one in running)

    assert sum(balance(wallet) for wallet in people) == 60_000
    assert verification.verify().findings == []


@pytest.mark.full_stack
def test_sigterm_finishes_the_batch(client_acme: Company) -> None:
    people = [wallet_of(client_acme, f"w{number}") for number in range(200)]
    for wallet in people:
        spoil(wallet, balance=7)
    command = ["manage.py", "rebuild_balances", "--reason", REASON, "--batch-size", "1"]
    process = subprocess.Popen(
        [sys.executable, *command, "--no-input"],
        env=databases.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 1, err
    run = BalanceRebuild.objects.get()
    assert 0 < run.wallets < 202
    assert run.finished_at is None
    assert out.count("balance was 7, is 0") == run.mended
    assert rebuild()[1]["mended"] == 200
    assert verification.verify().findings == []
