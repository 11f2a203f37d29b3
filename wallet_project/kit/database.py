"""What the write path needs of a database and Django does not offer.

* one place that knows which errors heal by running a transaction again,
* an update of many rows, each by its own number, in one statement with `F()`,
* sessions of the primary prepared for the thread that uses them.

Reasons and measurements: `docs/architecture.md`, "The write path".
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    connections,
    models,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import ROW_COUNT
from django.db.models.sql.subqueries import DeleteQuery, UpdateQuery

from wallet_project.kit import servers
from wallet_project.kit.breaker import Breaker
from wallet_project.kit.retry_metrics import DATABASE_TRANSIENT, OPTIMISTIC_LOCK, RetryCount

T = TypeVar("T")

PRIMARY: Final = servers.PRIMARY
REPLICA: Final = servers.REPLICA

_DEADLOCK: Final = 1213
_LOCK_WAIT: Final = 1205
# MariaDB with innodb_snapshot_isolation: a row changed after the transaction's snapshot.
_CHANGED_MEANWHILE: Final = 1020
_DUPLICATE: Final = 1062
# Gone away, lost connection (also mid-COMMIT), killed, shutting down, kicked out when idle, TLS
# that could not be agreed on or broke off.
_LOST_CONNECTION: Final = frozenset({2002, 2003, 2006, 2013, 2026, 2055, 1927, 1053, 4031})
# The server turned read-only: it was demoted, so find the new primary by connecting again.
_DEMOTED: Final = frozenset({1290, 1792, 1836})


class LockWaitTimeout(Exception):
    """Somebody else held a row for longer than this session may wait. The body was rolled back."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a whole transaction is run again."""

    contention_attempts: int = 5
    contention_delay_ms: int = 100
    contention_jitter_ms: int = 50
    contention_total_ms: int = 2_000
    transient_attempts: int = 3
    transient_delay_ms: int = 500
    transient_jitter_ms: int = 200
    transient_total_ms: int = 5_000
    first_retry_immediate: bool = False
    raise_lock_waits: bool = False
    """A lock wait time-out is the caller's to handle (it moves the blocked wallets aside)."""

    def delay_before(
        self, kind: str, tries: Mapping[str, int], spent_seconds: float
    ) -> float | None:
        """Return how many seconds to wait before the next try, or None to give up."""
        if kind == OPTIMISTIC_LOCK:
            attempts, total_ms = self.contention_attempts, self.contention_total_ms
            base_ms, jitter_ms = self.contention_delay_ms, self.contention_jitter_ms
        else:
            attempts, total_ms = self.transient_attempts, self.transient_total_ms
            base_ms, jitter_ms = self.transient_delay_ms, self.transient_jitter_ms
        delay_ms = base_ms + random.uniform(0, jitter_ms)  # noqa: S311 - spreads load, hides nothing
        if self.first_retry_immediate and sum(tries.values()) == 1:
            delay_ms = 0.0
        if tries[kind] > attempts or spent_seconds * 1000 + delay_ms > total_ms:
            return None
        return delay_ms / 1000


INTERACTIVE = RetryPolicy()
"""One act at a time, with the delays operators expect of a payment service."""

LEADER = RetryPolicy(first_retry_immediate=True, raise_lock_waits=True)
"""The group-commit leader: everybody waits for it, so the first retry comes at once."""


def error_number(error: BaseException) -> int:
    """Return the server's number of a database error, or 0 where it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def is_contention(error: Error) -> bool:
    """Tell whether two transactions got in each other's way and one has to run again."""
    number = error_number(error)
    if number in (_DEADLOCK, _LOCK_WAIT, _CHANGED_MEANWHILE):
        return True
    if isinstance(error, IntegrityError):
        # A twin inserted the same key first. Run again, the look-up now sees it.
        return number == _DUPLICATE or "UNIQUE constraint failed" in str(error)
    return "database is locked" in str(error)


def is_transient(error: Error) -> bool:
    """Tell whether the connection or the server is to blame, not the statement."""
    return isinstance(error, InterfaceError) or error_number(error) in _LOST_CONNECTION | _DEMOTED


def heals(error: Error) -> bool:
    """Tell whether the same work may succeed when it is tried again later."""
    return is_transient(error) or is_contention(error)


def is_about_data(error: Error) -> bool:
    """Tell whether a value in the list is to blame, so that halving the list finds it."""
    return isinstance(error, DataError | IntegrityError) and not is_contention(error)


def run_retrying(
    body: Callable[[], T],
    policy: RetryPolicy,
    *,
    operation: str = "transaction",
    using: str = PRIMARY,
) -> T:
    """Run a whole transaction, again and again while its failure can heal.

    `body` opens its own `atomic` block, so each try starts from nothing; it must be safe to run
    twice, because a lost COMMIT reply looks like any lost connection. Idempotency keys make it so.
    Retries are counted under `operation`.

    The server's breaker stands at the door: while it is open nothing is begun, and when it opens
    between two tries there is no further one.

    :raises LockWaitTimeout: if the policy leaves lock waits to the caller.
    :raises Away: if the server is held to be away; nothing was tried.
    """
    started = time.monotonic()
    count = RetryCount(operation)
    tries: Counter[str] = Counter()
    breaker = None if connections[using].in_atomic_block else servers.of_database(using)
    if breaker is not None and not breaker.allows():
        raise servers.away(using)
    while True:
        try:
            result = body()
        except Error as error:
            kind = _kind_of_retry(error)
            note_for(breaker, error)
            if kind is None or connections[using].in_atomic_block:
                raise  # nothing heals it, or an outer transaction decides: never half a one again
            if policy.raise_lock_waits and error_number(error) == _LOCK_WAIT:
                raise LockWaitTimeout from error
            if kind == DATABASE_TRANSIENT:
                connections[using].close()
            tries[kind] += 1
            if breaker is not None and breaker.is_open:
                count.gave_up(kind)
                raise
            delay_seconds = policy.delay_before(kind, tries, time.monotonic() - started)
            if delay_seconds is None:
                count.gave_up(kind)
                raise
            count.again(kind, error)
            time.sleep(delay_seconds)
        else:
            note_for(breaker, None)
            count.succeeded()
            return result


def note_for(breaker: Breaker | None, error: Error | None) -> None:
    """Note what a call to a server tells of the way there; an error of its own is an answer."""
    if breaker is None:
        return
    if error is not None and is_transient(error):
        breaker.failed()
    else:
        breaker.succeeded()


def _kind_of_retry(error: Error) -> str | None:
    if is_contention(error):
        return OPTIMISTIC_LOCK
    return DATABASE_TRANSIENT if is_transient(error) else None


class ByPrimaryKey(models.Func):
    """A number for each row: `CASE id WHEN … THEN … END`, compiled in one go.

    Nested `When()` objects cost 250 us a row to resolve. One number for all rows compiles to a
    plain parameter, because a CASE is compared row by row and grows with the square of the list.
    """

    def __init__(self, numbers: Mapping[Any, Any], output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.numbers = numbers

    def resolve_expression(self, *args: Any, **kwargs: Any) -> ByPrimaryKey:
        return self

    def get_source_expressions(self) -> list[Any]:
        return []

    def as_sql(  # type: ignore[override]  # no template, no function name: one shape only
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        distinct = set(self.numbers.values())
        if len(distinct) == 1:
            return "%s", [self._value(distinct.pop(), connection)]
        column = compiler.quote_name_unless_alias(str(_primary_key(compiler).column))
        params = [
            prepared
            for key, number in self.numbers.items()
            for prepared in (
                _primary_key(compiler).get_db_prep_value(key, connection),
                self._value(number, connection),
            )
        ]
        return f"CASE {column} {'WHEN %s THEN %s ' * len(self.numbers)}END", params

    def _value(self, number: Any, connection: BaseDatabaseWrapper) -> Any:
        return self.output_field.get_db_prep_value(number, connection)


def _primary_key(compiler: SQLCompiler) -> models.Field[Any, Any]:
    meta = cast(type[models.Model], compiler.query.model)._meta
    return meta.pk


def update_by_primary_key(queryset: models.QuerySet[Any], **values: Any) -> int:
    """Run `queryset.update(**values)` with rows found by primary key only; return rows matched.

    On a small table MySQL turns `WHERE id IN (…)` into a scan that locks other people's rows: 126
    deadlocks in 300 lists, none with the hint. The ORM has no word for the hint.
    """
    compiler = _primary_key_update(queryset, values)
    return int(compiler.execute_sql(ROW_COUNT) or 0)


def delete_by_primary_key(queryset: models.QuerySet[Any]) -> int:
    """Run `queryset.delete()` with rows found by primary key only; return how many there were.

    For the reason above, and without looking for rows that refer to these.
    """
    query: Any = queryset.query.chain(DeleteQuery)
    compiler = query.get_compiler(queryset.db)
    sql, params = compiler.as_sql()
    if compiler.connection.vendor == "mysql":
        table = compiler.quote_name_unless_alias(query.get_meta().db_table)
        head = f"DELETE FROM {table} "  # noqa: S608 - the model's own table name
        if not sql.startswith(head):
            raise DatabaseError(f"A delete by primary key has an unforeseen shape: {sql[:80]}")
        # The form for one table takes no hint.
        sql = f"DELETE {table} FROM {table} FORCE INDEX (PRIMARY) {sql[len(head) :]}"
    with compiler.connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def statement_by_primary_key(
    queryset: models.QuerySet[Any], **values: Any
) -> tuple[str, Sequence[Any]]:
    """Write the statement that `update_by_primary_key` would run, for who sends it with others."""
    sql, params = _primary_key_update(queryset, values).as_sql()
    return sql, params


def _primary_key_update(queryset: models.QuerySet[Any], values: Mapping[str, Any]) -> Any:
    query: Any = queryset.query.chain(_PrimaryKeyUpdate)
    query.add_update_values(values)
    return query.get_compiler(queryset.db)


class _PrimaryKeyUpdate(UpdateQuery):
    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        compiler = super().get_compiler(*args, **kwargs)
        if compiler.connection.vendor != "mysql":
            return compiler
        plain = compiler.as_sql

        def hinted() -> tuple[str, Any]:
            sql, params = plain()
            table = compiler.quote_name_unless_alias(self.get_meta().db_table)
            head = f"UPDATE {table} SET "  # noqa: S608 - the model's own table name
            if not sql.startswith(head):
                raise DatabaseError(f"An update by primary key has an unforeseen shape: {sql[:80]}")
            hint = f"UPDATE {table} FORCE INDEX (PRIMARY) SET "  # noqa: S608 - as above
            return hint + sql[len(head) :], params

        compiler.as_sql = hinted
        return compiler


def prepare_session(*, lock_wait_seconds: int, idle_seconds_max: float = 10.0) -> None:
    """Make this thread's connection to the primary fit for a list of commands.

    A connection that lay idle is checked first: the server drops it after 15 s (`wait_timeout`,
    so that a dead process never holds locks for long), and finding out costs a retry.
    """
    connection = connections[PRIMARY]
    if connection.vendor != "mysql":
        return
    last_used: float = getattr(connection, "_wallet_last_used", 0.0)
    moment = time.monotonic()
    if connection.connection is not None and moment - last_used > idle_seconds_max:
        connection.close_if_unusable_or_obsolete()
        if connection.connection is not None and not connection.is_usable():
            connection.close()
    prepared = getattr(connection.connection, "_wallet_lock_wait", None)
    if connection.connection is None or prepared != lock_wait_seconds:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute(
                "SET SESSION innodb_lock_wait_timeout = %s, SESSION wait_timeout = 15",
                [lock_wait_seconds],
            )
        connection.connection._wallet_lock_wait = lock_wait_seconds
    connection._wallet_last_used = moment  # type: ignore[attr-defined]


@contextmanager
def long_statements(*, using: str = PRIMARY, seconds: int = 3600) -> Iterator[None]:
    """Let statements take so long, for a command that reads all there is; a request may not."""
    connection = connections[using]
    options = connection.settings_dict.get("OPTIONS", {})
    if "read_timeout" not in options:
        yield
        return
    connection.close()
    connection.settings_dict["OPTIONS"] = options | {"read_timeout": seconds}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = options


@contextmanager
def as_user(login: Mapping[str, Any] | None) -> Iterator[None]:
    """Speak to the primary as another user, in this thread; None: as the application's.

    Only the name and the password change: it is the same server and the same database.
    """
    if login is None:
        yield
        return
    connection = connections[PRIMARY]
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update({name: login[name] for name in before})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@contextmanager
def snapshot(*, using: str = PRIMARY) -> Iterator[None]:
    """Read several tables as they were at one moment (REPEATABLE READ, read only).

    For proofs and reports, never for a decision about money: those lock what they decide on.
    """
    connection = connections[using]
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            # Holds for the next transaction of the session only.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    with transaction.atomic(using=using):
        yield
