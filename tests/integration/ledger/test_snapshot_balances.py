"""`manage.py snapshot_balances`: by hand what beat does, and the proof of it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledger import rolling
from ledger.models import BalanceSnapshot, CustomersTotal, DayTotal, Posting, RollUp
from ledger.tasks import roll_up
from tests import databases
from tests.integration.ledger.books import Books, assert_sums_are_right, roll
from tests.people import Company, fund
from wallets.identity import WalletIdentity


def run(*arguments: str) -> dict[str, Any]:
    """Run the command; return what it prints as JSON."""
    out = io.StringIO()
    call_command("snapshot_balances", *arguments, "--json", stdout=out, stderr=io.StringIO())
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def check(*, exit_code: int) -> list[dict[str, str]]:
    """Make the sums in memory and compare; return the differences."""
    out = io.StringIO()
    arguments = ["--rebuild", "--dry-run", "--json"]
    if exit_code:
        with pytest.raises(SystemExit) as stopped:
            call_command("snapshot_balances", *arguments, stdout=out, stderr=io.StringIO())
        assert stopped.value.code == exit_code
    else:
        call_command("snapshot_balances", *arguments, stdout=out, stderr=io.StringIO())
    found: list[dict[str, str]] = json.loads(out.getvalue())["differences"]
    return found


def test_a_dry_run_counts_and_changes_nothing(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    if databases.is_mysql():
        pytest.skip("nothing is settled within a minute there")

    assert run("--dry-run")["due"] == 2

    assert rolling.mark().upto == 0
    assert run()["postings"] == 2
    assert run("--dry-run")["due"] == 0


def test_beat_does_the_same(alice: WalletIdentity) -> None:
    if databases.is_mysql():
        pytest.skip("nothing is settled within a minute there")
    fund(alice, 1_00)

    roll_up()

    assert rolling.mark().postings == 2
    assert_sums_are_right()


@pytest.mark.parametrize("model", [DayTotal, CustomersTotal, BalanceSnapshot])
def test_a_spoilt_sum_is_found_and_made_anew(alice: WalletIdentity, model: Any) -> None:
    fund(alice, 1_00)
    roll()
    assert check(exit_code=0) == []
    spoilt = "debits" if model is DayTotal else "balance"
    model.objects.update(**{spoilt: 77})

    (difference,) = check(exit_code=2)
    assert "77" in difference["kept"]
    assert "100" in difference["found"]

    rolling.forget_sums()
    roll()
    assert check(exit_code=0) == []


def test_a_spoilt_snapshot_of_alice_is_found(alice: WalletIdentity, settings: Any) -> None:
    settings.SNAPSHOT_POSTINGS = 1
    fund(alice, 1_00)
    roll()
    BalanceSnapshot.objects.filter(account_id=alice.id).update(balance=5)

    (difference,) = check(exit_code=2)

    assert str(alice.id) in difference["subject"]
    assert (difference["kept"], difference["found"]) == ("5", "100")


def test_late_postings_are_told_until_the_sums_are_made_anew(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()
    # As if one of the two had not been there when the sums were made.
    RollUp.objects.update(postings=1)

    with pytest.raises(SystemExit) as stopped:
        run()

    assert stopped.value.code == 2
    assert [one["subject"] for one in check(exit_code=2)] == ["postings that came in late"]
    assert run("--rebuild")["late"] == 0
    roll()
    assert check(exit_code=0) == []


def test_alice_gets_a_snapshot_when_somebody_asks_for_it(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1_00)
    fund(alice, 2_00)
    fund(bob, 9_00)
    roll()

    assert run("--account", str(alice.id))["snapshots"] == 1

    (snapshot,) = BalanceSnapshot.objects.filter(is_house=False)
    assert (snapshot.account_id, snapshot.balance, snapshot.sequence) == (alice.id, 3_00, 2)
    assert run("--account", f"wallet:{alice.id}")["snapshots"] == 0
    with pytest.raises(CommandError, match="no account nobody"):
        run("--account", "nobody")


def test_all_of_a_clients_customers_get_one(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    for wallet in (alice, bob, charlie):
        fund(wallet, 1_00)
    roll()

    assert run("--client", str(client_acme.id), "--batch-size", "1")["snapshots"] == 2

    found = BalanceSnapshot.objects.filter(is_house=False).values_list("account_id", flat=True)
    assert set(found) == {alice.id, bob.id}


def test_sigterm_finishes_the_batch_in_hand_and_the_next_run_goes_on(database: None) -> None:
    if databases.is_mysql():
        pytest.skip("nothing is settled within a minute there")
    books = Books()
    books.post([(index % 4, index % 3, index % 2, 7, index % 2) for index in range(2_000)])
    process = subprocess.Popen(
        [sys.executable, "manage.py", "snapshot_balances", "--batch-size", "3", "--json"],
        env=databases.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    added = json.loads(out)["postings"]
    assert 0 < added < Posting.objects.count()
    assert rolling.mark().postings == added
    assert_sums_are_right()
    roll()
    assert_sums_are_right()
