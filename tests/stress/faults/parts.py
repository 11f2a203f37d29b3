"""Finds the service's processes and the stack's parts by name; ends them and brings them back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from deploy.stack import layout
from deploy.stack.processes import find_pid
from tests.e2e.services import REPOSITORY, Service
from tests.embedded import starting
from tests.second_try import TooSlow

T = TypeVar("T")

WEB: Final = "gunicorn"
"""What the command line of every process that serves requests names."""
EDGE: Final = "haproxy"
LANE: Final = "--name lane"
"""What that of a process of the express lane that moves money names."""


def until(look: Callable[[], T | None], *, what: str, seconds: float = 30.0) -> T:
    """Look again and again until something is there, and fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TooSlow(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return found


@dataclass(frozen=True)
class Running:
    """The full service as it was started: its address, its environment, its supervisor."""

    service: Service
    supervisor: subprocess.Popen[str]
    home: Path

    def programs(self) -> set[int]:
        """Return the pids of the programs that the supervisor looks after."""
        return {pid for pid in starting.processes_of(self.home) if _parent(pid) == self._pid}

    def web_processes(self) -> set[int]:
        """Return the pids of the processes that answer requests: children of a web program."""
        web = {pid for pid in starting.processes_of(self.home) if WEB in _command(pid)}
        return {pid for pid in web if _parent(pid) in web}

    def lane_processes(self) -> set[int]:
        """Return those among them that move money over HTTP."""
        return {pid for pid in self.web_processes() if LANE in _command(pid)}

    def edge_masters(self) -> set[int]:
        """Return the pid of the edge's process that starts the others."""
        return {pid for pid in self.programs() if EDGE in _command(pid)}

    def edge_processes(self) -> set[int]:
        """Return the pids of the edge's processes that carry the calls: children of its master."""
        masters = self.edge_masters()
        return {pid for pid in starting.processes_of(self.home) if _parent(pid) in masters}

    def is_up(self) -> bool:
        """Tell whether the supervisor lives."""
        return self.supervisor.poll() is None

    @property
    def _pid(self) -> int:
        return self.supervisor.pid


def kill_process(pid: int) -> None:
    """Kill -9, and wait until the process is gone."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not _lives(pid), what=f"the end of {pid}")


def pid_of(part: str) -> int | None:
    """Return the pid of a part of the stack, None while it is away."""
    return find_pid(layout.default_home(), part)


def kill(part: str) -> int:
    """Kill -9 a part of the stack; return the pid it had."""
    pid = pid_of(part)
    assert pid is not None, f"{part} does not run"
    kill_process(pid)
    return pid


def start(part: str) -> None:
    """Start a part and wait until it answers."""
    subprocess.run(
        [sys.executable, "-m", "deploy.stack", "start", part],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        timeout=100,
    )


def restore() -> None:
    """Start every part that is away."""
    for part in layout.PARTS:
        if pid_of(part) is None:
            start(part)


def _command(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def _stat(pid: int) -> list[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _parent(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[1]) if stat else 0


def _lives(pid: int) -> bool:
    stat = _stat(pid)
    return bool(stat) and stat[0] != "Z"
