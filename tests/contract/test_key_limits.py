"""Keys that are bound to networks, when they were used, and what is told of who was turned away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.contract.assertions import is_problem, nothing_happens
from tests.http import Api, InProcess
from tests.people import Company
from wallet_project.kit import clock
from wallet_project.kit.bounded_log import BoundedLog
from wallet_project.kit.models import AuditRecord
from wallets import credentials, key_use, metrics
from wallets.identity import WalletIdentity
from wallets.models import ApiKey

OFFICE = "198.51.100.7"


def at(address: str, key: str) -> Api:
    return Api(key, InProcess(REMOTE_ADDR=address))


def limit(company: Company, networks: str, reason: str = "leaves the office no more") -> None:
    prefix = company.key.partition(".")[0]
    call_command("limit_key", prefix, networks=networks, reason=reason, stderr=StringIO())
    credentials.forget_all()


def test_a_bound_key_opens_from_its_networks_alone(
    client_acme: Company, alice: WalletIdentity
) -> None:
    limit(client_acme, "198.51.100.0/24, 2001:db8::/32")
    assert at(OFFICE, client_acme.key).deposit("alice", "5.00").status == 201
    with nothing_happens():
        elsewhere = at("192.0.2.9", client_acme.key)
        is_problem(elsewhere.deposit("alice", "5.00"), 401, "unauthenticated")
        is_problem(elsewhere.get("/wallets"), 401, "unauthenticated")
    limit(client_acme, "")
    assert at("192.0.2.9", client_acme.key).balance("alice") == "5.00"
    told = AuditRecord.objects.filter(action="apikey.limit").order_by("pk").first()
    assert told is not None
    assert told.detail["after"] == ["198.51.100.0/24", "2001:db8::/32"]


def test_the_key_that_takes_over_is_bound_as_well(client_acme: Company) -> None:
    limit(client_acme, "198.51.100.0/24")
    out = StringIO()
    prefix = client_acme.key.partition(".")[0]
    call_command("rotate_key", prefix, reason="yearly", stdout=out, stderr=StringIO())
    key = out.getvalue().strip()
    is_problem(at("192.0.2.9", key).get("/wallets"), 401, "unauthenticated")
    assert at(OFFICE, key).get("/wallets").status == 200


def test_a_key_can_be_bound_from_the_start(client_acme: Company) -> None:
    out = StringIO()
    call_command(
        "create_client", "acme", add_key=True, networks=OFFICE, stdout=out, stderr=StringIO()
    )
    key = out.getvalue().strip()
    assert at(OFFICE, key).get("/wallets").status == 200
    is_problem(at("198.51.100.8", key).get("/wallets"), 401, "unauthenticated")


@pytest.mark.parametrize("networks", ["here", "192.0.2.1/24", "192.0.2.0/33", "::/129", "1," * 51])
def test_what_is_no_network_is_refused(client_acme: Company, networks: str) -> None:
    with pytest.raises(CommandError, match="network"):
        limit(client_acme, networks)
    assert ApiKey.objects.get().networks == []


def test_when_a_key_was_used_is_written_beside_the_calls_and_seldom(
    client_acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = clock.now()
    wrong = client_acme.key[:-3] + "AAA"
    Api(wrong).get("/wallets")
    key_use.USE.flush()
    assert ApiKey.objects.get().last_used_at is None  # who does not know the secret did not use it
    for _ in range(3):
        Api(client_acme.key).get("/wallets")
    key_use.USE.flush()
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    assert started <= first <= clock.now()
    Api(client_acme.key).get("/wallets")
    key_use.USE.flush()
    assert ApiKey.objects.get().last_used_at == first
    monkeypatch.setattr(key_use.USE, "_next_at", {})
    Api(client_acme.key).get("/wallets")
    key_use.USE.flush()
    second = ApiKey.objects.get().last_used_at
    assert second is not None
    assert second > first


def _denied(code: str) -> int:
    return int(metrics.DENIED.labels(code)._value.get())


@pytest.mark.parametrize(
    ("code", "ask"),
    [
        ("unauthenticated", lambda company: Api(company.key[:-3] + "AAA").get("/wallets/alice")),
        ("wallet_not_found", lambda company: Api(company.key).get("/wallets/charlie/balance")),
    ],
)
def test_who_is_turned_away_is_counted_and_told_without_the_key(
    code: str,
    ask: Callable[[Company], object],
    client_acme: Company,
    charlie: WalletIdentity,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = _denied(code)
    with caplog.at_level(logging.INFO):
        ask(client_acme)
    assert _denied(code) == before + 1
    (line,) = [record for record in caplog.records if record.message == "api.denied"]
    facts = vars(line)
    assert (facts["code"], facts["address"], facts["method"]) == (code, "192.0.2.9", "GET")
    assert facts["client"] == ("" if code == "unauthenticated" else "acme")
    secret = client_acme.key.partition(".")[2][:-3]
    assert not any(secret in str(vars(record)) for record in caplog.records)


def test_a_flood_of_denials_fills_no_disk(caplog: pytest.LogCaptureFixture) -> None:
    log = BoundedLog(logging.getLogger("flood"), lines_per_second=20)
    with caplog.at_level(logging.INFO):
        for _ in range(10_000):
            log.info("api.denied", code="unauthenticated")
        written = len(caplog.records)
        assert written <= 20 * 5  # a slow machine may take some seconds
        log._second = 0
        log.info("api.denied", code="unauthenticated")
    last = vars(caplog.records[-1])
    assert last["left_out"] + written == 10_000
