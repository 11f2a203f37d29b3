"""Initialises, configures and probes the two database servers, MySQL's or MariaDB's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.engines import Version, Words, parse_version, words
from deploy.stack.errors import StackError
from deploy.stack.layout import (
    LOOPBACK,
    MYSQL,
    PRIMARY,
    Home,
    give_to_server,
    server_user,
    write_private,
    write_public,
)
from deploy.stack.processes import Command, run_step, say

PROBE_TIMEOUT = 1.0

COMMON_SETTINGS = """\
[mysqld]
basedir = {base}
lc_messages_dir = {messages}
datadir = {folder}/data
tmpdir = {folder}/tmp
socket = {socket}
pid_file = {folder}/mysqld.pid
bind_address = {host}
port = {port}
skip_name_resolve = ON
local_infile = OFF
max_connections = 300
innodb_buffer_pool_size = {pool}
{disk}server_id = {server_id}
log_bin = binlog
binlog_format = ROW
# Of an updated row only its key and what changed. Every table has a primary key.
binlog_row_image = MINIMAL
binlog_expire_logs_seconds = 259200
max_binlog_size = 128M
# The owner of the schema makes triggers without being SUPER.
log_bin_trust_function_creators = ON
transaction_isolation = READ-COMMITTED
sql_mode = {sql_mode}
character_set_server = utf8mb4
default_time_zone = '+00:00'
"""

DURABLE = """\
# A transaction that was acknowledged survives a power cut, on both servers.
innodb_flush_log_at_trx_commit = 1
sync_binlog = 1
"""

LAZY = """\
# For tests: what was acknowledged is with the kernel. It survives the server's death by any
# signal, and no power cut.
innodb_flush_log_at_trx_commit = 2
sync_binlog = 0
innodb_flush_method = nosync
"""

REPLICA_SETTINGS = """\
read_only = ON
relay_log = relay
# After a kill the relay log is fetched again instead of trusted.
relay_log_recovery = ON
"""

SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)

# Run once in each server, before its binary log exists: both begin alike and without a GTID.
# PROCESS is for tests, which count deadlocks and watch sessions as the owner.
BOOTSTRAP = """\
FLUSH PRIVILEGES;
ALTER USER 'root'@'localhost' {identified} '{root}';
CREATE DATABASE `wallet` CHARACTER SET utf8mb4;
CREATE USER 'migrate'@'%' {identified} '{migrate}';
GRANT ALL PRIVILEGES ON `wallet`.* TO 'migrate'@'%' WITH GRANT OPTION;
GRANT ALL PRIVILEGES ON `test\\_wallet%`.* TO 'migrate'@'%' WITH GRANT OPTION;
GRANT PROCESS ON *.* TO 'migrate'@'%';
CREATE USER 'app'@'%' {identified} '{app}';
CREATE USER 'repl'@'%' {identified} '{repl}';
GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%';
"""


@dataclass(frozen=True)
class Software:
    """Tells where a server's program stands and what it needs from its surroundings."""

    program: Path
    version: Version
    libraries: Path

    @property
    def base(self) -> Path:
        """Return the folder above `bin`."""
        return self.program.parent.parent

    @property
    def messages(self) -> Path:
        """Return the folder with the error texts, which distributions put one level deeper."""
        share = self.base / "share"
        return share / "mysql" if (share / "mysql" / "english").is_dir() else share

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables the server is started with."""
        inherited = os.environ.get("LD_LIBRARY_PATH")
        parts = [str(self.libraries), *([inherited] if inherited else [])]
        return {"LD_LIBRARY_PATH": os.pathsep.join(parts)}


def inspect(program: Path, libraries: Path) -> Software:
    """Ask a program for its version.

    :raises StackError: when it cannot even tell that, such as for a missing library.
    """
    found = Software(program, Version(MYSQL, (0, 0, 0)), libraries)
    answer = subprocess.run(
        [str(program), "--no-defaults", "--version"],
        env={**os.environ, **found.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise StackError(f"{program} does not run: {answer.stderr.strip()}")
    return Software(program, parse_version(answer.stdout), libraries)


def settings(home: Home, name: str, port: int, software: Software) -> str:
    """Return the text of a server's option file."""
    primary = name == PRIMARY
    spoken = words(software.version)
    text = COMMON_SETTINGS.format(
        base=software.base,
        messages=software.messages,
        folder=home.part(name),
        socket=home.socket(name),
        host=LOOPBACK,
        port=port,
        pool="256M" if primary else "128M",
        disk=LAZY if os.environ.get("STACK_SYNC") == "no" else DURABLE,
        server_id=1 if primary else 2,
        sql_mode=SQL_MODE,
    ) + spoken.settings.format(folder=home.part(name))
    user = server_user()
    if user is not None:
        text += f"user = {user}\n"
    return text if primary else text + REPLICA_SETTINGS + spoken.replica_settings


def bootstrap_sql(version: Version, passwords: dict[str, str]) -> str:
    """Return the statements that make the users and the database."""
    return BOOTSTRAP.format(identified=words(version).identified, **passwords)


def prepare(
    home: Home, name: str, port: int, software: Software, passwords: dict[str, str]
) -> Command:
    """Write the option file, initialise the data once, and return the starting command."""
    folder = home.part(name)
    folder.mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    give_to_server(folder, folder / "tmp")
    # After a kill the lock names a pid that may be a stranger's, and mysqld would give way to it.
    # The caller has made sure that no server of this folder is alive.
    home.socket(name).with_name("mysqld.sock.lock").unlink(missing_ok=True)
    options = folder / "my.cnf"
    write_public(options, settings(home, name, port, software))
    if not (folder / "data").exists():
        say(f"{name}: initialising the data")
        _initialise(home, name, software, passwords)
    return Command([str(software.program), f"--defaults-file={options}"], software.environment)


def _initialise(home: Home, name: str, software: Software, passwords: dict[str, str]) -> None:
    folder = home.part(name)
    draft = folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    statements = folder / "bootstrap.sql"
    spoken = words(software.version)
    write_private(
        statements,
        _system_tables(software, spoken) + bootstrap_sql(software.version, passwords),
    )
    give_to_server(draft, statements)
    # The words that follow the option file win over it.
    options = [
        f"--defaults-file={folder / 'my.cnf'}",
        f"--datadir={draft}",
        "--read-only=OFF",
        *(word.format(statements=statements) for word in spoken.first_words),
    ]
    command = Command([str(software.program), *options], software.environment, statements)
    run_step(home, name, command)
    statements.unlink()
    # Last, in one step: a folder named `data` is a complete one.
    draft.rename(folder / "data")


def _system_tables(software: Software, spoken: Words) -> str:
    """Return the statements that make the system's tables, where the server wants to be told.

    :raises StackError: when their files do not come with the server.
    """
    text = spoken.first_statements
    for pattern in spoken.first_tables:
        found = sorted(software.messages.glob(pattern))
        if not found:
            raise StackError(f"{software.messages} has no {pattern}: {software.program} is bare.")
        text += found[0].read_text(encoding="utf-8")
    return text


def answers(port: int) -> bool:
    """Tell whether a server greets a caller with its version rather than an error."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PROBE_TIMEOUT) as probe:
            greeting = probe.recv(5)
    except OSError:
        return False
    # Four bytes of header, then the protocol's version.
    return len(greeting) == 5 and greeting[4] == 10
