"""From results to answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from tests.unit.api.callers import call
from wallets import queries
from wallets.api import rendering
from wallets.chart import Kind
from wallets.errors import WalletFrozen
from wallets.idempotency import Key
from wallets.movements import MovementRecord
from wallets.operations._commands import Outcome
from wallets.operations.open_wallet import Opened

MOMENT = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
WALLET, OTHER, ENTRY = UUID(int=1), UUID(int=2), UUID(int=3)


def record(kind: Kind, destination: UUID | None = None) -> MovementRecord:
    return MovementRecord(
        transaction_id=ENTRY,
        kind=kind,
        wallet_id=WALLET,
        destination_wallet_id=destination,
        amount=1_050,
        currency="USD",
        balance=-5,
        version=4,
        reference="",
        channel="default",
        description=None,
        metadata=None,
        value_date=date(2026, 1, 15),
        created_at=MOMENT,
    )


def view(version: int = 3) -> queries.WalletView:
    return queries.WalletView(
        id=WALLET,
        client=7,
        user_id=None,
        reference="alice",
        currency="JPY",
        status="ACTIVE",
        balance=500,
        held=100,
        available=400,
        version=version,
        metadata={"a": 1},
        created_at=MOMENT,
        updated_at=MOMENT,
    )


def test_a_movement_holds_only_facts_of_its_entry() -> None:
    answer = rendering.movement(call("POST"), Outcome(record(Kind.DEPOSIT)))
    assert answer.status == 201
    assert json.loads(answer.body) == {
        "transactionId": str(ENTRY),
        "type": "DEPOSIT",
        "walletId": str(WALLET),
        "amount": "10.50",
        "currency": "USD",
        "balance": "-0.05",
        "version": 4,
        "referenceId": None,
        "description": None,
        "createdAt": "2026-01-15T10:30:00.000000Z",
    }
    again = rendering.movement(call("POST"), Outcome(record(Kind.DEPOSIT), replayed=True))
    assert again.body == answer.body
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_transfer_adds_its_destination_and_nothing_else() -> None:
    deposit = rendering.movement(call("POST"), Outcome(record(Kind.DEPOSIT)))
    transfer = rendering.movement(call("POST"), Outcome(record(Kind.TRANSFER, OTHER)))
    body = json.loads(transfer.body)
    assert body["destinationWalletId"] == str(OTHER)
    assert set(body) - set(json.loads(deposit.body)) == {"destinationWalletId"}


def test_a_refusal_is_raised_and_may_be_a_replay() -> None:
    asked = call("POST")
    with pytest.raises(WalletFrozen):
        rendering.movement(asked, Outcome(error=WalletFrozen("No."), replayed=True))
    assert asked.replayed


def test_headers_of_every_answer() -> None:
    asked = call("POST", key=Key(b"", "k"))
    headers = rendering.opened(asked, Opened(view(1), replayed=False)).headers
    assert headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Request-ID": "request-1",
        "Idempotency-Key": "k",
        "Location": f"/api/v1/wallets/{WALLET}",
        "ETag": '"1"',
    }


@pytest.mark.parametrize(("method", "status"), [("GET", 304), ("HEAD", 304), ("PATCH", 200)])
def test_not_modified_is_for_reads(method: str, status: int) -> None:
    answer = rendering.wallet(call(method, headers={"if-none-match": '"3"'}), view())
    assert answer.status == status
    assert answer.headers["ETag"] == '"3"'
    assert (answer.body == b"") is (status == 304)


@pytest.mark.parametrize(("found", "more"), [(2, False), (3, True)])
def test_a_page_tells_whether_another_follows(found: int, more: bool) -> None:
    page = json.loads(rendering.wallets_page(call(), queries.WalletsPage([view()] * found), 2).body)
    assert len(page["items"]) == 2
    assert (page["nextCursor"] is not None) is more


def test_an_empty_page() -> None:
    assert json.loads(rendering.history_page(call(), queries.HistoryPage([]), 2).body) == {
        "items": [],
        "nextCursor": None,
    }
