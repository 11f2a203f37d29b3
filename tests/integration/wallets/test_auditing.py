"""The live auditor finds a wallet that was spoilt, freezes it once, and leaves the others alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import OperationalError, connections
from prometheus_client import REGISTRY

from events.models import OutboxEvent
from ledger import proofs, rollups
from ledger.models import Posting
from tests.people import Company, asks, books_now, fund, wallet_of
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallets import auditing, queries, verification
from wallets.auditing import Audit
from wallets.identity import WalletIdentity
from wallets.models import AuditorState, LedgerAlert, Wallet, WalletStatus
from wallets.operations import _locking, rebuild_balances
from wallets.operations._status import StatusRequest
from wallets.operations.deposit import deposit
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.transfer import transfer
from wallets.operations.unfreeze_wallet import unfreeze_wallet


@pytest.fixture(autouse=True)
def some_past(monkeypatch: pytest.MonkeyPatch, alice: WalletIdentity, bob: WalletIdentity) -> None:
    # A minute is long for a test; here nothing is open when the mark is read.
    monkeypatch.setattr(rollups, "settled_upto", _end_of_books)
    for _ in range(3):
        fund(alice, 1000)
    transfer(source=alice, destination=bob, request=asks(500, wallet=alice))
    expiry = Expiry(after=timedelta(days=1))
    place_hold(wallet=alice, request=asks(300, wallet=alice), expiry=expiry)


def _end_of_books() -> int:
    last = Posting.objects.order_by("-pk").values_list("pk", flat=True).first()
    return last or 0


def spoil(wallet: WalletIdentity, **columns: Any) -> None:
    """Change a wallet's row by raw SQL, as nobody should."""
    assigned = ", ".join(f"{column} = %s" for column in columns)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(
            f"UPDATE wallets_wallet SET {assigned} WHERE id = %s",
            [*columns.values(), wallet.id.bytes],
        )


def status_of(wallet: WalletIdentity) -> str:
    return Wallet.objects.using(PRIMARY).get(pk=wallet.id).status


def invariants(found: Audit) -> set[str]:
    return {finding.invariant for finding in found.findings}


def counted(invariant: str) -> float:
    labels = {"invariant": invariant}
    return REGISTRY.get_sample_value("wallet_audit_findings_total", labels) or 0.0


@pytest.fixture
def mailed(settings: Any) -> Iterator[list[Any]]:
    settings.LEDGER_ALERT_ADDRESSES = ["operators@example.org"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    yield mail.outbox


def test_wallets_that_are_right_stay_as_they_are(alice: WalletIdentity) -> None:
    before = books_now()
    first = auditing.audit()
    fund(alice, 1)

    second = auditing.audit()

    assert (first.changed, first.findings, first.walked >= 2) == (0, [], True)
    assert (second.changed, second.findings, second.doubted, second.behind) == (1, [], 0, 0)
    assert not LedgerAlert.objects.exists()
    assert books_now()["wallets"][1:] == before["wallets"][1:]
    proof = proofs.latest("task:auditor")
    assert proof is not None
    assert (proof.prover, proof.sound) == ("task:auditor", True)


@pytest.mark.parametrize(
    ("columns", "invariant"),
    [
        ({"balance": 9_999}, "I2"),
        ({"posting_sequence": 9}, "I3"),
        ({"held": 299}, "I17"),
        ({"version": 99}, "I8"),
    ],
)
def test_a_spoilt_wallet_is_frozen_once_and_told_of_once(
    alice: WalletIdentity,
    bob: WalletIdentity,
    mailed: list[Any],
    columns: dict[str, Any],
    invariant: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = counted(invariant)
    spoil(alice, **columns)

    found = auditing.audit()
    auditing.send_mails(budget_seconds=5)

    assert invariants(found) == {invariant}
    assert found.frozen == [alice.id]
    assert (status_of(alice), status_of(bob)) == (WalletStatus.FROZEN, WalletStatus.ACTIVE)
    frozen = OutboxEvent.objects.filter(type="wallet.frozen.v1")
    assert [event.stream for event in frozen] == [alice.id]
    record = AuditRecord.objects.using(PRIMARY).get(action="wallet.freeze")
    assert (record.actor, record.subject) == ("task:auditor", str(alice.id))
    assert invariant in record.reason
    (told,) = [line for line in caplog.records if line.message == "audit.wallet_disagrees"]
    assert told.levelname == "ERROR"
    assert counted(invariant) == before + 1
    assert [one.to for one in mailed] == [["operators@example.org"]]
    assert str(alice.id) in mailed[0].body
    latest = proofs.latest("task:auditor")
    assert latest is not None
    assert not latest.sound

    auditing.audit()
    auditing.send_mails(budget_seconds=5)

    assert frozen.count() == 1
    assert LedgerAlert.objects.count() == 1
    assert len(mailed) == 1


def test_a_wallet_that_moves_money_after_it_was_spoilt_is_found_by_its_postings(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditing.audit()
    monkeypatch.setattr(auditing, "_random_piece", list)
    monkeypatch.setattr(auditing, "_walk", lambda *_, **__: None)
    spoil(alice, balance=9_999)
    deposit(wallet=alice, request=asks(1, wallet=alice))

    found = auditing.audit()

    assert (found.changed, found.walked) == (1, 0)
    assert len(found.findings) == 2
    assert invariants(found) == {"I2", "I3"}
    assert found.frozen == [alice.id]


def test_a_wallet_that_takes_no_change_is_told_of_all_the_same(alice: WalletIdentity) -> None:
    spoil(alice, version=2)

    found = auditing.audit()

    assert invariants(found) == {"I3", "I8"}
    assert found.frozen == []
    alert = LedgerAlert.objects.get()
    assert (alert.wallet, alert.is_frozen) == (alice.id, False)
    assert status_of(alice) == WalletStatus.ACTIVE


def test_a_suspicion_that_the_lock_does_not_confirm_hurts_nobody(
    alice: WalletIdentity, bob: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditing.audit()
    fund(alice, 1)
    monkeypatch.setattr(auditing, "_disagreeing", list)

    found = auditing.audit()

    assert (found.doubted, found.findings) == (1, [])
    assert status_of(alice) == WalletStatus.ACTIVE
    assert not LedgerAlert.objects.exists()


def test_an_alert_ends_when_the_wallet_is_mended_and_it_stays_frozen(alice: WalletIdentity) -> None:
    spoil(alice, balance=9_999)
    auditing.audit()
    with pytest.raises(SystemExit):
        call_command("rebuild_balances", "--no-input", reason="an alert", stdout=StringIO())

    found = auditing.audit()

    assert (found.findings, found.resolved) == ([], 1)
    assert LedgerAlert.objects.get().resolved_at is not None
    assert status_of(alice) == WalletStatus.FROZEN
    unfreeze_wallet(wallet=alice, request=StatusRequest(actor="command:unfreeze"))
    auditing.audit()
    assert status_of(alice) == WalletStatus.ACTIVE
    assert verification.verify().findings == []


def test_a_wallet_with_an_open_alert_is_not_locked_again(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(alice, balance=9_999)
    auditing.audit()
    locked: list[Any] = []
    lock = _locking.lock_wallets

    def notes(wallets: Any) -> Any:
        locked.extend(wallets)
        return lock(wallets)

    monkeypatch.setattr(_locking, "lock_wallets", notes)

    found = auditing.audit()

    assert locked == []
    assert (invariants(found), found.wrong, found.resolved) == ({"I2"}, {alice.id}, 0)
    assert LedgerAlert.objects.get().resolved_at is None


def test_staff_who_unfreeze_in_spite_of_an_alert_are_believed(alice: WalletIdentity) -> None:
    spoil(alice, balance=9_999)
    auditing.audit()
    unfreeze_wallet(wallet=alice, request=StatusRequest(actor="staff:1"))

    auditing.audit()

    assert status_of(alice) == WalletStatus.ACTIVE
    assert LedgerAlert.objects.count() == 1


def test_the_walk_comes_by_everybody_a_piece_at_a_time(
    client_acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "WALLETS_A_PIECE", 3)
    monkeypatch.setattr(auditing, "_random_piece", list)
    people = [wallet_of(client_acme, f"w{number}") for number in range(10)]
    seen: list[str] = []
    check = verification.check_some

    def notes(wallets: Any) -> Any:
        seen.extend(map(str, wallets))
        return check(wallets)

    monkeypatch.setattr(verification, "check_some", notes)
    while not AuditorState.objects.filter(walk_ended_at__isnull=False).exists():
        auditing.audit(budget_seconds=0)

    assert sorted(seen) == sorted(map(str, Wallet.objects.values_list("pk", flat=True)))
    assert len(people) + 2 == len(seen)


def test_a_wallet_that_cannot_be_looked_at_keeps_no_other_waiting(
    alice: WalletIdentity,
    bob: WalletIdentity,
    charlie: WalletIdentity,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    auditing.audit()
    monkeypatch.setattr(auditing, "_random_piece", list)
    spoil(alice, balance=9_999)
    spoil(charlie, balance=9_999)
    fund(bob, 1)
    before = REGISTRY.get_sample_value("wallet_audit_stepped_over_total") or 0.0
    check, compare = verification.check_some, rebuild_balances.compare

    def takes_too_long(really: Any, *asked: Any) -> Any:
        if bob.id in asked[0]:
            raise OperationalError(2013, "Lost connection to MySQL server during query")
        return really(*asked)

    monkeypatch.setattr(verification, "check_some", partial(takes_too_long, check))
    monkeypatch.setattr(auditing, "compare", partial(takes_too_long, compare))

    found = auditing.audit()

    assert found.wrong == {alice.id, charlie.id}
    assert found.stepped_over == 2  # by its new postings, and on the walk
    assert REGISTRY.get_sample_value("wallet_audit_stepped_over_total") == before + 2
    told = [line for line in caplog.records if line.message == "audit.stepped_over"]
    assert {line.levelname for line in told} == {"ERROR"}
    assert {vars(line)["wallet"] for line in told} == {str(bob.id)}
    state = AuditorState.objects.get()
    assert state.postings_upto == _end_of_books()
    assert state.walked_upto is None
    assert status_of(bob) == WalletStatus.ACTIVE


def test_a_run_that_is_killed_has_kept_how_far_it_came(
    alice: WalletIdentity, bob: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "WALLETS_A_PIECE", 1)
    monkeypatch.setattr(auditing, "_random_piece", list)
    first, second = sorted((alice.id, bob.id))
    check = verification.check_some

    def is_killed_at_the_second(wallets: Any) -> Any:
        if second in wallets:
            raise KeyboardInterrupt
        return check(wallets)

    monkeypatch.setattr(verification, "check_some", is_killed_at_the_second)

    with pytest.raises(KeyboardInterrupt):
        auditing.audit()

    assert AuditorState.objects.get().walked_upto == first


def test_the_command_says_what_it_found(alice: WalletIdentity) -> None:
    out = StringIO()
    call_command("audit_wallets", stdout=out)
    assert "0 findings, 0 frozen" in out.getvalue()
    spoil(alice, balance=9_999)

    with pytest.raises(SystemExit, match="2"):
        call_command("audit_wallets", stdout=out)

    assert f"I2 {alice.id}" in out.getvalue()
    assert queries.wallet(alice).status == WalletStatus.FROZEN


def test_thousands_of_looks_under_traffic_find_nothing(client_acme: Company) -> None:
    people = [wallet_of(client_acme, f"w{number}") for number in range(8)]
    for wallet in people:
        fund(wallet, 10_000)
    stop = threading.Event()

    def moves(number: int) -> int:
        done = 0
        try:
            while not stop.is_set():
                source, destination = people[number], people[(number + 1 + done % 7) % 8]
                transfer(source=source, destination=destination, request=asks(1, wallet=source))
                if done % 5 == 0:
                    expiry = Expiry(after=timedelta(milliseconds=20))
                    place_hold(wallet=source, request=asks(1, wallet=source), expiry=expiry)
                done += 1
        finally:
            connections.close_all()
        return done

    looks = 0
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(moves, number) for number in range(4)]
        try:
            while looks < 2_000:
                found = auditing.audit(budget_seconds=0.3)
                assert found.findings == []
                looks += found.changed + found.walked
        finally:
            stop.set()
        assert all(one.result() > 5 for one in running)

    assert not LedgerAlert.objects.exists()
    assert not Wallet.objects.filter(status=WalletStatus.FROZEN).exists()
    assert verification.verify().findings == []
