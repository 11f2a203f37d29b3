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

from django.db import Error, connections
from django.db.models import DateTimeField, Subquery, Value
from prometheus_client import Counter

from wallet_project.kit import clock, heartbeat, servers
from wallet_project.kit.breaker import Breaker
from wallet_project.kit.database import PRIMARY, REPLICA, is_transient, note_for
from wallet_project.kit.models import Heartbeat

Q = TypeVar("Q", bound=Hashable)
T = TypeVar("T")

FRESH: Final = timedelta(seconds=10)
"""What is older is not shown while the primary can be asked."""
READS: Final = Counter("wallet_reads_total", "Reads by what answered them.", ["source"])
"""source: `cache`, `replica`, `primary`, or `last_resort` (the replica without its primary)."""
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


def read(query: Callable[[Source], T]) -> T:
    """Run a read on the replica, else on the primary, else again on the replica as it is.

    Inside a transaction of the primary, and without a replica, it runs on the primary.

    :raises django.db.Error: if neither could tell.
    """
    if not _may_ask_replica():
        return _from_primary_alone(query)
    if servers.replica.allows():
        try:
            found = query(_REPLICA)
        except Behind:
            servers.replica.succeeded()
        except Error as error:
            # Whatever it is (away, or a table that has not been replicated yet), the primary has
            # the say; if the query itself is wrong, it will fail there as well.
            _note_failure(servers.replica, REPLICA, error)
        else:
            servers.replica.succeeded()
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
            found |= read_primary_first(some)
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
    return _from_primary(query) if _may_ask_replica() else _from_primary_alone(query)


def is_fresh() -> bool:
    """Tell whether the replica answers and is younger than ten seconds, as of a second ago."""
    return _may_ask_replica() and _is_fresh(_watch.seen())


def heartbeat_seen() -> datetime | None:
    """Tell as of when the replica is true at least; None where nobody knows."""
    return _watch.seen() if REPLICA in connections.databases else None


def forget() -> None:
    """Forget what is known of both servers; for tests that change them."""
    servers.primary.forget()
    servers.replica.forget()
    _watch.forget()


def _may_ask_replica() -> bool:
    return REPLICA in connections.databases and not connections[PRIMARY].in_atomic_block


def _is_fresh(moment: datetime | None) -> bool:
    return moment is not None and clock.now() - moment < FRESH


def _from_primary(query: Callable[[Source], T]) -> T:
    away: Error = _away()
    if servers.primary.allows():
        try:
            found = query(_PRIMARY)
        except Error as error:
            _note_failure(servers.primary, PRIMARY, error)
            if not is_transient(error):
                raise
            away = error
        else:
            servers.primary.succeeded()
            READS.labels("primary").inc()
            return found
    try:
        found = query(_LAST_RESORT)
    except (Behind, Error):
        raise away from None
    servers.replica.succeeded()
    READS.labels("last_resort").inc()
    return found


def _from_primary_alone(query: Callable[[Source], T]) -> T:
    """Ask where there is no choice, in a transaction or without a replica."""
    if connections[PRIMARY].in_atomic_block:
        return query(_PRIMARY)
    if not servers.primary.allows():
        raise _away()
    try:
        found = query(_PRIMARY)
    except Error as error:
        _note_failure(servers.primary, PRIMARY, error)
        raise
    servers.primary.succeeded()
    return found


def _away() -> Error:
    return servers.away(PRIMARY)


def _note_failure(breaker: Breaker, alias: str, error: Error) -> None:
    note_for(breaker, error)
    if is_transient(error):
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
        if not servers.replica.allows():
            return None
        try:
            found = Heartbeat.objects.using(REPLICA).values_list("beat_at", flat=True).first()
        except Error as error:
            _note_failure(servers.replica, REPLICA, error)
            return None
        servers.replica.succeeded()
        return found


_watch: Final = _Watch()
