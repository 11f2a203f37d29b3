"""The processes that an accepted operation passes through: a lane, a relay, and workers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench.messages import Address
from tests.second_try import TooSlow

ROOT: Final = Path(__file__).resolve().parents[3]
START_SECONDS: Final = 60.0


class Processes:
    """Starts them on one environment; kills what is left at the end."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self._log = log
        self._started: list[subprocess.Popen[bytes]] = []

    def lane(self, key: str) -> Address:
        """Start a lane; return where it listens, with a client's key."""
        port = _free_port()
        self._start("-m", "gunicorn", "-c", "deploy/gunicorn_lane.conf.py", PORT=str(port))
        address = Address(
            "127.0.0.1",
            port,
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        self.until(lambda: _answers(address), what="a lane", seconds=START_SECONDS)
        return address

    def relay(self) -> subprocess.Popen[bytes]:
        """Start a relay."""
        return self._start("manage.py", "relay")

    def worker(self, **more: str) -> subprocess.Popen[bytes]:
        """Start one process more that works on operations."""
        return self._start("manage.py", "consume", "operations", **more)

    def clock(self, schedule: Path) -> subprocess.Popen[bytes]:
        """Start one clock more, which notes its ticks in a file of its own."""
        return self._start(
            *("-m", "celery", "--app", "wallet_project", "--quiet", "beat", "--pidfile", ""),
            CELERY_BEAT_SCHEDULE_FILE=str(schedule),
        )

    def hands(self, name: str) -> subprocess.Popen[bytes]:
        """Start one process more that does what the clocks ask for."""
        return self._start(
            *("-m", "celery", "--app", "wallet_project", "--quiet", "worker", "--pool", "solo"),
            *("--concurrency", "1", "--hostname", f"{name}@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

    def until(self, what_holds: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait for something, and fail with the last of the log if it does not come."""
        deadline = time.monotonic() + seconds
        while not what_holds():
            said = self._log.read_text()[-6_000:] if self._log.exists() else ""
            if time.monotonic() > deadline:
                raise TooSlow(f"{what}: not within {seconds:g} s\n{said}")
            time.sleep(0.02)

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in reversed(self._started):
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, *words: str, **more: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._started.append(
                subprocess.Popen(
                    [sys.executable, *words],
                    cwd=ROOT,
                    env=self.environment | more,
                    stdout=log,
                    stderr=log,
                )
            )
        return self._started[-1]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(address: Address) -> bool:
    try:
        with urllib.request.urlopen(f"{address.url}/health/live", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
