"""What is said about TLS in the environment, and what is not taken."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from wallet_project.kit import checks, tls
from wallet_project.kit.tls import Mode, Tls

PLAIN = Tls(Mode.OFF)
EMPTY = str(Path(__file__).with_name("__init__.py"))


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\n", encoding="ascii")
    return str(path)


def read(**words: Any) -> Tls:
    return tls.read("REDIS", **{"mode": "", "ca": "", "certificate": "", "key": ""} | words)


def test_nothing_set_is_no_tls() -> None:
    assert read() == PLAIN
    assert read(is_on=False) == PLAIN


def test_a_ca_or_an_address_with_tls_verifies_all_there_is(pem: str) -> None:
    assert read(ca=pem).mode is Mode.VERIFY
    assert read(is_on=True).mode is Mode.VERIFY


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"mode": "yes"}, "must be one of off, encrypt, verify-ca, verify, not 'yes'"),
        ({"mode": "verify", "is_on": False}, "TLS needs rediss://"),
        ({"mode": "off", "is_on": True}, "the address of REDIS says otherwise"),
        ({"ca": "/nowhere/ca.pem"}, "REDIS_TLS_CA cannot be read"),
        ({"ca": EMPTY}, "holds nothing in PEM"),
        ({"ca": __file__, "mode": "off"}, "goes there without TLS"),
        ({"ca": __file__, "is_on": False}, "goes there without TLS"),
    ],
)
def test_what_contradicts_itself_stops_the_start(words: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        read(**words)


def test_a_certificate_needs_its_key(pem: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="only work together"):
        read(certificate=pem)


def test_mysql_verifies_by_a_ca_or_says_that_it_cannot() -> None:
    assert tls.mysql_options(PLAIN) == {}
    found = tls.mysql_options(Tls(Mode.VERIFY, "ca.pem", "our.crt", "our.key"))
    files = {"ca": "ca.pem", "cert": "our.crt", "key": "our.key"}
    assert found == {"ssl_mode": "VERIFY_IDENTITY", "ssl": files}
    assert tls.mysql_options(Tls(Mode.ENCRYPT)) == {"ssl_mode": "REQUIRED", "ssl": {}}
    with pytest.raises(ImproperlyConfigured, match="set DATABASE_TLS_CA"):
        tls.mysql_options(Tls(Mode.VERIFY_CA))


def test_the_address_of_redis_tells_its_clients_everything() -> None:
    assert tls.redis_url("redis://cache/0", PLAIN) == "redis://cache/0"
    found = tls.redis_url("rediss://cache/0?db=1", Tls(Mode.VERIFY_CA, "/etc/our ca.pem"))
    assert parse_qs(urlsplit(found).query) == {
        "db": ["1"],
        "ssl_cert_reqs": ["required"],
        "ssl_check_hostname": ["false"],
        "ssl_ca_certs": ["/etc/our ca.pem"],
    }


def kafka(protocol: str, found: Tls = PLAIN, **words: str) -> dict[str, Any]:
    known = {"mechanism": "SCRAM-SHA-512", "user": "", "password": ""}
    return tls.kafka_options(protocol, found, **known | words)


def test_kafka_is_told_what_it_needs_and_no_more() -> None:
    assert kafka("PLAINTEXT") == {"security_protocol": "PLAINTEXT"}
    assert kafka("SASL_SSL", Tls(Mode.VERIFY, "ca.pem"), user="wallet", password="x") == {
        "security_protocol": "SASL_SSL",
        "ssl_check_hostname": True,
        "ssl_cafile": "ca.pem",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "wallet",
        "sasl_plain_password": "x",
    }
    assert kafka("SSL", Tls(Mode.ENCRYPT))["ssl_context"].verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("protocol", "words", "sentence"),
    [
        ("TLS", {}, "KAFKA_SECURITY_PROTOCOL must be one of"),
        ("PLAINTEXT", {"user": "wallet"}, "which asks for none"),
        ("SSL", {"password": "x"}, "which asks for none"),
        ("SASL_SSL", {"user": "wallet"}, "set KAFKA_SASL_USER and KAFKA_SASL_PASSWORD"),
        ("SASL_SSL", {"mechanism": "GSSAPI"}, "KAFKA_SASL_MECHANISM must be one of"),
    ],
)
def test_kafkas_users_are_whole_or_refused(
    protocol: str, words: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        kafka(protocol, Tls(Mode.VERIFY), **words)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Three servers on other machines, all protected."""
    redis = "rediss://:secret@cache.example.com/0"
    made = SimpleNamespace(
        DATABASES={"default": {"ENGINE": "wallet_project.kit.mysql", "HOST": "db.example.com"}},
        REDIS_URL=redis,
        CELERY_BROKER_URL=redis,
        KAFKA_BOOTSTRAP_SERVERS=["kafka.example.com:9093"],
        **dict.fromkeys(("DATABASE_TLS", "REDIS_TLS", "KAFKA_TLS"), Tls(Mode.VERIFY)),
    )
    monkeypatch.setattr(checks, "settings", made)
    return made


def told() -> list[tuple[str | None, str]]:
    return [(one.id, one.msg.split(" is ")[0]) for one in checks.connections_are_protected()]


def test_protected_servers_are_nothing_to_speak_of(servers: SimpleNamespace) -> None:
    assert told() == []


def test_the_deploy_check_names_each_server_without_tls(
    servers: SimpleNamespace,
) -> None:
    servers.DATABASE_TLS = servers.KAFKA_TLS = PLAIN
    servers.CELERY_BROKER_URL = "redis://queue.example.com/0"
    servers.REDIS_TLS = Tls(Mode.ENCRYPT)
    assert told() == [
        (checks.PLAIN, "MySQL at db.example.com"),
        (checks.UNVERIFIED, "Redis (REDIS_URL) at cache.example.com"),
        (checks.PLAIN, "Redis (CELERY_BROKER_URL) at queue.example.com"),
        (checks.PLAIN, "Kafka at kafka.example.com"),
    ]
    assert "secret" not in str(checks.connections_are_protected())


def test_an_address_for_one_job_leads_to_the_primary(servers: SimpleNamespace) -> None:
    primary = servers.DATABASES["default"] | {"PORT": 3306}
    servers.DATABASES["default"] = primary
    servers.DATABASE_ERASER = None
    servers.DATABASE_REAPER = primary | {"USER": "reaper"}
    servers.DATABASE_READONLY = primary | {"USER": "readonly", "HOST": "replica.example.com"}
    (found,) = checks.roles_are_of_the_primary()
    assert found.id == checks.ELSEWHERE
    assert found.msg.startswith("DATABASE_READONLY_URL leads to another server")


def test_this_machine_needs_no_tls(servers: SimpleNamespace) -> None:
    servers.DATABASE_TLS = servers.KAFKA_TLS = PLAIN
    servers.REDIS_URL = servers.CELERY_BROKER_URL = "redis://127.0.0.1:6379/0"
    servers.KAFKA_BOOTSTRAP_SERVERS = ["localhost:9092", "[::1]:9092"]
    for host in ("", "/run/mysqld.sock", "127.0.0.1", "::1"):
        servers.DATABASES["default"]["HOST"] = host
        assert told() == []
