"""What finance and operators do from a shell: statements, trial balance, freeze and unfreeze."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledger.models import Account, Posting
from tests.people import Company, asks, books_now, fund
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallets import queries, verification
from wallets.identity import WalletIdentity
from wallets.models import WalletStatus
from wallets.operations._status import StatusRequest
from wallets.operations.close_wallet import close_wallet
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw


def said(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@pytest.fixture
def some_past(alice: WalletIdentity, bob: WalletIdentity) -> None:
    deposit(wallet=alice, request=asks(10_000, wallet=alice, reference="=1+1"))
    transfer(source=alice, destination=bob, request=asks(2_500, wallet=alice))
    withdraw(wallet=alice, request=asks(1, wallet=alice))


@pytest.mark.usefixtures("some_past")
def test_a_statement_has_both_balances_and_every_movement(alice: WalletIdentity) -> None:
    head, *lines = (
        json.loads(line) for line in said("statement", str(alice.id), "--json").split("\n") if line
    )

    assert (head["openingBalance"], head["closingBalance"]) == ("0.00", "74.99")
    assert [(line["type"], line["amount"], line["balance"]) for line in lines] == [
        ("DEPOSIT", "100.00", "100.00"),
        ("TRANSFER_OUT", "-25.00", "75.00"),
        ("WITHDRAWAL", "-0.01", "74.99"),
    ]
    text = said("statement", "alice", "--client", "acme")
    assert "opening balance" in text
    assert text.rstrip().endswith("74.99")


@pytest.mark.usefixtures("some_past")
def test_a_statement_as_csv_is_no_formula(alice: WalletIdentity) -> None:
    rows = list(csv.DictReader(StringIO(said("statement", str(alice.id), "--csv"))))

    assert [row["type"] for row in rows] == [
        "OPENING",
        "DEPOSIT",
        "TRANSFER_OUT",
        "WITHDRAWAL",
        "CLOSING",
    ]
    assert rows[1]["reference"] == "'=1+1"
    assert (rows[0]["balance"], rows[-1]["balance"]) == ("0.00", "74.99")


@pytest.mark.usefixtures("some_past")
def test_a_statement_of_a_span_opens_where_the_one_before_closed(alice: WalletIdentity) -> None:
    moments = Posting.objects.filter(account_id=alice.id).order_by("sequence")
    middle = moments.values_list("posted_at", flat=True)[1].isoformat()

    before = json.loads(said("statement", str(alice.id), "--json", "--to", middle).split("\n")[0])
    after = json.loads(said("statement", str(alice.id), "--json", "--from", middle).split("\n")[0])

    assert (before["openingBalance"], before["closingBalance"]) == ("0.00", "100.00")
    assert (after["openingBalance"], after["closingBalance"]) == ("100.00", "74.99")
    assert (before["movements"], after["movements"]) == (1, 2)


def test_what_names_nothing_is_said_plainly(alice: WalletIdentity) -> None:
    for words, why in (
        (["statement", "nobody"], "--client"),
        (["statement", "nobody", "--client", "acme"], "no wallet"),
        (["statement", "alice", "--client", "initech"], "no client"),
        (["statement", str(alice.id), "--from", "soon"], "no day"),
        (["statement", str(alice.id), "--from", "2026-02-01", "--to", "2026-01-01"], "before"),
        (["freeze", str(alice.id), "--reason", " "], "why"),
        (["trial_balance", "--client", "initech"], "no client"),
        (["trial_balance", "--at", "2999-01-01"], "later than now"),
    ):
        with pytest.raises(CommandError, match=why):
            said(*words)


@pytest.mark.usefixtures("some_past")
def test_a_trial_balance_is_even(client_acme: Company, client_globex: Company) -> None:
    acme, globex = json.loads(said("trial_balance", "--json"))

    assert (acme["client"], globex["client"], globex["accounts"]) == ("acme", "globex", [])
    (side,) = acme["currencies"]
    assert (side["debit"], side["credit"], side["difference"]) == ("99.99", "99.99", "0.00")
    assert "difference 0.00" in said("trial_balance", "--client", client_acme.name)
    rows = list(csv.DictReader(StringIO(said("trial_balance", "--csv"))))
    assert {row["debit"] or row["credit"] for row in rows} == {"99.99"}
    (early,) = json.loads(said("trial_balance", "--json", "--client", "acme", "--at", "2020-01-01"))
    assert early["accounts"] == []


@pytest.mark.usefixtures("some_past")
def test_a_trial_balance_that_is_not_even_says_so() -> None:
    house = Account.objects.get(normal_side="debit").pk
    entry = Posting.objects.values_list("entry_id", flat=True)[0]
    Posting.objects.create(
        entry_id=entry, account_id=house, amount=7, posted_at=queries.primary_clock()
    )

    with pytest.raises(SystemExit, match="2"):
        said("trial_balance")


def test_a_wallet_is_frozen_and_unfrozen_from_a_shell(alice: WalletIdentity) -> None:
    fund(alice, 100)

    told = said("freeze", str(alice.id), "--reason", "a stolen card", "--json")

    assert json.loads(told) == {"wallet": str(alice.id), "status": "FROZEN", "version": 3}
    assert queries.wallet(alice).status == WalletStatus.FROZEN
    record = AuditRecord.objects.using(PRIMARY).get()
    assert (record.actor, record.action) == ("command:freeze", "wallet.freeze")
    assert (record.subject, record.reason) == (str(alice.id), "a stolen card")

    before = books_now()
    said("freeze", "alice", "--client", "acme", "--reason", "again")
    assert books_now() == before
    assert AuditRecord.objects.using(PRIMARY).count() == 1

    said("unfreeze", str(alice.id), "--reason", "the card was found")
    assert queries.wallet(alice).status == WalletStatus.ACTIVE
    latest = AuditRecord.objects.using(PRIMARY).order_by("-pk")[0]
    assert (latest.actor, latest.action) == ("command:unfreeze", "wallet.unfreeze")
    assert verification.verify().findings == []


def test_a_freeze_is_rehearsed_without_a_trace(alice: WalletIdentity) -> None:
    before = books_now()

    told = said("freeze", str(alice.id), "--reason", "a stolen card", "--dry-run")

    assert told == f"{alice.id} would be FROZEN at version 2.\n"
    assert books_now() == before
    assert queries.wallet(alice).status == WalletStatus.ACTIVE
    assert not AuditRecord.objects.using(PRIMARY).exists()
    close_wallet(wallet=alice, request=StatusRequest(actor="key:test"))
    with pytest.raises(CommandError, match="closed"):
        said("freeze", str(alice.id), "--reason", "a stolen card", "--dry-run")


def test_a_closed_wallet_stays_closed(alice: WalletIdentity) -> None:
    close_wallet(wallet=alice, request=StatusRequest(actor="key:test"))
    before = books_now()

    for verb in ("freeze", "unfreeze"):
        with pytest.raises(CommandError, match="closed"):
            said(verb, str(alice.id), "--reason", "why not")

    assert books_now() == before
    assert not AuditRecord.objects.using(PRIMARY).exists()
