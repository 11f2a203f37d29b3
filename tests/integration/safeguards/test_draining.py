"""The service drains: nothing new is taken, what was accepted is finished, then it is dry."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import F

from tests.http import Api
from tests.operations import accept, shown, stands, work
from tests.people import Company, balance, books_now, fund
from tests.publishing import publish, signals_as_they_were
from wallet_project.kit.models import AuditRecord
from wallets import credentials
from wallets.identity import WalletIdentity
from wallets.safeguards import switch
from wallets.safeguards.models import WriteSwitch

__all__ = ["signals_as_they_were"]
pytestmark = pytest.mark.usefixtures("signals_as_they_were")


def drain(timeout: int = 0) -> tuple[int, dict[str, Any]]:
    out, code = StringIO(), 0
    words = ("--reason", "a new database", "--timeout", str(timeout), "--json")
    try:
        call_command("drain", *words, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        credentials.forget_all()  # four seconds later
    return code, json.loads(out.getvalue())


def let_requests_end() -> None:
    """Let the time pass for which a request of before may be at work."""
    WriteSwitch.objects.update(changed_at=F("changed_at") - timedelta(seconds=16))


def test_nothing_new_is_taken_and_what_was_accepted_is_made(
    client_acme: Company, alice: WalletIdentity
) -> None:
    acme = Api(client_acme.key)
    fund(alice, 100_00)
    accepted = accept(acme, "WITHDRAW", "alice", "40.00")
    publish()
    assert drain()[0] == 1
    before = books_now()
    for refused in (acme.deposit("alice", "1.00"), accept(acme, "DEPOSIT", "alice", "1.00")):
        assert (refused.status, refused.json["code"]) == (503, "writes_paused")
    assert books_now() == before
    let_requests_end()
    code, left = drain()
    assert (code, left["dry"], left["operations"]) == (1, False, 1)
    switch.forget()

    work()
    publish()

    code, left = drain()
    assert (code, left["dry"]) == (0, True)
    assert shown(acme, accepted)["status"] == "COMPLETED"
    assert balance(alice) == 60_00


def test_it_waits_until_the_last_operation_is_made(
    client_acme: Company, alice: WalletIdentity
) -> None:
    accept(Api(client_acme.key), "DEPOSIT", "alice", "40.00")
    drain()
    let_requests_end()
    switch.forget()

    def finish() -> None:
        time.sleep(0.7)
        work()
        publish()
        for alias in connections:
            connections[alias].close()

    worker = threading.Thread(target=finish)
    worker.start()
    code, left = drain(timeout=30)
    worker.join()

    assert (code, left["dry"]) == (0, True)
    assert stands() == {"COMPLETED": 1}


def test_events_that_nobody_has_told_keep_it_from_being_dry(alice: WalletIdentity) -> None:
    fund(alice, 1)
    drain()
    let_requests_end()
    code, left = drain()
    assert (code, left["dry"]) == (1, False)
    assert left["events"] > 0


def test_a_request_of_before_may_be_at_work_for_so_long(database: None) -> None:
    code, left = drain()
    assert code == 1
    assert 10 <= left["request_seconds"] <= 15
    assert {name: left[name] for name in ("operations", "payouts", "events", "quarantined")} == {
        "operations": 0,
        "payouts": 0,
        "events": 0,
        "quarantined": 0,
    }


def test_draining_twice_is_one_act_and_resuming_ends_it(
    client_acme: Company, alice: WalletIdentity
) -> None:
    drain()
    drain()
    call_command("resume_writes", "--reason", "moved", stdout=StringIO())
    credentials.forget_all()
    noted = AuditRecord.objects.filter(subject_type="safeguards.writeswitch").order_by("pk")
    assert [(one.action, one.reason, one.actor) for one in noted] == [
        ("writes.drain", "a new database", "command:drain"),
        ("writes.resume", "moved", "command:resume_writes"),
    ]
    assert Api(client_acme.key).deposit("alice", "1.00").status == 201


def test_whoever_stopped_money_is_not_overruled(alice: WalletIdentity) -> None:
    call_command("pause_writes", "--reason", "the books disagree", stdout=StringIO())
    with pytest.raises(CommandError, match="accepted operations wait, too"):
        call_command("drain", "--reason", "a new database", stdout=StringIO())
    assert switch.is_paused()
    assert str(WriteSwitch.objects.get()) == "paused"


def test_money_can_be_stopped_while_the_service_drains(alice: WalletIdentity) -> None:
    drain()
    assert not switch.is_paused()
    call_command("pause_writes", "--reason", "the books disagree", stdout=StringIO())
    assert switch.is_paused()


def test_nobody_drains_without_a_reason(database: None) -> None:
    with pytest.raises(CommandError, match="Say why"):
        call_command("drain", "--reason", " ")
    assert not WriteSwitch.objects.exists()
