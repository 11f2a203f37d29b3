"""What may leave a wallet still, as its owner is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.assertions import is_problem
from tests.http import Api
from tests.people import fund
from wallet_project.kit.audit import Actor
from wallets.identity import WalletIdentity
from wallets.operations.set_limits import set_limits
from wallets.safeguards.limits import Bounds


@pytest.fixture(autouse=True)
def money(alice: WalletIdentity) -> None:
    fund(alice, 100_000)


def limit(wallet: WalletIdentity, *, is_default: bool = False, **numbers: int) -> None:
    set_limits(
        client=wallet.client,
        wallet=None if is_default else wallet.id,
        currency=wallet.currency,
        bounds=Bounds(**numbers),
        by=Actor("command:test"),
        reason="asked for",
    )


def told(api: Api, wallet: str = "alice") -> dict[str, Any]:
    reply = api.get(f"/wallets/{wallet}/limits")
    assert reply.status == 200, str(reply)
    return {one.pop("window"): one for one in reply.json["limits"]}


def test_a_wallet_without_limits_has_an_empty_list(acme: Api, alice: WalletIdentity) -> None:
    assert acme.get("/wallets/alice/limits").json == {
        "walletId": str(alice.id),
        "currency": "USD",
        "limits": [],
        "stale": False,
    }


def test_what_is_left_falls_with_every_movement_out(acme: Api, alice: WalletIdentity) -> None:
    limit(alice, per_operation=5_000, per_day=10_000, per_month=50_000, count_per_day=3)
    acme.withdraw("alice", "30.00")
    acme.deposit("alice", "99.00")
    found = told(acme)
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(1)
    midnight = f"{tomorrow:%Y-%m-%dT%H:%M:%S}.000000Z"
    assert found["operation"] == {"limit": "50.00", "left": "50.00", "resetAt": None}
    assert found["day"] == {"limit": "100.00", "left": "70.00", "resetAt": midnight}
    assert (found["month"]["limit"], found["month"]["left"]) == ("500.00", "470.00")
    assert found["month"]["resetAt"] >= midnight
    assert found["count"] == {"limit": 3, "left": 2, "resetAt": midnight}


def test_what_is_told_is_what_a_refusal_says_and_what_still_passes(
    acme: Api, alice: WalletIdentity
) -> None:
    limit(alice, per_day=10_000)
    acme.withdraw("alice", "30.00")
    day = told(acme)["day"]
    refused = acme.withdraw("alice", "70.01")
    is_problem(refused, 422, "limit_exceeded")
    assert {name: refused.json[name] for name in day} == day
    assert acme.withdraw("alice", day["left"]).status == 201
    assert told(acme)["day"]["left"] == "0.00"


def test_the_wallets_own_limit_goes_before_its_clients(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    limit(alice, is_default=True, per_day=10_000, count_per_day=9)
    limit(alice, per_day=2_000)
    assert {name: one["limit"] for name, one in told(acme).items()} == {"day": "20.00", "count": 9}
    assert told(acme, "bob")["day"]["limit"] == "100.00"


def test_a_limit_below_what_has_left_already_leaves_nothing(
    acme: Api, alice: WalletIdentity
) -> None:
    limit(alice, per_day=10_000)
    acme.withdraw("alice", "30.00")
    limit(alice, per_day=1_000)
    assert told(acme)["day"]["left"] == "0.00"


def test_another_clients_wallet_is_not_found_and_no_parameter_is_known(
    acme: Api, globex: Api, alice: WalletIdentity
) -> None:
    limit(alice, per_day=10_000)
    is_problem(globex.get(f"/wallets/{alice.id}/limits"), 404, "wallet_not_found")
    is_problem(acme.get("/wallets/alice/limits", query={"x": "1"}), 400, "invalid_parameter")
