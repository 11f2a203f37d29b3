"""How a wallet's holder is reached, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.assertions import is_problem
from tests.http import Api
from tests.people import Company, wallet_of
from wallets.identity import WalletIdentity

CONTACT = {
    "email": "alice@example.org",
    "phone": "+4915112345678",
    "pushToken": "token-1",
    "kinds": ["MONEY_IN", "LOW_BALANCE"],
    "lowBalance": "10.00",
    "largeWithdrawal": None,
}


def put(api: Api, wallet: object, body: Any) -> Any:
    return api.call("PUT", f"/wallets/{wallet}/contact", body)


def test_a_contact_is_set_shown_and_erased(acme: Api, alice: WalletIdentity) -> None:
    path = "/wallets/alice/contact"
    empty = acme.get(path).json
    assert (empty["email"], empty["kinds"], empty["updatedAt"]) == (None, [], None)

    made = put(acme, "alice", CONTACT)
    assert made.status == 200, str(made)
    shown = acme.get(path).json
    assert shown == made.json
    assert shown.pop("updatedAt")
    assert shown == CONTACT | {"walletId": str(alice.id)}

    assert acme.call("DELETE", path).status == 204
    assert acme.call("DELETE", path).status == 204
    assert acme.get(path).json == empty


def test_what_is_left_out_is_erased(acme: Api, alice: WalletIdentity) -> None:
    put(acme, "alice", CONTACT)
    put(acme, "alice", {"email": "new@example.org", "kinds": ["FROZEN", "FROZEN"]})
    shown = acme.get("/wallets/alice/contact").json
    assert (shown["email"], shown["phone"], shown["pushToken"]) == ("new@example.org", None, None)
    assert (shown["kinds"], shown["lowBalance"]) == (["FROZEN"], None)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"email": "nobody"}, "invalid_field", "email"),
        ({"email": "a@example.org\nBcc: b@example.org"}, "invalid_field", "email"),
        ({"phone": "0151 1234"}, "invalid_field", "phone"),
        ({"pushToken": "a\tb"}, "invalid_field", "pushToken"),
        ({"kinds": ["EVERYTHING"]}, "invalid_field", "kinds"),
        ({"kinds": "MONEY_IN"}, "wrong_type", "kinds"),
        ({"kinds": ["LARGE_WITHDRAWAL"]}, "field_required", "largeWithdrawal"),
        ({"lowBalance": "10.001"}, "too_many_decimals", "lowBalance"),
        ({"lowBalance": None}, "field_required", "lowBalance"),
        ({"largeWithdrawal": "-1"}, "amount_not_positive", "largeWithdrawal"),
        ({"largeWithdrawal": True}, "malformed_amount", "largeWithdrawal"),
        ({"address": "Main Street 1"}, "unknown_field", "address"),
    ],
)
def test_a_contact_that_makes_no_sense_is_refused_and_changes_nothing(
    acme: Api, alice: WalletIdentity, change: dict[str, Any], code: str, field: str
) -> None:
    put(acme, "alice", CONTACT)
    before = acme.get("/wallets/alice/contact").json
    is_problem(put(acme, "alice", CONTACT | change), 400, code, field)
    assert acme.get("/wallets/alice/contact").json == before


def test_thresholds_are_in_the_wallets_currency(acme: Api, client_acme: Company) -> None:
    wallet_of(client_acme, "yen", currency="JPY")
    made = put(acme, "yen", {"kinds": ["LOW_BALANCE"], "lowBalance": 500}).json
    assert made["lowBalance"] == "500"
    is_problem(
        put(acme, "yen", {"kinds": [], "lowBalance": "5.0"}), 400, "too_many_decimals", "lowBalance"
    )


def test_nobody_sees_or_sets_anothers_contact(
    acme: Api, globex: Api, alice: WalletIdentity
) -> None:
    put(acme, "alice", CONTACT)
    for method, body in (("GET", None), ("PUT", CONTACT), ("DELETE", None)):
        reply = globex.call(method, f"/wallets/{alice.id}/contact", body)
        is_problem(reply, 404, "wallet_not_found")
    assert acme.get("/wallets/alice/contact").json["email"] == CONTACT["email"]
