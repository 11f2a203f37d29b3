"""Holds all in which MySQL of either era and MariaDB differ: their words and their options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from deploy.stack.errors import StackError
from deploy.stack.layout import MARIADB, MYSQL


class Version(NamedTuple):
    """Tells which engine a server is and how old."""

    engine: str
    number: tuple[int, int, int]


@dataclass(frozen=True)
class Words:
    """Holds what the servers of an engine understand from some version on."""

    change: str
    server: str
    source: str
    column: str
    """How the columns that tell of a replica begin."""
    follow: Mapping[str, str]
    """How the replica finds its place and comes back; each name begins with `source`."""
    follow_more: Sequence[str]
    settings: str
    replica_settings: str
    identified: str
    """How a user proves himself."""
    first_words: Sequence[str]
    """The options of the run that makes the data, which goes to no binary log."""
    first_tables: Sequence[str]
    """The files, among the error texts, that make the system's tables; none: the server can."""
    first_statements: str
    """What comes before those files."""
    position: str
    """The query that tells what the primary has, as a value for `wait`."""
    wait: str
    """The query, of a position and seconds, that is 0 when a replica has that much."""

    @property
    def show(self) -> str:
        """Return the statement that shows the replica's state."""
        return f"SHOW {self.server} STATUS"


_MYSQL_8_0 = Words(
    change="CHANGE MASTER TO",
    server="SLAVE",
    source="MASTER",
    column="Slave",
    # Tests kill the primary: look for it again every second, for ever.
    follow={"AUTO_POSITION": "1", "CONNECT_RETRY": "1", "RETRY_COUNT": "0"},
    follow_more=(),
    settings="""\
mysqlx = OFF
secure_file_priv = NULL
log_timestamps = UTC
gtid_mode = ON
enforce_gtid_consistency = ON
innodb_log_file_size = 128M
""",
    replica_settings="""\
super_read_only = ON
slave_net_timeout = 10
slave_parallel_workers = 4
slave_parallel_type = LOGICAL_CLOCK
slave_preserve_commit_order = ON
""",
    # The client library of Debian (libmariadb) wants TLS or a key for the newer plugin, so the
    # older one is taken wherever the server still has it.
    identified="IDENTIFIED WITH mysql_native_password BY",
    first_words=(
        "--initialize-insecure",
        "--init-file={statements}",
        "--disable-log-bin",
        "--gtid-mode=OFF",
        "--enforce-gtid-consistency=OFF",
        "--super-read-only=OFF",
        # Without a binary log there is no commit order to preserve; the server would say so.
        "--loose-slave-preserve-commit-order=OFF",
    ),
    first_tables=(),
    first_statements="",
    position="SELECT @@GLOBAL.gtid_executed",
    wait="SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)",
)

_MYSQL_8_0_30 = replace(
    _MYSQL_8_0,
    settings=_MYSQL_8_0.settings.replace(
        "innodb_log_file_size = 128M", "innodb_redo_log_capacity = 256M"
    ),
    replica_settings=_MYSQL_8_0.replica_settings.replace("slave_", "replica_"),
)

_MYSQL_8_4 = replace(
    _MYSQL_8_0_30,
    change="CHANGE REPLICATION SOURCE TO",
    server="REPLICA",
    source="SOURCE",
    column="Replica",
    follow_more=("GET_SOURCE_PUBLIC_KEY = 1",),
    identified="IDENTIFIED WITH caching_sha2_password BY",
)

_MARIADB_10_6 = replace(
    _MYSQL_8_0,
    follow={"USE_GTID": "slave_pos", "CONNECT_RETRY": "1"},
    # There is no way to forbid files to all: none of the users has the right, and here is nothing.
    settings="""\
secure_file_priv = {folder}/tmp
gtid_strict_mode = ON
log_slave_updates = ON
innodb_log_file_size = 256M
""",
    # `optimistic` runs transactions at once and commits them in the primary's order.
    replica_settings="""\
master_retry_count = 0
slave_net_timeout = 10
slave_parallel_threads = 4
slave_parallel_mode = optimistic
""",
    identified="IDENTIFIED BY",
    first_words=("--bootstrap", "--skip-log-bin", "--log-warnings=0"),
    first_tables=("*_system_tables.sql", "*_performance_tables.sql", "*_system_tables_data.sql"),
    # One root, on the socket, and nobody without a name.
    first_statements="""\
CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket = 'root', @skip_auth_anonymous = 1;
""",
    position="SELECT @@GLOBAL.gtid_binlog_pos",
    wait="SELECT MASTER_GTID_WAIT(%s, %s)",
)

# The newest first. MariaDB has SKIP LOCKED, which the service needs, from 10.6 on.
_ERAS = (
    (Version(MYSQL, (8, 4, 0)), _MYSQL_8_4),
    (Version(MYSQL, (8, 0, 30)), _MYSQL_8_0_30),
    (Version(MYSQL, (8, 0, 0)), _MYSQL_8_0),
    (Version(MARIADB, (10, 6, 0)), _MARIADB_10_6),
)


def words(version: Version) -> Words:
    """Return the words that a server understands.

    :raises StackError: when it is too old for the service.
    """
    for since, found in _ERAS:
        if version.engine == since.engine and version.number >= since.number:
            return found
    number = ".".join(map(str, version.number))
    raise StackError(f"{version.engine} {number} is too old: MySQL 8.0 or MariaDB 10.6 is needed.")


def parse_version(text: str) -> Version:
    """Return the version in a line such as `mysqld  Ver 8.0.15 for linux`.

    :raises StackError: when there is none.
    """
    # To old clients MariaDB pretends to be 5.5.5 first.
    found = re.search(r"\b(\d+)\.(\d+)\.(\d+)", text.removeprefix("5.5.5-"))
    if found is None:
        raise StackError(f"No version in what the server says of itself: {text.strip()!r}")
    number = int(found[1]), int(found[2]), int(found[3])
    return Version(MARIADB if "MariaDB" in text else MYSQL, number)
