"""Chooses the database that a read asks.

A read goes to the replica when what stands there will do, else to the primary. Only the read itself
can tell: it looks at what it found and raises `Behind` when that is too old or not there. While the
primary is away the replica has the last word, and its answers are marked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from django.db import Error, OperationalError, connections
from django.db.models import DateTimeField, Subquery, Value
from prometheus_client import Counter

from wallet_project.kit import clock, heartbeat
from wallet_project.kit.breaker import Breaker
from wallet_project.kit.database import PRIMARY, REPLICA, answers, is_transient
from wallet_project.kit.models import Heartbeat

Q = TypeVar("Q", bound=Hashable)
T = TypeVar("T")

FRESH: Final = timedelta(seconds=10)
"""What is older is not shown while the primary can be asked."""
RETRY_SECONDS: Final = 2.0
"""How soon a server that did not answer is asked again."""
READS: Final = Counter("wallet_reads_total", "Reads by what answered them.", ["source"])
"""source: `cache`, `replica`, `primary`, or `last_resort` (the replica without its primary)."""
_PROBE_SECONDS: Final = 1
_LOOK_SECONDS: Final = 1.0
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Behind(Exception):
    """The replica does not have what was asked for, or not yet."""


@dataclass(frozen=True, slots=True)
class Source:
    """The database that a read asks this time."""

    using: str
    is_last_resort: bool = False
    """The primary does not answer: whatever the replica has must do."""

    @property
    def is_replica(self) -> bool:
        """Tell whether it is the replica."""
        return self.using == REPLICA

    def moment(self) -> Subquery | heartbeat.UtcNow | Value:
        """Make the expression that adds to a row as of when it is true; NULL where none knows."""
        if self.is_replica:
            return heartbeat.seen()
        if connections[self.using].vendor == "mysql":
            return heartbeat.UtcNow()
        return Value(clock.now(), output_field=DateTimeField())

    def need(self, condition: bool) -> None:
        """Hold the replica to a condition; what the primary says is always enough.

        :raises Behind: if it does not hold.
        """
        if self.is_replica and not condition:
            raise Behind

    def is_fresh(self, moment: datetime | None) -> bool:
        """Tell whether what was true at a moment may be shown; as the last resort anything may."""
        return self.is_last_resort or _is_fresh(moment)

    def heartbeat(self) -> datetime:
        """Tell as of when what it shows is true at least: for pages that are not a wallet's."""
        return _watch.seen() or _LONG_AGO if self.is_replica else clock.now()


_PRIMARY: Final = Source(PRIMARY)
_REPLICA: Final = Source(REPLICA)
_LAST_RESORT: Final = Source(REPLICA, is_last_resort=True)
_primary_breaker: Final = Breaker(retry_seconds=RETRY_SECONDS)
_replica_breaker: Final = Breaker(retry_seconds=RETRY_SECONDS)


def read(query: Callable[[Source], T]) -> T:
    """Run a read on the replica, else on the primary, else again on the replica as it is.

    Inside a transaction of the primary, and without a replica, it runs on the primary.

    :raises django.db.Error: if neither could tell.
    """
    if not _may_ask_replica():
        return query(_PRIMARY)
    if _may_try(_replica_breaker, REPLICA):
        try:
            found = query(_REPLICA)
        except Behind:
            _replica_breaker.succeeded()
        except Error as error:
            # Whatever it is (away, or a table that has not been replicated yet), the primary has
            # the say; if the query itself is wrong, it will fail there as well.
            _note_failure(_replica_breaker, REPLICA, error)
        else:
            _replica_breaker.succeeded()
            READS.labels("replica").inc()
            return found
    return _from_primary(query)


def read_each(
    questions: Sequence[Q], query: Callable[[Source, Sequence[Q]], Mapping[Q, T]]
) -> dict[Q, T | Error]:
    """Read for several readers at once, each as if alone.

    `query` answers those questions for which its source will do, and leaves out the others: on the
    replica those that need the primary, on the primary none. In place of an answer stands the
    database's error, for a question that nobody could answer.
    """

    def some(source: Source) -> dict[Q, T | Error]:
        found: dict[Q, T | Error] = dict(query(source, left))
        source.need(bool(found))
        return found

    left = list(questions)
    found = read(some)
    left = [question for question in questions if question not in found]
    if left:
        try:
            found |= _from_primary(some) if _may_ask_replica() else query(_PRIMARY, left)
        except Error as error:
            found |= dict.fromkeys(left, error)
    for question in questions:
        # As the last resort the replica knows some of what was asked; of the others nobody knows.
        found.setdefault(question, _away())
    return found


def read_primary_first(query: Callable[[Source], T]) -> T:
    """Run a read that must see the latest on the primary; on the replica while that is away.

    :raises django.db.Error: if neither could tell.
    """
    return _from_primary(query) if _may_ask_replica() else query(_PRIMARY)


def is_fresh() -> bool:
    """Tell whether the replica answers and is younger than ten seconds, as of a second ago."""
    return _may_ask_replica() and _is_fresh(_watch.seen())


def forget() -> None:
    """Forget what is known of both servers; for tests that change them."""
    _primary_breaker.succeeded()
    _replica_breaker.succeeded()
    _watch.forget()


def _may_ask_replica() -> bool:
    return REPLICA in connections.databases and not connections[PRIMARY].in_atomic_block


def _is_fresh(moment: datetime | None) -> bool:
    return moment is not None and clock.now() - moment < FRESH


def _from_primary(query: Callable[[Source], T]) -> T:
    away: Error = _away()
    if _may_try(_primary_breaker, PRIMARY):
        try:
            found = query(_PRIMARY)
        except Error as error:
            if not is_transient(error):
                raise
            _note_failure(_primary_breaker, PRIMARY, error)
            away = error
        else:
            _primary_breaker.succeeded()
            READS.labels("primary").inc()
            return found
    try:
        found = query(_LAST_RESORT)
    except (Behind, Error):
        raise away from None
    _replica_breaker.succeeded()
    READS.labels("last_resort").inc()
    return found


def _away() -> Error:
    return OperationalError(2003, "The primary did not answer a moment ago.")


def _may_try(breaker: Breaker, alias: str) -> bool:
    if not breaker.allows():
        return False
    # A server that hangs would keep the caller who tries it for as long as a query may take.
    if breaker.is_open and not answers(alias, limit_seconds=_PROBE_SECONDS):
        breaker.failed()
        return False
    return True


def _note_failure(breaker: Breaker, alias: str, error: Error) -> None:
    if is_transient(error):
        breaker.failed()
        connections[alias].close()


class _Watch:
    """The replica's heartbeat, looked at once a second by whoever asks first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._seen: datetime | None = None
        self._next_look = 0.0

    def seen(self) -> datetime | None:
        if time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._next_look = time.monotonic() + _LOOK_SECONDS
                self._seen = self._look()
            finally:
                self._lock.release()
        return self._seen

    def _look(self) -> datetime | None:
        if not _may_try(_replica_breaker, REPLICA):
            return None
        try:
            found = Heartbeat.objects.using(REPLICA).values_list("beat_at", flat=True).first()
        except Error as error:
            _note_failure(_replica_breaker, REPLICA, error)
            return None
        _replica_breaker.succeeded()
        return found


_watch: Final = _Watch()
