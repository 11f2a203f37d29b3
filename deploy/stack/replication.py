"""Makes the replica follow the primary, in the words of its engine, and looks how it does."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from deploy.stack.engines import Version, Words, parse_version, words
from deploy.stack.errors import StackError
from deploy.stack.layout import LOOPBACK, PRIMARY, REPLICA, ROLES, Home
from deploy.stack.processes import POLL
from deploy.stack.wire import Connection, Row, WireError

READY_LIMIT = 30.0
PART_LIMIT = 3.0
SERVING = "SELECT id AS id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'"


@dataclass(frozen=True)
class State:
    """Tells how the replica follows."""

    port: int
    receiving: bool
    applying: bool
    lag: int | None
    error: str

    @property
    def following(self) -> bool:
        """Tell whether both threads run."""
        return self.receiving and self.applying


def connect(home: Home, name: str, passwords: dict[str, str], timeout: float = 10.0) -> Connection:
    """Connect to a server as root over its socket."""
    return Connection(home.socket(name), "root", passwords["root"], timeout)


def read_state(replica: Connection) -> State | None:
    """Return how the replica follows, or None when it was never told to."""
    spoken = words_of(replica)
    rows = replica.query(spoken.show)
    return _state_of(rows[0], spoken) if rows else None


def words_of(server: Connection) -> Words:
    """Return the words that a server understands."""
    return words(parse_version(server.server_version))


def _state_of(row: Row, spoken: Words) -> State:
    word, source = spoken.column, spoken.source.capitalize()
    lag = row[f"Seconds_Behind_{source}"]
    return State(
        port=int(row[f"{source}_Port"] or 0),
        receiving=row[f"{word}_IO_Running"] == "Yes",
        applying=row[f"{word}_SQL_Running"] == "Yes",
        lag=None if lag is None else int(lag),
        error=" ".join(filter(None, (row["Last_IO_Error"], row["Last_SQL_Error"]))),
    )


def change_statement(version: Version, port: int, password: str) -> str:
    """Return the statement that points a replica at the primary."""
    spoken = words(version)
    options = {
        "HOST": f"'{LOOPBACK}'",
        "PORT": str(port),
        "USER": "'repl'",
        "PASSWORD": f"'{password}'",
        # Two missed heartbeats tell a paused primary from a quiet one.
        "HEARTBEAT_PERIOD": "2",
        **spoken.follow,
    }
    parts = [f"{spoken.source}_{key} = {value}" for key, value in options.items()]
    return f"{spoken.change} {', '.join((*parts, *spoken.follow_more))}"


def ensure(home: Home, primary_port: int, passwords: dict[str, str]) -> None:
    """Make the replica follow the primary and wait until both its threads run.

    :raises StackError: when it cannot, with the replica's own words.
    """
    try:
        with connect(home, REPLICA, passwords) as replica:
            _point(replica, primary_port, passwords["repl"])
            _wait_following(replica)
    except WireError as error:
        raise StackError(f"{REPLICA} cannot be told to follow {PRIMARY}: {error}") from error


def ensure_roles(home: Home, passwords: dict[str, str]) -> None:
    """Have the primary know the users who do one job each; their rights come with each migration.

    Not where the data is made: a stack that was made before them gets them too.

    :raises StackError: when it cannot, with the primary's own words.
    """
    try:
        with connect(home, PRIMARY, passwords) as primary:
            known = {row["user"] for row in primary.query("SELECT user AS user FROM mysql.user")}
            identified = words_of(primary).identified
            for user in ROLES:
                if user not in known:
                    primary.query(f"CREATE USER '{user}'@'%' {identified} '{passwords[user]}'")
    except WireError as error:
        raise StackError(f"{PRIMARY} does not take its users: {error}") from error


def part(home: Home, passwords: dict[str, str]) -> None:
    """End the connection between the servers; the replica's next start makes it again.

    A primary told to stop waits eight seconds for the thread that serves a replica, whether the
    replica is still there or not, unless that thread was ended before.
    """
    with suppress(WireError), connect(home, REPLICA, passwords, PART_LIMIT) as replica:
        replica.query(f"STOP {words_of(replica).server}")
    with suppress(WireError), connect(home, PRIMARY, passwords, PART_LIMIT) as primary:
        for row in primary.query(SERVING):
            primary.query(f"KILL {row['id']}")


def _point(replica: Connection, primary_port: int, password: str) -> None:
    state = read_state(replica)
    if state is not None and state.following and state.port == primary_port:
        return
    version = parse_version(replica.server_version)
    server = words(version).server
    if state is None or state.port != primary_port:
        if state is not None:
            replica.query(f"STOP {server}")
        replica.query(change_statement(version, primary_port, password))
    replica.query(f"START {server}")


def _wait_following(replica: Connection) -> None:
    deadline = time.monotonic() + READY_LIMIT
    while True:
        state = read_state(replica)
        if state is not None and state.following:
            return
        if time.monotonic() > deadline:
            reason = state.error if state is not None and state.error else "no reason given"
            raise StackError(f"{REPLICA} does not follow {PRIMARY}: {reason}")
        time.sleep(POLL)
