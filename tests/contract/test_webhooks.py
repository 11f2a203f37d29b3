"""Webhook endpoints over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from standardwebhooks import Webhook

from events.consumers.webhooks.deliverer import deliver_due
from events.consumers.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from tests.contract.assertions import TIME, UUID, is_problem, nothing_happens
from tests.http import Api, Reply
from tests.people import wallet_of
from tests.receiver import receiver
from tests.webhooks import fan_out, local_rules, make_due
from wallet_project.kit import clock
from wallet_project.kit.clock import rfc3339
from wallets.identity import WalletIdentity

URL = "https://example.com/webhooks/wallet"
NOBODY = "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d"


def make(api: Api, body: dict[str, Any] | None = None, **more: Any) -> Reply:
    return api.post("/webhook-endpoints", {"url": URL} | (body or {}), **more)


def path_of(made: Reply, rest: str = "") -> str:
    return f"/webhook-endpoints/{made.json['id']}{rest}"


def endpoints_now() -> list[Any]:
    return list(WebhookEndpoint.objects.order_by("pk").values_list())


def test_an_endpoint_is_made_shown_and_listed(acme: Api, alice: WalletIdentity) -> None:
    filters = {
        "eventTypes": ["wallet.deposited.v1"],
        "walletIds": ["alice", str(alice.id)],
        "currency": "USD",
        "minimumAmount": "1.50",
        "maximumAmount": 20,
    }
    body = {"description": "bookkeeping", "filters": filters, "contactEmail": "oncall@acme.example"}
    made = make(acme, body)
    assert made.status == 201
    assert made.headers["location"] == f"/api/v1{path_of(made)}"
    assert made.headers["idempotency-key"]
    shown = made.json
    secret = shown.pop("secret")
    Webhook(secret)
    assert UUID.fullmatch(shown["id"])
    assert TIME.fullmatch(shown["createdAt"])
    assert shown == {
        "id": shown["id"],
        "url": URL,
        "description": "bookkeeping",
        "filters": filters
        | {"walletIds": [str(alice.id)], "minimumAmount": "1.50", "maximumAmount": "20.00"},
        "contactEmail": "oncall@acme.example",
        "enabled": True,
        "disabledReason": None,
        "disabledAt": None,
        "failures": 0,
        "failingSince": None,
        "formerSecretUntil": None,
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
    }
    assert acme.get(path_of(made)).json == shown
    second = make(acme).json["id"]
    page = acme.get("/webhook-endpoints", query={"limit": 1}).json
    assert [item["id"] for item in page["items"]] == [second]
    rest = acme.get("/webhook-endpoints", query={"cursor": page["nextCursor"]}).json
    assert rest == {"items": [shown], "nextCursor": None}
    assert secret not in str(endpoints_now())


def test_the_same_call_twice_makes_one_endpoint(acme: Api, globex: Api) -> None:
    key = {"Idempotency-Key": "bookkeeping-1"}
    first, second = make(acme, headers=key), make(acme, headers=key)
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert second.headers["idempotent-replayed"] == "true"
    assert WebhookEndpoint.objects.count() == 1
    before = endpoints_now()
    is_problem(make(acme, {"enabled": False}, headers=key), 422, "idempotency_key_reused")
    assert endpoints_now() == before
    assert make(globex, headers=key).json["id"] != first.json["id"]
    acme.post(path_of(first, "/rotate-secret"))
    assert make(acme, headers=key).json == first.json | {"secret": None}


def test_what_is_changed_is_what_was_named(acme: Api, alice: WalletIdentity) -> None:
    made = make(acme, {"description": "old", "filters": {"currency": "USD"}})
    where = path_of(made)
    patched = acme.patch(where, {"url": URL + "/2", "description": None})
    assert patched.status == 200
    assert patched.json["url"] == URL + "/2"
    assert patched.json["description"] is None
    assert patched.json["filters"]["currency"] == "USD"
    assert patched.json["updatedAt"] > made.json["updatedAt"]
    filtered = acme.patch(where, {"filters": {"walletIds": ["alice"]}}).json["filters"]
    assert (filtered["walletIds"], filtered["currency"]) == ([str(alice.id)], None)
    assert acme.patch(where, {"filters": None}).json["filters"]["walletIds"] == []
    off = acme.patch(where, {"enabled": False}).json
    assert (off["enabled"], off["disabledReason"]) == (False, "REQUESTED")
    assert TIME.fullmatch(off["disabledAt"])
    on = acme.patch(where, {"enabled": True}).json
    assert (on["enabled"], on["disabledReason"], on["disabledAt"]) == (True, None, None)


def test_a_removed_endpoint_is_gone(acme: Api) -> None:
    made = make(acme)
    reply = acme.call("DELETE", path_of(made))
    assert (reply.status, reply.body) == (204, b"")
    for again in (acme.call("DELETE", path_of(made)), acme.get(path_of(made))):
        is_problem(again, 404, "webhook_endpoint_not_found")
    assert acme.get("/webhook-endpoints").json["items"] == []


def test_a_rotated_secret_has_an_overlap(acme: Api) -> None:
    made = make(acme)
    rotated = acme.post(path_of(made, "/rotate-secret"))
    assert rotated.status == 200
    assert rotated.json["secret"] != made.json["secret"]
    assert TIME.fullmatch(rotated.json["formerSecretUntil"])
    assert "secret" not in acme.get(path_of(made)).json


def test_a_rotation_that_is_repeated_tells_the_same_secret(acme: Api) -> None:
    """Else the answer that was lost and the one that came would be the only two that sign."""
    made = make(acme)
    key = {"Idempotency-Key": "rotate-1"}
    first, again = (acme.post(path_of(made, "/rotate-secret"), headers=key) for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert again.json["secret"] == first.json["secret"] != made.json["secret"]
    assert again.headers["idempotent-replayed"] == "true"
    other = acme.post(path_of(made, "/rotate-secret"), headers={"Idempotency-Key": "rotate-2"})
    assert other.json["secret"] != first.json["secret"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"url": "http://example.com"}, "webhook_url_not_allowed", "url"),
        ({"url": "https://127.0.0.1/x"}, "webhook_url_not_allowed", "url"),
        ({"url": "https://user:password@example.com"}, "webhook_url_not_allowed", "url"),
        ({"url": ""}, "invalid_field", "url"),
        ({"url": 5}, "wrong_type", "url"),
        ({"url": None}, "wrong_type", "url"),
        ({"enabled": "yes"}, "wrong_type", "enabled"),
        ({"description": "a\u0007"}, "invalid_field", "description"),
        ({"contactEmail": "nobody"}, "invalid_field", "contactEmail"),
        ({"contactEmail": "a@b.example\nBcc: c@d.example"}, "invalid_field", "contactEmail"),
        ({"secret": "whsec_x"}, "unknown_field", "secret"),
        ({"filters": {"eventTypes": ["wallet.exploded.v1"]}}, "unknown_event_type", "eventTypes"),
        ({"filters": {"minimumAmount": "1.00"}}, "invalid_field", "filters.currency"),
        (
            {"filters": {"currency": "USD", "minimumAmount": "1.001"}},
            "too_many_decimals",
            "filters.minimumAmount",
        ),
        (
            {"filters": {"currency": "USD", "maximumAmount": True}},
            "malformed_amount",
            "filters.maximumAmount",
        ),
        (
            {"filters": {"currency": "USD", "minimumAmount": "2", "maximumAmount": "1"}},
            "invalid_field",
            "filters.maximumAmount",
        ),
        ({"filters": {"currency": "XXX", "minimumAmount": "1"}}, "unknown_currency", "currency"),
        ({"filters": {"currency": "XXX"}}, "unknown_currency", "currency"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    acme: Api, body: dict[str, Any], code: str, field: str
) -> None:
    made = make(acme)
    before = endpoints_now()
    is_problem(make(acme, body), 400, code, field)
    is_problem(acme.patch(path_of(made), body), 400, code, field)
    assert endpoints_now() == before


def test_a_filter_names_wallets_of_the_callers_only(
    acme: Api, alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    for name in (str(charlie.id), "charlie", NOBODY):
        is_problem(make(acme, {"filters": {"walletIds": [name]}}), 404, "wallet_not_found")
    assert endpoints_now() == []


def test_a_client_has_so_many_endpoints_and_no_more(acme: Api, globex: Api, settings: Any) -> None:
    settings.WEBHOOKS = local_rules(endpoints_max=2)
    first = make(acme)
    make(acme)
    refused = is_problem(make(acme), 422, "too_many_webhook_endpoints")
    assert refused.json["limit"] == 2
    assert make(globex).status == 201
    acme.call("DELETE", path_of(first))
    assert make(acme).status == 201


def test_everything_that_is_anothers_looks_as_if_it_did_not_exist(
    acme: Api, globex: Api, alice: WalletIdentity
) -> None:
    made = make(acme)
    acme.deposit("alice", "5.00")
    fan_out()
    delivery = acme.get(path_of(made, "/deliveries")).json["items"][0]["id"]
    other = make(globex)
    calls = [
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/rotate-secret", None),
        ("POST", "/test", None),
        ("POST", "/redeliver", {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}),
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{delivery}", None),
        ("POST", f"/deliveries/{delivery}/redeliver", None),
    ]
    before = endpoints_now(), list(WebhookDelivery.objects.values_list())
    with nothing_happens():
        for method, rest, body in calls:
            for name in (made.json["id"], NOBODY, "nonsense"):
                reply = globex.call(method, f"/webhook-endpoints/{name}{rest}", body)
                is_problem(reply, 404, "webhook_endpoint_not_found")
        # The endpoint is Globex', the delivery is not.
        for rest in (f"/deliveries/{delivery}", f"/deliveries/{NOBODY}", "/deliveries/x"):
            is_problem(globex.get(path_of(other, rest)), 404, "webhook_delivery_not_found")
    assert before == (endpoints_now(), list(WebhookDelivery.objects.values_list()))


@pytest.fixture
def local(settings: Any) -> None:
    """Let receivers listen on this machine."""
    settings.WEBHOOKS = local_rules()


def test_from_a_deposit_to_the_log(
    acme: Api, alice: WalletIdentity, local: None, settings: Any
) -> None:
    with receiver(statuses=[500, 200], body=b"so so \xff") as hook:
        made = make(acme, {"url": hook.url})
        tested = acme.post(path_of(made, "/test"))
        assert (tested.status, tested.json["status"]) == (202, "PENDING")
        deliver_due(settings.WEBHOOKS)
        acme.deposit("alice", "5.00", referenceId="dep-1")
        fan_out()
        make_due()
        deliver_due(settings.WEBHOOKS)
        listed = acme.get(path_of(made, "/deliveries")).json["items"]
        assert [item["eventType"] for item in listed] == ["wallet.deposited.v1", "webhook.test.v1"]
        failed = acme.get(path_of(made, f"/deliveries/{tested.json['id']}")).json
        assert (failed["status"], failed["attempts"], failed["lastError"]) == ("SUCCEEDED", 2, None)
        first, second = failed["log"]
        assert (first["number"], first["statusCode"], first["error"]) == (1, 500, "http_status")
        assert (second["number"], second["statusCode"], second["error"]) == (2, 200, None)
        assert first["response"] == "so so \ufffd"
        assert failed["payload"]["data"] == {"endpointId": made.json["id"]}
        told = acme.get(path_of(made, f"/deliveries/{listed[0]['id']}")).json
        assert told["walletId"] == str(alice.id)
        assert told["payload"]["data"]["referenceId"] == "dep-1"
        again = acme.post(path_of(made, f"/deliveries/{listed[0]['id']}/redeliver"))
        assert (again.status, again.json["status"]) == (202, "PENDING")
        waiting = acme.get(path_of(made, "/deliveries"), query={"status": "PENDING"}).json["items"]
        assert [item["id"] for item in waiting] == [listed[0]["id"]]
        deliver_due(settings.WEBHOOKS)
        assert len(hook.calls) == 4
        span = {
            "from": rfc3339(clock.now() - timedelta(hours=1)),
            "to": rfc3339(clock.now() + timedelta(hours=1)),
        }
        found = acme.post(
            path_of(made, "/redeliver"), span | {"eventTypes": ["wallet.deposited.v1"]}
        )
        assert (found.status, found.json) == (202, {"count": 1, "nextFrom": None})
        assert acme.post(path_of(made, "/redeliver"), span).json["count"] == 1  # the test
        call_command("deliver_webhooks", once=True)
        assert len(hook.calls) == 6


def test_deliveries_are_paged(acme: Api, alice: WalletIdentity) -> None:
    made = make(acme)
    for _ in range(3):
        acme.deposit("alice", "5.00")
    fan_out()
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = acme.get(path_of(made, "/deliveries"), query=query).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 3
    for query, code in (
        ({"status": "LOST"}, "invalid_parameter"),
        ({"cursor": "x"}, "invalid_cursor"),
        ({"limit": 0}, "invalid_parameter"),
        ({"state": "FAILED"}, "invalid_parameter"),
    ):
        is_problem(acme.get(path_of(made, "/deliveries"), query=query), 400, code)


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"from": "2026-01-01T00:00:00Z"},
        {"from": "yesterday", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "eventTypes": ["x"]},
    ],
)
def test_a_range_that_makes_no_sense(acme: Api, alice: WalletIdentity, span: Any) -> None:
    made = make(acme)
    acme.deposit("alice", "5.00")
    fan_out()
    WebhookDelivery.objects.update(status=DeliveryStatus.FAILED)
    assert acme.post(path_of(made, "/redeliver"), span).status == 400
    assert WebhookDelivery.objects.get().status == DeliveryStatus.FAILED


def test_a_disabled_endpoint_is_sent_nothing(acme: Api, alice: WalletIdentity) -> None:
    made = make(acme, {"enabled": False})
    acme.deposit("alice", "5.00")
    fan_out()
    (skipped,) = acme.get(path_of(made, "/deliveries")).json["items"]
    assert skipped["status"] == "SKIPPED"
    span = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    for rest, body in (
        ("/test", None),
        ("/redeliver", span),
        (f"/deliveries/{skipped['id']}/redeliver", None),
    ):
        is_problem(acme.post(path_of(made, rest), body), 422, "webhook_endpoint_disabled")
    assert WebhookDelivery.objects.get().status == DeliveryStatus.SKIPPED
    acme.patch(path_of(made), {"enabled": True})
    assert acme.post(path_of(made, "/redeliver"), span).json["count"] == 1


def test_a_body_where_none_belongs(acme: Api) -> None:
    made = make(acme)
    is_problem(acme.post(path_of(made, "/test"), {"a": 1}), 400, "unknown_field", "a")
    assert acme.post(path_of(made, "/test"), {}).status == 202


def test_amounts_are_compared_in_their_currency(acme: Api, client_acme: Any) -> None:
    wallet_of(client_acme, "kuwait", currency="KWD")
    made = make(acme, {"filters": {"currency": "KWD", "minimumAmount": "1.005"}})
    assert made.json["filters"]["minimumAmount"] == "1.005"
    acme.deposit("kuwait", "1.004")
    acme.deposit("kuwait", "1.005")
    fan_out()
    assert WebhookDelivery.objects.count() == 1
