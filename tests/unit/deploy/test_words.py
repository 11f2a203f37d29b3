"""The servers are told in the words of their engine and version."""

import re
from pathlib import Path

import pytest

from deploy.stack import engines, mysql, replication
from deploy.stack.engines import Version
from deploy.stack.errors import StackError
from deploy.stack.layout import MARIADB, MYSQL, PRIMARY, REPLICA, Home
from deploy.stack.mysql import Software

OLD = Version(MYSQL, (8, 0, 15))
MIDDLE = Version(MYSQL, (8, 0, 30))
NEW = Version(MYSQL, (8, 4, 3))
MARIA = Version(MARIADB, (10, 11, 19))
EVERY = pytest.mark.parametrize("version", [OLD, MIDDLE, NEW, MARIA])
PASSWORDS = {"root": "r", "migrate": "m", "app": "a", "repl": "p"}


def _settings(home: Home, name: str, version: Version) -> str:
    software = Software(Path("/opt/mysql/bin/mysqld"), version, Path("/opt/lib"))
    return mysql.settings(home, name, 3306, software)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("mysqld  Ver 8.0.15 for linux-glibc2.12 on x86_64 (MySQL Community Server - GPL)", OLD),
        ("8.4.3", NEW),
        ("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian)", MARIA),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1-log", MARIA),
    ],
)
def test_the_version_is_read(text: str, version: Version) -> None:
    assert engines.parse_version(text) == version


def test_a_text_without_a_version_is_refused() -> None:
    with pytest.raises(StackError, match="No version"):
        engines.parse_version("command not found")


@EVERY
def test_commits_reach_the_disk_unless_a_test_run_waives_it(
    home: Home, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STACK_SYNC", raising=False)
    durable = _settings(home, PRIMARY, version)
    assert "innodb_flush_log_at_trx_commit = 1\nsync_binlog = 1\n" in durable
    assert "nosync" not in durable

    monkeypatch.setenv("STACK_SYNC", "no")
    lazy = _settings(home, PRIMARY, version)
    # 2, not 0: a server that is killed has left what it acknowledged with the kernel.
    assert "innodb_flush_log_at_trx_commit = 2\nsync_binlog = 0\n" in lazy


def test_the_old_server_hears_the_old_words() -> None:
    statement = replication.change_statement(OLD, 3306, "secret")

    assert statement.startswith("CHANGE MASTER TO MASTER_HOST = '127.0.0.1'")
    assert "MASTER_AUTO_POSITION = 1" in statement
    assert "SOURCE" not in statement
    assert engines.words(OLD).show == "SHOW SLAVE STATUS"


def test_the_new_server_hears_the_new_words() -> None:
    statement = replication.change_statement(NEW, 3306, "secret")

    assert statement.startswith("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1'")
    assert "SOURCE_AUTO_POSITION = 1" in statement
    assert "GET_SOURCE_PUBLIC_KEY = 1" in statement
    assert "MASTER" not in statement
    assert engines.words(NEW).show == "SHOW REPLICA STATUS"


def test_mariadb_hears_the_words_of_its_own_gtids() -> None:
    statement = replication.change_statement(MARIA, 3306, "secret")

    assert statement.startswith("CHANGE MASTER TO MASTER_HOST = '127.0.0.1'")
    assert "MASTER_USE_GTID = slave_pos" in statement
    assert "AUTO_POSITION" not in statement
    assert "RETRY_COUNT" not in statement
    assert engines.words(MARIA).show == "SHOW SLAVE STATUS"


@pytest.mark.parametrize("version", [Version(MYSQL, (5, 7, 44)), Version(MARIADB, (10, 5, 29))])
def test_a_server_too_old_for_the_service_is_refused(version: Version) -> None:
    with pytest.raises(StackError, match="is too old"):
        engines.words(version)


@EVERY
def test_only_the_replica_refuses_writes(home: Home, version: Version) -> None:
    assert "read_only" not in _settings(home, PRIMARY, version)
    assert "\nread_only = ON\n" in _settings(home, REPLICA, version)


def test_mysql_refuses_even_its_root(home: Home) -> None:
    assert "super_read_only = ON" in _settings(home, REPLICA, OLD)


@pytest.mark.parametrize(
    ("version", "word"), [(OLD, "slave"), (MIDDLE, "replica"), (NEW, "replica")]
)
def test_the_replica_keeps_the_order_of_commits(home: Home, version: Version, word: str) -> None:
    assert f"{word}_preserve_commit_order = ON" in _settings(home, REPLICA, version)


def test_mariadb_keeps_the_order_of_commits(home: Home) -> None:
    assert "slave_parallel_mode = optimistic" in _settings(home, REPLICA, MARIA)


@EVERY
@pytest.mark.parametrize("name", [PRIMARY, REPLICA])
def test_both_servers_are_as_safe_and_as_strict(home: Home, name: str, version: Version) -> None:
    lines = _settings(home, name, version).splitlines()

    assert "innodb_flush_log_at_trx_commit = 1" in lines
    assert "sync_binlog = 1" in lines
    assert "binlog_format = ROW" in lines
    assert "binlog_row_image = MINIMAL" in lines
    assert "bind_address = 127.0.0.1" in lines
    assert "transaction_isolation = READ-COMMITTED" in lines
    assert "character_set_server = utf8mb4" in lines
    assert "log_bin_trust_function_creators = ON" in lines
    assert any(line.startswith("sql_mode = ") and "STRICT_TRANS_TABLES" in line for line in lines)
    assert not any("{" in line for line in lines)


def test_mariadb_is_not_told_what_only_mysql_knows(home: Home) -> None:
    names = {line.split(" = ")[0] for line in _settings(home, REPLICA, MARIA).splitlines()}

    assert not names & {
        *("mysqlx", "gtid_mode", "enforce_gtid_consistency", "super_read_only"),
        *("log_timestamps", "slave_parallel_type", "slave_preserve_commit_order"),
    }


def test_the_system_tables_come_before_the_users(home: Home, tmp_path: Path) -> None:
    share = tmp_path / "usr/share/mysql"
    (share / "english").mkdir(parents=True)
    for name in ("system_tables", "performance_tables", "system_tables_data"):
        (share / f"mysql_{name}.sql").write_text(f"-- {name}\n")
    program = tmp_path / "usr/sbin/mariadbd"
    program.parent.mkdir()
    # Repeats what it reads, and makes what a server would make.
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/heard\n")
    program.chmod(0o755)

    software = Software(program, MARIA, Path("/opt/lib"))
    mysql.prepare(home, PRIMARY, 3306, software, PASSWORDS)

    heard = (tmp_path / "heard").read_text()
    words = ["USE mysql;", "-- system_tables\n", "-- performance_tables", "-- system_tables_data"]
    places = [heard.index(word) for word in (*words, "CREATE USER 'app'@'%' IDENTIFIED BY 'a';")]
    assert places == sorted(places)
    assert not list(home.part(PRIMARY).rglob("*.sql"))


def test_a_server_without_its_system_tables_is_refused(home: Home, tmp_path: Path) -> None:
    program = tmp_path / "usr/sbin/mariadbd"
    with pytest.raises(StackError, match=re.escape("has no *_system_tables.sql")):
        mysql.prepare(home, PRIMARY, 3306, Software(program, MARIA, Path("/opt/lib")), PASSWORDS)

    assert not (home.part(PRIMARY) / "data").exists()


@EVERY
def test_the_application_begins_without_any_right(version: Version) -> None:
    statements = mysql.bootstrap_sql(version, PASSWORDS).splitlines()
    grants = [line for line in statements if "GRANT" in line]

    assert grants
    assert not any("'app'" in line for line in grants)


@pytest.mark.parametrize(
    ("version", "proof"),
    [
        (OLD, "WITH mysql_native_password BY"),
        (NEW, "WITH caching_sha2_password BY"),
        (MARIA, "BY"),
    ],
)
def test_the_users_prove_themselves_in_a_way_the_server_has(version: Version, proof: str) -> None:
    users = [
        line for line in mysql.bootstrap_sql(version, PASSWORDS).splitlines() if "USER" in line
    ]

    assert len(users) == 4
    assert all(f"IDENTIFIED {proof} '" in line for line in users)
