"""A user's personal data go, the money stays: texts, payees, contacts, his name on the wallet."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections

from events.consumers.notifications import contacts
from events.consumers.notifications.contacts import NOBODY, ContactDetails
from events.models import OutboxEvent
from ledger import sealing, settled
from ledger.models import JournalEntry
from tests import databases
from tests.http import Api
from tests.people import Company, asks, balance, books_now
from wallet_project.kit.audit import Actor
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity
from wallets.models import Hold, Operation, OperationStatus, Payout, PayoutStatus, Wallet
from wallets.operations.deposit import deposit
from wallets.operations.erase_user import erase_user, wallets_of
from wallets.operations.request_payout import request_payout
from wallets.operations.transfer import transfer
from wallets.operations.update_metadata import update_metadata
from wallets.privacy.models import PrivacyRecord
from wallets.privacy.records import Order

SECRET = "Rent of Alice Example"
NOTE = {"name": "Alice Example"}


def run(*words: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as error:
        return 1, out.getvalue(), str(error)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def erase(*more: str, user: str = "user-alice", client: str = "acme") -> tuple[int, str, str]:
    return run("erase_user", "--client", client, "--user", user, "--reason", "asked", *more)


def order_for(wallet: WalletIdentity) -> Order:
    return Order(wallet.client, "user-alice", Actor("command:test"), "asked")


@pytest.fixture
def past(alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity) -> None:
    for _ in range(3):
        deposit(wallet=alice, request=_noted(alice, 10_00))
    for other in (bob, charlie):
        deposit(wallet=other, request=_noted(other, 10_00))
    transfer(source=alice, destination=bob, request=_noted(alice, 1_00))
    update_metadata(wallet=alice, patch=NOTE, expected_version=None)
    contacts.set_contact(alice.id, alice.client, ContactDetails(email="alice@example.org"))


def _noted(wallet: WalletIdentity, amount: int, key: str | None = None) -> Any:
    return asks(amount, wallet=wallet, key=key, description=SECRET, metadata=NOTE)


def paid_out(wallet: WalletIdentity, status: PayoutStatus) -> Payout:
    found = request_payout(
        wallet=wallet, request=_noted(wallet, 1_00), destination={"iban": "Alice's"}
    )
    Payout.objects.filter(pk=found.id).update(status=status)
    return Payout.objects.get(pk=found.id)


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize("size", ["1", "2", "200"])
def test_alices_texts_go_and_her_money_stays(
    alice: WalletIdentity, charlie: WalletIdentity, size: str
) -> None:
    payout = paid_out(alice, PayoutStatus.REFUSED)
    before = books_now()
    version = Wallet.objects.get(pk=alice.id).version

    code, out, _ = erase("--batch-size", size, "--json")

    assert code == 0
    report = json.loads(out)
    assert (report["wallets"], report["done"], report["left"]) == (1, 1, {})
    expected = {"entry": 4, "hold": 1, "payout": 1, "contact": 1, "wallet": 1}
    assert {name: n for name, n in report["erased"].items() if n} == expected
    row = Wallet.objects.get(pk=alice.id)
    assert (row.user_id, row.metadata, row.version) == (None, {}, version + 1)
    assert Payout.objects.get(pk=payout.id).destination == {}
    hold = Hold.objects.get(pk=payout.id)
    assert (hold.description, hold.metadata) == (None, None)
    assert contacts.contact_of(alice.id) == NOBODY
    # Charlie's and Bob's own deposits keep their texts.
    assert JournalEntry.objects.filter(description=SECRET).count() == 2
    assert not JournalEntry.objects.filter(description=None, note_salt__isnull=False).exists()
    after = books_now()
    assert (after["entries"], after["postings"]) == (before["entries"], before["postings"])
    assert after["events"] == before["events"] + 1
    told = OutboxEvent.objects.get(stream=alice.id, sequence=version + 1)
    assert told.type == "wallet.updated.v1"
    assert balance(alice) == 29_00


@pytest.mark.usefixtures("past")
def test_what_is_sealed_stays_proven(alice: WalletIdentity) -> None:
    sealing.seal(upto=settled.end_of_books(), size=100, tell=lambda head: None)

    assert erase()[0] == 0

    code, out, err = run("verify_ledger", "--deep")
    assert code == 0, out + err


@pytest.mark.usefixtures("past")
def test_a_second_time_changes_nothing(alice: WalletIdentity) -> None:
    assert erase()[0] == 0
    before, records = books_now(), PrivacyRecord.objects.count()

    code, _, err = erase()
    by_wallet = run("erase_user", "--wallet", str(alice.id), "--reason", "asked again")

    assert (code, by_wallet[0]) == (0, 0)
    assert "the last wallet was erased" in err
    assert (books_now(), PrivacyRecord.objects.count()) == (before, records)


@pytest.mark.usefixtures("past")
def test_a_stop_between_batches_is_gone_on_from(alice: WalletIdentity) -> None:
    asked = iter([False, False, False, True])

    (first,) = erase_user(
        wallets=[alice.id], order=order_for(alice), batch_size=1, enough=lambda: next(asked, True)
    )

    assert not first.is_done
    assert 0 < first.erased.total() < 6
    assert wallets_of(alice.client, "user-alice") == [alice.id]
    code, out, _ = erase("--json", "--batch-size", "1")
    rest = json.loads(out)["erased"]
    assert code == 0
    assert first.erased["entry"] + rest["entry"] == 4
    counted = [record.counts.get("entry", 0) for record in PrivacyRecord.objects.all()]
    assert sum(counted) == 4


@pytest.mark.usefixtures("past")
def test_a_dry_run_counts_and_changes_nothing(alice: WalletIdentity) -> None:
    before = books_now()

    code, out, _ = erase("--dry-run", "--json", "--batch-size", "2")

    assert code == 0
    found = {name: n for name, n in json.loads(out)["erased"].items() if n}
    assert found == {"contact": 1, "entry": 4, "wallet": 1}
    assert books_now() == before
    assert JournalEntry.objects.filter(description=SECRET).count() == 6
    assert not PrivacyRecord.objects.exists()


@pytest.mark.usefixtures("past")
def test_an_open_payout_keeps_its_payee_and_the_user(alice: WalletIdentity) -> None:
    payout = paid_out(alice, PayoutStatus.UNKNOWN)

    code, out, _ = erase()

    assert code == 2
    assert f"{alice.id} is not wholly erased: 1 open payouts." in out
    assert Payout.objects.get(pk=payout.id).destination == {"iban": "Alice's"}
    assert Wallet.objects.get(pk=alice.id).user_id == "user-alice"
    Payout.objects.filter(pk=payout.id).update(status=PayoutStatus.PAID)
    assert erase()[0] == 0
    assert Payout.objects.get(pk=payout.id).destination == {}


@pytest.mark.usefixtures("past")
def test_a_failed_operation_loses_its_text(client_acme: Company, alice: WalletIdentity) -> None:
    sent = Api(client_acme.key).post(
        "/wallet",
        {
            "walletId": str(alice.id),
            "operationType": "WITHDRAW",
            "amount": "900.00",
            "currency": "USD",
            "description": SECRET,
        },
    )
    assert sent.status == 202, sent
    assert erase()[0] == 2
    Operation.objects.update(status=OperationStatus.FAILED)

    assert erase()[0] == 0
    assert Operation.objects.get().description is None


@pytest.mark.usefixtures("past")
def test_a_replay_of_an_erased_movement_reads_null(alice: WalletIdentity) -> None:
    asked = _noted(alice, 5_00, key="birthday")
    first = deposit(wallet=alice, request=asked)
    assert erase()[0] == 0
    before = books_now()

    again = deposit(wallet=alice, request=asked)

    assert again.transaction_id == first.transaction_id
    assert (first.description, again.description, again.metadata) == (SECRET, None, None)
    assert books_now() == before


@pytest.mark.usefixtures("past")
def test_who_and_why_is_kept_and_no_name(alice: WalletIdentity) -> None:
    assert erase()[0] == 0

    record = PrivacyRecord.objects.filter(is_complete=True).get()
    assert (record.kind, record.wallet, record.actor) == ("ERASED", alice.id, "command:erase_user")
    assert record.reason == "asked"
    audited = AuditRecord.objects.filter(action="wallet.erase", subject=str(alice.id))
    assert audited.filter(reason="asked", detail__complete=True).count() == 1
    kept = str(list(PrivacyRecord.objects.values())) + str(list(audited.values()))
    assert "user-alice" not in kept
    assert SECRET not in kept


@pytest.mark.usefixtures("past")
def test_the_record_is_for_ever(alice: WalletIdentity) -> None:
    assert erase()[0] == 0
    for alias in {"default", databases.owner()}:
        for statement in (
            "UPDATE privacy_privacyrecord SET reason = 'another'",
            "DELETE FROM privacy_privacyrecord",
        ):
            with pytest.raises(DatabaseError), connections[alias].cursor() as cursor:
                cursor.execute(statement)


@pytest.mark.usefixtures("past")
def test_another_clients_user_of_the_same_name_is_left_alone(charlie: WalletIdentity) -> None:
    before = books_now()

    code, _, err = erase(user="user-charlie")

    assert code == 1
    assert "no wallet of that user" in err
    assert books_now() == before
    assert Wallet.objects.get(pk=charlie.id).user_id == "user-charlie"


def test_a_reason_is_needed(alice: WalletIdentity) -> None:
    code, _, err = run("erase_user", "--client", "acme", "--user", "user-alice")

    assert code == 1
    assert "--reason" in err
