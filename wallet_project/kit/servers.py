"""The servers that the service depends on, and whether each can be reached just now.

A breaker for each, of this process. They stand at doors: before a transaction is begun, before a
read chooses its database, before Redis, Kafka or the gateway are called. Within a transaction
nobody looks at one.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import Error, OperationalError, connections
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from wallet_project.kit.breaker import Breaker
from wallet_project.kit.errors import Unavailable

PRIMARY: Final = "default"
REPLICA: Final = "replica"

RETRY_SECONDS: Final = 1.0
"""How often an open breaker has somebody try whether the server is back."""
PROBE_SECONDS: Final = 1
"""How long a database may take to answer a probe."""
REDIS_PROBE_SECONDS: Final = 0.2
"""As long as a caller waits: a Redis that only a more patient one reaches is of no use."""
_READ_ONLY: Final = 1290


class ReadOnly(Unavailable):
    """The primary database is away: reads are answered from the replica, writes have to wait.

    Nothing was done. It ends by itself when the primary is back.
    """

    code = "read_only"
    title = "The service is in read-only mode"


class Away(OperationalError):
    """A database that could not be reached a moment ago was not asked: nothing was done."""


def away(alias: str) -> Away:
    """Make the error for a question that is not asked."""
    name = "primary" if alias == PRIMARY else alias
    return Away(2003, f"The {name} could not be reached a moment ago; nothing was done.")


def ask(alias: str, *, limit_seconds: int) -> None:
    """Open a connection of its own, with short time-outs, and ask for a one.

    :raises django.db.Error: if the server does not answer.
    """
    _ask(alias, limit_seconds, "SELECT 1")


def _ask(alias: str, limit_seconds: int, question: str) -> Any:
    # A copy: a time-out must not be forced on the connections that carry requests.
    connection = connections[alias].copy()
    if connection.vendor == "mysql":
        names = ("connect_timeout", "read_timeout", "write_timeout")
        limits = dict.fromkeys(names, limit_seconds)
        connection.settings_dict["OPTIONS"] |= limits
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def answers(alias: str, *, limit_seconds: int) -> bool:
    """Tell whether a server answers within some seconds."""
    try:
        ask(alias, limit_seconds=limit_seconds)
    except Error:
        return False
    return True


def ask_redis(*, limit_seconds: float) -> None:
    """Open a connection of its own, with short time-outs, and send a PING.

    :raises redis.RedisError: if Redis does not answer.
    """
    with Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=limit_seconds,
        socket_connect_timeout=limit_seconds,
        retry=None,
    ) as connection:
        connection.ping()


def _redis_answers() -> bool:
    try:
        ask_redis(limit_seconds=REDIS_PROBE_SECONDS)
    except RedisError:
        return False
    return True


def _takes_writes() -> bool:
    """Tell whether the primary answers, and is one: a demoted server is as good as none."""
    is_mysql = connections[PRIMARY].vendor == "mysql"
    question = "SELECT @@global.read_only" if is_mysql else "SELECT 0"
    try:
        return not _ask(PRIMARY, PROBE_SECONDS, question)
    except Error:
        return False


primary: Final = Breaker("primary", retry_seconds=RETRY_SECONDS, probe=_takes_writes)
replica: Final = Breaker(
    "replica",
    retry_seconds=RETRY_SECONDS,
    probe=lambda: answers(REPLICA, limit_seconds=PROBE_SECONDS),
)
redis: Final = Breaker("redis", retry_seconds=RETRY_SECONDS, probe=_redis_answers)
kafka: Final = Breaker("kafka", retry_seconds=RETRY_SECONDS)
gateway: Final = Breaker("gateway", retry_seconds=2 * RETRY_SECONDS)

_OF_DATABASE: Final = {PRIMARY: primary, REPLICA: replica}
ALL: Final = (primary, replica, redis, kafka, gateway)


def of_database(alias: str) -> Breaker | None:
    """Return the breaker of a database; None for one that has none, such as the owner's."""
    return _OF_DATABASE.get(alias)


def is_read_only() -> bool:
    """Tell whether the primary is held to be away."""
    return primary.is_open


def require_primary() -> None:
    """Turn a write away before it waits for anything.

    :raises ReadOnly: while the primary is held to be away.
    """
    if primary.is_open:
        raise ReadOnly(
            "The primary database is away; nothing was done. Reads are answered. "
            "Send the same request with the same key in a moment."
        )


def note_redis(error: Exception | None) -> None:
    """Note what a call to Redis tells of the way there; an error of its own is an answer."""
    if error is None or isinstance(error, ResponseError):
        redis.succeeded()
    else:
        redis.failed()


def forget() -> None:
    """Forget what is known of all servers; for tests that take them away."""
    for one in ALL:
        one.forget()
