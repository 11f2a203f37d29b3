"""How each fault is begun and ended, and what shows that it was really there."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from abc import ABC, abstractmethod
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import MySQLdb
import redis

from tests.chaos.proxy import LOOPBACK, Mode, Terms
from tests.chaos.schedule import PARTS, Fault
from tests.chaos.world import World, delay_replica
from tests.stress.faults import books, parts

DELAY_SECONDS: Final = 4
AWAY_SECONDS: Final = 60.0
"""How long the supervisor may take to bring a program back that has died again and again."""
SEEN_SECONDS: Final = 90.0
"""How long a fault waits for somebody to meet it: the gateway is called every five seconds, and
whoever calls it may just have been killed. A worker that has gone deaf finds out after 25 s, and on
a busy machine the next one needs half a minute to start."""
SPARSE_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Broken(ABC):
    """A fault that is there now, or was."""

    world: World
    fault: Fault
    hot_wallet: str = ""
    seen: str = ""
    """What showed that it was there; empty if nothing did."""

    @abstractmethod
    def begin(self) -> None:
        """Break it."""

    @abstractmethod
    def end(self) -> None:
        """Mend it, and note what was seen of it."""


class Kill(Broken):
    """SIGKILL; a part of the stack is started again at the end, the rest by its own supervisor."""

    __slots__ = ("_killed",)

    def begin(self) -> None:
        """Kill the processes."""
        self._killed = self.world.pids(self.fault.target)
        for pid in self._killed:
            parts.kill_process(pid)

    def end(self) -> None:
        """Wait for their successors."""
        target = self.fault.target
        if target in PARTS:
            self.world.start(target)
        after = parts.until(
            lambda: self.world.pids(target) - self._killed,
            what=f"the successor of {target}",
            seconds=AWAY_SECONDS,
        )
        if self._killed:
            self.seen = f"pid {min(self._killed)} became {min(after)}"


class Freeze(Broken):
    """SIGSTOP, then SIGCONT."""

    __slots__ = ("_frozen",)

    def begin(self) -> None:
        """Stop the processes where they are."""
        self._frozen = self.world.pids(self.fault.target)
        for pid in self._frozen:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.1)
        stopped = [pid for pid in self._frozen if parts._stat(pid)[:1] == ["T"]]
        if stopped:
            self.seen = f"pid {stopped[0]} was in state T"

    def end(self) -> None:
        """Let them go on."""
        for pid in self._frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


class Crash(Broken):
    """One process dies between two of its steps."""

    __slots__ = ()

    def begin(self) -> None:
        """Arm the point."""
        (self.world.points / self.fault.target).touch()

    def end(self) -> None:
        """Wait until somebody has died there."""
        point = self.world.points / self.fault.target
        with suppress(AssertionError):
            parts.until(lambda: not point.exists(), what=self.fault.target, seconds=SEEN_SECONDS)
            self.seen = "a process died there"
        point.unlink(missing_ok=True)


class Road(Broken):
    """A proxy misbehaves."""

    __slots__ = ("_before",)

    def begin(self) -> None:
        """Let it misbehave."""
        proxy = self.world.roads.by_name[self.fault.target]
        self._before = proxy.counts[self.fault.mode]
        proxy.set(_terms(self.fault))
        if self.fault.mode == Mode.REFUSE:
            # Whoever is refused leaves no trace: one caller more, who tells.
            with suppress(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, proxy.port), timeout=5).close()
                return
            proxy.counts[Mode.REFUSE] += 1

    def end(self) -> None:
        """Wait until somebody has come by, heal it, and count how often it was felt."""
        proxy = self.world.roads.by_name[self.fault.target]
        with suppress(AssertionError):
            parts.until(
                lambda: proxy.counts[self.fault.mode] > self._before,
                what=self.fault.name,
                seconds=SEEN_SECONDS,
            )
        proxy.heal()
        felt = proxy.counts[self.fault.mode] - self._before
        if felt:
            self.seen = f"{felt} times"


def _terms(fault: Fault) -> Terms:
    mode = Mode(fault.mode)
    if mode is Mode.DROP and fault.target == "primary":
        # Committed, and nobody is told: what makes an outcome unknown.
        return Terms(mode, only=b"COMMIT", share=0.5)
    # The gateway is called now and then only, so whoever comes by meets the fault.
    rarely = fault.target == "gateway"
    if mode is Mode.DROP:
        return Terms(mode, share=1.0 if rarely else 0.3)
    if mode in (Mode.CUT, Mode.RESET):
        return Terms(mode, share=1.0 if rarely else 0.5)
    if mode is Mode.LATENCY and fault.target == "primary":
        return Terms(mode, delay_seconds=0.1)
    return Terms(mode)


class Delay(Broken):
    """The replica applies everything some seconds late."""

    __slots__ = ("_began",)

    def begin(self) -> None:
        """Delay it."""
        self._began = time.monotonic()
        delay_replica(DELAY_SECONDS)

    def end(self) -> None:
        """Look how far it is behind, and delay it no more."""
        time.sleep(max(0.0, self._began + DELAY_SECONDS - time.monotonic()))
        statement = "SELECT COALESCE(MAX(id), 0) FROM events_outboxevent"
        primary, replica = (
            int(books._rows(url, statement, [])[0][0])
            for url in (self.world.database, self.world.replica)
        )
        delay_replica(0)
        if primary > replica:
            self.seen = f"{primary - replica} events behind"


class Flush(Broken):
    """Redis forgets everything, several times."""

    __slots__ = ("_forgotten",)

    def begin(self) -> None:
        """Empty it."""
        self._forgotten = self._flush()

    def end(self) -> None:
        """Empty it once more."""
        self._forgotten += self._flush()
        self.seen = f"{self._forgotten} keys forgotten"

    def _flush(self) -> int:
        with closing(redis.Redis.from_url(self.world.direct["REDIS_URL"])) as connection:
            found = int(connection.dbsize())
            connection.flushdb()
            return found


class Full(Broken):
    """No file may grow: the disk is full, as far as this process can tell."""

    __slots__ = ("_log", "_pids", "_size")

    def begin(self) -> None:
        """Limit the size of files; the log's length is brought to the limit first."""
        self._pids = self.world.pids(self.fault.target)
        limit = 4_096
        if self.fault.target == "lane":
            # Only the log is to be full: no other file of this process is as long.
            self._log = self.world.log("lane")
            limit = max(SPARSE_BYTES, self._log.stat().st_size)
            os.truncate(self._log, limit)
        self._size = limit
        self._limit(limit)

    def end(self) -> None:
        """Lift the limit; start a broker that has given up."""
        if self.fault.target == "lane":
            before = self._log.stat().st_size
            self._limit(resource.RLIM_INFINITY)
            if before <= self._size:
                self.seen = f"the log stood still at {before} bytes"
            return
        with suppress(AssertionError):
            self.seen = parts.until(self._gave_up, what="the broker's complaint", seconds=20)
        self._limit(resource.RLIM_INFINITY)
        for pid in self._pids & self.world.pids("kafka"):
            parts.kill_process(pid)
        self.world.start("kafka")

    def _gave_up(self) -> str:
        if not self._pids & self.world.pids("kafka"):
            return "the broker gave up"
        return ""

    def _limit(self, size: int) -> None:
        for pid in self._pids:
            with suppress(ProcessLookupError):
                hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


class Lock(Broken):
    """Somebody else holds a hot wallet's row."""

    __slots__ = ("_connection",)

    def begin(self) -> None:
        """Take the row."""
        self._connection: Any = books._connect(self.world.database)
        self._connection.autocommit(False)
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM wallets_wallet WHERE id = %s FOR UPDATE",
                [UUID(self.hot_wallet).bytes],
            )

    def end(self) -> None:
        """See who waits, and give the row back."""
        waiting = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
        owner = self.world.direct["DATABASE_OWNER_URL"]
        most = 0
        for _ in range(8):
            most = max(most, int(books._rows(owner, waiting, [])[0][0]))
            time.sleep(0.25)
        with suppress(MySQLdb.Error):  # the server may have been killed meanwhile
            self._connection.rollback()
            self._connection.close()
        if most:
            self.seen = f"{most} transactions waited"


_CLASSES: Final[dict[str, type[Broken]]] = {
    "kill": Kill,
    "freeze": Freeze,
    "crash": Crash,
    "road": Road,
    "delay": Delay,
    "flush": Flush,
    "full": Full,
    "lock": Lock,
}


def broken(world: World, fault: Fault, hot_wallet: str) -> Broken:
    """Make what carries out a fault."""
    return _CLASSES[fault.kind](world, fault, hot_wallet)
