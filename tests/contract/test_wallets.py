"""Wallets: opening, showing, listing, noting."""

from __future__ import annotations

import pytest

from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.http import Api
from wallets.identity import WalletIdentity


def test_opening_a_wallet_needs_no_more_than_a_customer(acme: Api) -> None:
    reply = acme.post("/wallets", {"userId": "user123"})
    assert reply.status == 201
    body = reply.json
    assert UUID.fullmatch(body["id"])
    assert TIME.fullmatch(body["createdAt"])
    assert reply.headers["location"] == f"/api/v1/wallets/{body['id']}"
    assert reply.headers["etag"] == '"1"'
    assert UUID.fullmatch(reply.headers["idempotency-key"])
    assert list(body.items()) == [
        ("id", body["id"]),
        ("userId", "user123"),
        ("reference", None),
        ("currency", "USD"),
        ("status", "ACTIVE"),
        ("balance", "0.00"),
        ("held", "0.00"),
        ("available", "0.00"),
        ("version", 1),
        ("metadata", {}),
        ("createdAt", body["createdAt"]),
        ("updatedAt", body["createdAt"]),
    ]
    assert acme.get(reply.headers["location"], from_root=True).json == body


def test_amounts_have_the_currencys_decimals(acme: Api) -> None:
    for currency, zero in (("JPY", "0"), ("KWD", "0.000"), ("EUR", "0.00")):
        assert acme.post("/wallets", {"currency": currency}).json["balance"] == zero


@pytest.mark.parametrize("currency", ["usd", "XXX", "DOL", "XAU"])
def test_unknown_currencies(acme: Api, currency: str) -> None:
    with nothing_happens():
        is_problem(
            acme.post("/wallets", {"currency": currency}), 400, "unknown_currency", "currency"
        )


def test_customers_may_have_several_wallets(acme: Api) -> None:
    ids = {acme.post("/wallets", {"userId": "same"}).json["id"] for _ in range(3)}
    found = acme.get("/wallets", query={"userId": "same"}).json["items"]
    assert {item["id"] for item in found} == ids
    assert acme.get("/wallets", query={"userId": "other"}).json["items"] == []


def test_a_reference_works_wherever_an_id_does(acme: Api, alice: WalletIdentity) -> None:
    assert acme.deposit("alice", "5.00").status == 201
    assert acme.withdraw("alice", "1.00").status == 201
    for path in ("", "/balance", "/transactions"):
        by_reference, by_id = (
            acme.get(f"/wallets/alice{path}"),
            acme.get(f"/wallets/{alice.id}{path}"),
        )
        strip = {"asOf"}
        assert {k: v for k, v in by_reference.json.items() if k not in strip} == {
            k: v for k, v in by_id.json.items() if k not in strip
        }
    assert acme.get(f"/wallets/{str(alice.id).upper()}").json["id"] == str(alice.id)
    assert acme.patch("/wallets/alice", {"metadata": {"a": 1}}).status == 200


def test_references_are_compared_by_bytes(acme: Api) -> None:
    made = {
        name: acme.post("/wallets", {"reference": name}).json["id"]
        for name in ("Key-A", "key-a", "key-a.", "key-A")
    }
    assert len(set(made.values())) == 4
    for name, wallet_id in made.items():
        assert acme.get(f"/wallets/{name}").json["id"] == wallet_id
    is_problem(acme.get("/wallets/KEY-A"), 404, "wallet_not_found")


def test_a_reference_is_its_clients_alone(acme: Api, globex: Api, alice: WalletIdentity) -> None:
    with nothing_happens():
        taken = acme.post("/wallets", {"reference": "alice"}, headers={"Idempotency-Key": "k"})
        is_problem(taken, 409, "reference_taken", "reference")
        assert taken.headers["idempotency-key"] == "k"
    assert globex.post("/wallets", {"reference": "alice"}).status == 201
    # Turned down, not refused: the key is still free.
    again = acme.post("/wallets", {"reference": "alice2"}, headers={"Idempotency-Key": "k"})
    assert again.status == 201


def test_opening_with_a_key_opens_once(acme: Api) -> None:
    headers = {"Idempotency-Key": "open-1"}
    first = acme.post("/wallets", {"userId": "u", "metadata": {"a": 1}}, headers=headers)
    acme.deposit(first.json["id"], "5.00")
    acme.patch(f"/wallets/{first.json['id']}", {"metadata": {"b": 2}})
    again = acme.post("/wallets", {"metadata": {"a": 1}, "userId": "u"}, headers=headers)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    with nothing_happens():
        other = acme.post("/wallets", {"userId": "v"}, headers=headers)
        is_problem(other, 422, "idempotency_key_reused")
        moved = acme.deposit(first.json["id"], "1.00", headers=headers)
        is_problem(moved, 422, "idempotency_key_reused")


def test_etags_spare_a_caller_what_he_has(acme: Api, alice: WalletIdentity) -> None:
    first = acme.get("/wallets/alice")
    headers = {"If-None-Match": first.headers["etag"]}
    same = acme.get("/wallets/alice", headers=headers)
    assert (same.status, same.body) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    acme.deposit("alice", "1.00")
    changed = acme.get("/wallets/alice", headers=headers)
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')


def test_metadata_is_changed_by_a_merge_patch(acme: Api, alice: WalletIdentity) -> None:
    acme.patch("/wallets/alice", {"metadata": {"a": 1, "b": {"c": 1, "d": 2}}})
    reply = acme.patch("/wallets/alice", {"metadata": {"a": None, "b": {"c": None}, "e": [1]}})
    assert reply.status == 200
    assert reply.json["metadata"] == {"b": {"d": 2}, "e": [1]}
    assert reply.headers["etag"] == '"3"'
    assert reply.json == acme.get("/wallets/alice").json
    media = {"Content-Type": "application/merge-patch+json"}
    assert acme.patch("/wallets/alice", {"metadata": {}}, headers=media).json["version"] == 3


def test_a_patch_can_insist_on_a_version(acme: Api, alice: WalletIdentity) -> None:
    patch = {"metadata": {"a": 1}}
    assert acme.patch("/wallets/alice", patch, headers={"If-Match": '"1"'}).status == 200
    for old in ('"1"', '"9"', 'W/"2"', '"x"'):
        with nothing_happens():
            late = acme.patch("/wallets/alice", {"metadata": {"a": 2}}, headers={"If-Match": old})
            is_problem(late, 412, "version_mismatch")
            assert late.json["version"] == 2
    assert (
        acme.patch("/wallets/alice", {"metadata": {"a": 3}}, headers={"If-Match": "*"}).status
        == 200
    )


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({}, "field_required"),
        ({"metadata": None}, "wrong_type"),
        ({"metadata": []}, "wrong_type"),
        ({"metadata": {str(n): n for n in range(21)}}, "invalid_field"),
        ({"metadata": {"note": "x" * 4096}}, "invalid_field"),
        ({"metadata": {"a": "\x00"}}, "forbidden_character"),
        ({"metadata": {}, "status": "FROZEN"}, "unknown_field"),
        ({"metadata": {}, "balance": "9.00"}, "unknown_field"),
    ],
)
def test_bad_patches(acme: Api, alice: WalletIdentity, patch: object, code: str) -> None:
    with nothing_happens():
        is_problem(acme.patch("/wallets/alice", patch), 400, code)


def test_min_version_on_reads(acme: Api, alice: WalletIdentity) -> None:
    version = acme.deposit("alice", "1.00").json["version"]
    for path in (
        "",
        "/balance",
        "/transactions",
        "/balance/historical?timestamp=2024-01-01T00:00:00Z",
    ):
        for asked, status in (("1", 200), (str(version), 200)):
            got = acme.get(f"/wallets/alice{path}", headers={"X-Min-Version": asked})
            assert got.status == status
        more = acme.get(f"/wallets/alice{path}", headers={"X-Min-Version": str(version + 1)})
        is_problem(more, 412, "version_not_reached")
        bad = acme.get(f"/wallets/alice{path}", headers={"X-Min-Version": "two"})
        is_problem(bad, 400, "invalid_header", "X-Min-Version")


def test_lists_are_paged_newest_first(acme: Api, globex: Api) -> None:
    made = [acme.post("/wallets", {"userId": f"u{n}"}).json["id"] for n in range(5)]
    globex.post("/wallets", {})
    seen: list[str] = []
    query = {"limit": 2}
    for _ in range(3):
        page = acme.get("/wallets", query=query).json
        seen += [item["id"] for item in page["items"]]
        query = {"limit": 2, "cursor": page["nextCursor"]}
    assert seen == made[::-1]
    assert page["nextCursor"] is None
    assert acme.get("/wallets", query={"limit": 5}).json["nextCursor"] is None


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"limit": 0}, "invalid_parameter", "limit"),
        ({"limit": 201}, "invalid_parameter", "limit"),
        ({"limit": "many"}, "invalid_parameter", "limit"),
        ({"cursor": "nonsense"}, "invalid_cursor", "cursor"),
        ({"offset": 1}, "invalid_parameter", "offset"),
    ],
)
def test_bad_parameters_of_lists(
    acme: Api, alice: WalletIdentity, query: dict[str, object], code: str, field: str
) -> None:
    for path in ("/wallets", "/wallets/alice/transactions"):
        is_problem(acme.get(path, query=query), 400, code, field)
