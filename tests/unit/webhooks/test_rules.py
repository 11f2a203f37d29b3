"""The schedule, the filters, the signature, and which addresses may be sent to."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from standardwebhooks import Webhook

from events.consumers.webhooks import addresses, rules, signing
from events.consumers.webhooks.errors import UrlNotAllowed
from events.consumers.webhooks.matching import Filters, Told, matches
from wallet_project.kit.ids import uuid7

MOMENT = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
DEPOSIT = Told("wallet.deposited.v1", "alice", "USD", 500, MOMENT)
FREEZE = Told("wallet.frozen.v1", "alice", "USD", None, MOMENT)

WORDS: dict[str, Any] = {
    "retries": ["5", "300"],
    "ports": ["443"],
    "networks": ["10.0.0.0/8"],
    "connect_seconds": 3,
    "total_seconds": 10,
    "lease_seconds": 30,
    "concurrency": 10,
    "endpoint_concurrency": 2,
    "overlap_seconds": 60,
    "disable_after_seconds": 60,
    "disable_after_failures": 3,
    "endpoints_max": 5,
    "allow_http": False,
}


def seconds_after(found: rules.Rules, failures: int, **asked: int) -> float:
    delay = found.delay_after(failures, **asked)
    assert delay is not None
    return delay.total_seconds()


def test_the_schedule_takes_days() -> None:
    found: rules.Rules = settings.WEBHOOKS
    assert found.delay_after(10) is None
    waits = [seconds_after(found, failures) for failures in range(1, 10)]
    for wait, planned in zip(waits, found.retries, strict=True):
        assert planned <= wait <= planned * 1.1
    assert 3 * 86_400 < sum(waits) < 4 * 86_400


def test_a_receiver_may_ask_for_more_and_not_for_ever() -> None:
    found: rules.Rules = settings.WEBHOOKS
    assert seconds_after(found, 1, asked_seconds=60) >= 60
    assert seconds_after(found, 1, asked_seconds=10**9) <= 86_400 * 1.1


@pytest.mark.parametrize(
    "wrong",
    [
        {"lease_seconds": 10},
        {"retries": ["5", "x"]},
        {"retries": ["0"]},
        {"ports": ["https"]},
        {"networks": ["10.0.0.1/8"]},
    ],
)
def test_rules_that_make_no_sense_stop_the_start(wrong: dict[str, Any]) -> None:
    assert rules.rules(**WORDS).retries == (5, 300)
    with pytest.raises(ImproperlyConfigured):
        rules.rules(**(WORDS | wrong))


@pytest.mark.parametrize(
    ("filters", "told", "passes"),
    [
        (Filters(), DEPOSIT, True),
        (Filters(), FREEZE, True),
        (Filters(event_types=["wallet.deposited.v1"]), DEPOSIT, True),
        (Filters(event_types=["wallet.deposited.v1"]), FREEZE, False),
        (Filters(wallets=["alice", "bob"]), DEPOSIT, True),
        (Filters(wallets=["bob"]), DEPOSIT, False),
        (Filters(currency="USD"), DEPOSIT, True),
        (Filters(currency="EUR"), DEPOSIT, False),
        (Filters(currency="USD", minimum_amount=500), DEPOSIT, True),
        (Filters(currency="USD", minimum_amount=501), DEPOSIT, False),
        (Filters(currency="USD", maximum_amount=500), DEPOSIT, True),
        (Filters(currency="USD", maximum_amount=499), DEPOSIT, False),
        (Filters(currency="USD", minimum_amount=1), FREEZE, False),
        (Filters(currency="USD", maximum_amount=1), FREEZE, False),
        (Filters(event_types=["wallet.deposited.v1"], wallets=["bob"]), DEPOSIT, False),
    ],
)
def test_filters(filters: Filters, told: Told, passes: bool) -> None:
    assert matches(filters, told) is passes


def test_a_signature_is_what_others_compute() -> None:
    secret, former = signing.make_secret(), signing.make_secret()
    now = datetime.now(UTC)
    headers = signing.headers(
        event_id=uuid7(), moment=now, body=b'{"a": 1}', secrets=[secret, former]
    )
    for one in (secret, former):
        assert Webhook(one).verify(b'{"a": 1}', headers) == {"a": 1}
    expected = Webhook(secret).sign(headers["webhook-id"], now, '{"a": 1}')
    assert headers["webhook-signature"].split()[0] == expected


STRICT = replace(settings.WEBHOOKS, networks=(), ports=(443, 8443), allow_http=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hook?a=1",
        "https://example.com:8443/hook",
        "https://xn--bcher-kva.example/hook",
        "https://93.184.215.14/hook",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
        "HTTPS://EXAMPLE.COM/hook",
    ],
)
def test_urls_that_may_be_sent_to(url: str) -> None:
    assert addresses.check_url(url, STRICT) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "http://example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://@example.com",
        "https://example.com:22",
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:x",
        "https://example.com#part",
        "https://example.com\\@10.0.0.1",
        "https://example.com/a b",
        "https://exa\tmple.com/",
        "https://bücher.example",
        "https://localhost",
        "https://a.localhost:8443",
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://10.1.2.3",
        "https://172.16.0.1",
        "https://192.168.1.1",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://255.255.255.255",
        "https://240.0.0.1",
        "https://[::1]",
        "https://[::]",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "https://[64:ff9b::7f00:1]",
        "https://[2002:7f00:1::]",
        "https://[2001:0:7f00:1::]",
        "https://[fe80::1]",
        "https://[fe80::1%25eth0]",
        "https://[fc00::1]",
        "https://[fec0::1]",
        "https://[ff02::1]",
        "https://-example.com",
        "https://exam_ple.com",
        "https://example.com.",
        "https://" + "a" * 64 + ".example",
    ],
)
def test_urls_that_may_not_be_sent_to(url: str) -> None:
    with pytest.raises(UrlNotAllowed):
        addresses.check_url(url, STRICT)


def test_what_the_operator_opens_may_be_sent_to() -> None:
    opened = replace(
        STRICT, networks=(ipaddress.ip_network("10.1.0.0/16"),), ports=(), allow_http=True
    )
    assert addresses.check_url("http://10.1.2.3:9000/x", opened)
    with pytest.raises(UrlNotAllowed):
        addresses.check_url("http://10.2.2.3:9000/x", opened)
    assert addresses.is_allowed(ipaddress.ip_address("::ffff:10.1.0.1"), opened)
    assert not addresses.is_allowed(ipaddress.ip_address("::ffff:10.2.0.1"), opened)
