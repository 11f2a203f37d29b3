"""MySQL by TLS: who proves itself is spoken to, everybody else is not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from deploy.stack.layout import LOOPBACK
from tests.integration.tls.authority import Authority
from tests.integration.tls.conftest import ALSO_LOOPBACK, Settings
from wallet_project.kit import database

pytestmark = pytest.mark.full_stack


def cipher(found: dict[str, Any], alias: str = "default") -> str:
    connection = ConnectionHandler(found["DATABASES"])[alias]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            return str(cursor.fetchone()[1])
    finally:
        connection.close()


def refused(found: dict[str, Any]) -> OperationalError:
    with pytest.raises(OperationalError) as error:
        cipher(found)
    return error.value


def test_every_database_user_comes_by_tls(
    settings_of: Settings, mysql_url: str, authority: Authority
) -> None:
    found = settings_of(
        DATABASE_URL=mysql_url,
        DATABASE_OWNER_URL=mysql_url,
        DATABASE_REPLICA_URL=mysql_url,
        DATABASE_TLS_CA=authority.certificate,
    )
    assert found["DATABASES"].keys() == {"default", "owner", "replica"}
    for alias in found["DATABASES"]:
        assert cipher(found, alias)


def test_our_own_certificate_is_shown(
    settings_of: Settings, mysql_url: str, authority: Authority
) -> None:
    certificate, key = authority.issue("service")
    found = settings_of(
        DATABASE_URL=mysql_url,
        DATABASE_TLS_CA=authority.certificate,
        DATABASE_TLS_CERT=certificate,
        DATABASE_TLS_KEY=key,
    )
    assert cipher(found)


def test_without_tls_the_server_sends_us_away(settings_of: Settings, mysql_url: str) -> None:
    error = refused(settings_of(DATABASE_URL=mysql_url))
    assert "require_secure_transport" in str(error)


def test_a_server_of_another_ca_is_not_spoken_to(
    settings_of: Settings, mysql_url: str, stranger: Authority
) -> None:
    for mode in ("verify", "verify-ca"):
        error = refused(
            settings_of(
                DATABASE_URL=mysql_url, DATABASE_TLS=mode, DATABASE_TLS_CA=stranger.certificate
            )
        )
        assert "certificate" in str(error)
        assert database.is_transient(error), "nobody is answered 500 for it"


def test_a_server_under_another_name_is_not_spoken_to(
    settings_of: Settings, mysql_url: str, authority: Authority
) -> None:
    elsewhere = mysql_url.replace(LOOPBACK, ALSO_LOOPBACK)
    error = refused(settings_of(DATABASE_URL=elsewhere, DATABASE_TLS_CA=authority.certificate))
    assert "SSL" in str(error)
    assert cipher(settings_of(DATABASE_URL=elsewhere, DATABASE_TLS="encrypt"))


def test_whoever_only_encrypts_asks_nobody_who_he_is(settings_of: Settings, mysql_url: str) -> None:
    assert cipher(settings_of(DATABASE_URL=mysql_url, DATABASE_TLS="encrypt"))
