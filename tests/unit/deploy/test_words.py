"""The servers are told in the words of their version."""

from pathlib import Path

import pytest

from deploy.stack import mysql, replication
from deploy.stack.errors import StackError
from deploy.stack.layout import PRIMARY, REPLICA, Home
from deploy.stack.mysql import Software, Version

OLD: Version = (8, 0, 15)
NEW: Version = (8, 4, 3)
PASSWORDS = {"root": "r", "migrate": "m", "app": "a", "repl": "p"}


def _settings(home: Home, name: str, version: Version) -> str:
    software = Software(Path("/opt/mysql/bin/mysqld"), version, Path("/opt/lib"))
    return mysql.settings(home, name, 3306, software)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("mysqld  Ver 8.0.15 for linux-glibc2.12 on x86_64 (MySQL Community Server - GPL)", OLD),
        ("8.4.3", NEW),
    ],
)
def test_the_version_is_read(text: str, version: Version) -> None:
    assert mysql.parse_version(text) == version


def test_a_text_without_a_version_is_refused() -> None:
    with pytest.raises(StackError, match="No version"):
        mysql.parse_version("command not found")


def test_the_old_server_hears_the_old_words() -> None:
    statement = replication.change_statement(OLD, 3306, "secret")

    assert statement.startswith("CHANGE MASTER TO MASTER_HOST = '127.0.0.1'")
    assert "MASTER_AUTO_POSITION = 1" in statement
    assert "SOURCE" not in statement
    assert replication.words(OLD).show == "SHOW SLAVE STATUS"


def test_the_new_server_hears_the_new_words() -> None:
    statement = replication.change_statement(NEW, 3306, "secret")

    assert statement.startswith("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1'")
    assert "SOURCE_AUTO_POSITION = 1" in statement
    assert "GET_SOURCE_PUBLIC_KEY = 1" in statement
    assert "MASTER" not in statement
    assert replication.words(NEW).show == "SHOW REPLICA STATUS"


def test_only_the_replica_refuses_writes(home: Home) -> None:
    assert "super_read_only" not in _settings(home, PRIMARY, OLD)
    assert "super_read_only = ON" in _settings(home, REPLICA, OLD)


@pytest.mark.parametrize(("version", "word"), [(OLD, "slave"), (NEW, "replica")])
def test_the_replica_keeps_the_order_of_commits(home: Home, version: Version, word: str) -> None:
    assert f"{word}_preserve_commit_order = ON" in _settings(home, REPLICA, version)


@pytest.mark.parametrize("name", [PRIMARY, REPLICA])
def test_both_servers_keep_what_they_acknowledged(home: Home, name: str) -> None:
    lines = _settings(home, name, OLD).splitlines()

    assert "innodb_flush_log_at_trx_commit = 1" in lines
    assert "sync_binlog = 1" in lines
    assert "bind_address = 127.0.0.1" in lines


def test_the_application_begins_without_any_right() -> None:
    grants = [line for line in mysql.bootstrap_sql(OLD, PASSWORDS).splitlines() if "GRANT" in line]

    assert grants
    assert not any("'app'" in line for line in grants)


@pytest.mark.parametrize(
    ("version", "plugin"), [(OLD, "mysql_native_password"), (NEW, "caching_sha2_password")]
)
def test_the_users_prove_themselves_in_a_way_the_server_has(version: Version, plugin: str) -> None:
    users = [
        line for line in mysql.bootstrap_sql(version, PASSWORDS).splitlines() if "USER" in line
    ]

    assert len(users) == 4
    assert all(f"IDENTIFIED WITH {plugin} BY" in line for line in users)
