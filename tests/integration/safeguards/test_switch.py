"""The switch that stops money: everywhere, for reads and events it is not there."""

from __future__ import annotations

import threading
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.http import Api
from tests.people import Company, books_now, fund
from wallet_project.kit.models import AuditRecord
from wallets import credentials, errors
from wallets.approvals import registry
from wallets.identity import WalletIdentity
from wallets.operations.apply_operations import apply_operations
from wallets.payouts import worker
from wallets.payouts.gateway import NeverSeen, Payment, Said
from wallets.safeguards import switch


class NoGateway:
    """A gateway that nobody may ask."""

    def pay(self, payment: Payment) -> Said:
        pytest.fail("A payment was sent.")

    def find(self, key: UUID) -> Said | NeverSeen:
        pytest.fail("A payment was asked for.")


def pause() -> None:
    call_command("pause_writes", "--reason", "the books disagree", stdout=StringIO())
    credentials.forget_all()  # four seconds later


def resume() -> None:
    call_command("resume_writes", "--reason", "they agree", stdout=StringIO())
    credentials.forget_all()


def test_money_stops_and_reads_go_on(client_acme: Company, alice: WalletIdentity) -> None:
    fund(alice, 10_000)
    acme = Api(client_acme.key)
    pause()
    before = books_now()
    body = {"amount": "1.00", "referenceId": "r1"}
    answers = [
        acme.post(f"/wallets/{alice.id}/deposit", body),
        acme.post(f"/wallets/{alice.id}/withdraw", body),
        acme.post(f"/wallets/{alice.id}/transfer", body),
        acme.post(f"/wallets/{alice.id}/holds", body),
        acme.post(f"/holds/{uuid4()}/capture", {}),
        acme.post(f"/holds/{uuid4()}/void", {}),
        acme.post("/payouts", body),
        acme.post("/transactions/bulk", {"transactions": []}),
        acme.post(f"/transactions/{uuid4()}/reverse", {}),
        acme.post("/wallet", body),
    ]
    assert {(one.status, one.json["code"]) for one in answers} == {(503, "writes_paused")}
    assert all(int(one.headers["retry-after"]) > 0 for one in answers)
    assert books_now() == before
    for path in ("/balance", "/transactions", ""):
        assert acme.get(f"/wallets/{alice.id}{path}").status == 200

    resume()
    assert acme.post(f"/wallets/{alice.id}/deposit", body).status == 201


def test_workers_stand_still_as_well(alice: WalletIdentity) -> None:
    pause()
    with pytest.raises(errors.WritesPaused):
        apply_operations([])
    assert switch.is_paused()
    assert worker.run_once(NoGateway(), stop=threading.Event()) == 0
    resume()
    assert apply_operations([]) == 0


def test_turning_it_twice_changes_nothing_and_each_turn_is_noted(alice: WalletIdentity) -> None:
    pause()
    pause()
    resume()
    noted = AuditRecord.objects.filter(subject_type="safeguards.writeswitch").order_by("pk")
    assert [(one.action, one.reason, one.actor) for one in noted] == [
        ("writes.pause", "the books disagree", "command:pause_writes"),
        ("writes.resume", "they agree", "command:resume_writes"),
    ]


def test_nobody_stops_money_without_a_reason(alice: WalletIdentity) -> None:
    with pytest.raises(CommandError, match="Say why"):
        call_command("pause_writes", "--reason", " ")
    assert not switch.is_paused()


def test_in_the_back_office_it_takes_two_people() -> None:
    assert registry.find("pause_writes").is_atomic
    assert registry.find("resume_writes").is_atomic
