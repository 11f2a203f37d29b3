"""Starts servers that outlive the terminal, recognises them later, and ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.stack.errors import StackError
from deploy.stack.layout import KAFKA, Home

LOG_LINES_SHOWN = 15
STOP_LIMIT = 30.0
# A broker that is told to stop while it starts may hang; its log survives a kill.
STOP_LIMITS = {KAFKA: 10.0}
POLL = 0.05


@dataclass(frozen=True)
class Command:
    """Describes how a part is started."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Path | None = None
    """What a preparing program reads; a server reads nothing."""


def say(text: str) -> None:
    """Print a line of progress; standard output is left to answers."""
    # Cleaning up goes on when the terminal is gone.
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def find_pid(home: Home, name: str) -> int | None:
    """Return the pid of a part's live process, or None.

    The number in the file may meanwhile belong to a stranger, so it counts only while that
    process was started with a file of this very part on its command line.
    """
    try:
        pid = int(home.pid_file(name).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return pid if belongs_to(pid, home.part(name)) else None


def belongs_to(pid: int, folder: Path) -> bool:
    """Tell whether a live process has a file below a folder on its command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    inside = os.fsencode(folder) + b"/"
    return any(inside in word for word in words)


def spawn(home: Home, name: str, command: Command) -> int:
    """Start a part in a session of its own, with its output in its log, and record its pid."""
    with home.log(name).open("ab") as log:
        # A session of its own: neither Ctrl-C nor a closed terminal reaches the server.
        process = subprocess.Popen(
            list(command.arguments),
            cwd=home.part(name),
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # The kernel shows no command line for a moment after it has loaded the program.
    while not belongs_to(process.pid, home.part(name)) and process.poll() is None:
        time.sleep(POLL)
    home.pid_file(name).write_text(f"{process.pid}\n", encoding="ascii")
    return process.pid


def run_step(home: Home, name: str, command: Command) -> None:
    """Run a preparing program of a part to its end, with its output in the part's log.

    :raises StackError: when it fails.
    """
    with home.log(name).open("ab") as log, (command.stdin or Path(os.devnull)).open("rb") as stdin:
        finished = subprocess.run(
            list(command.arguments),
            cwd=home.part(name),
            env={**os.environ, **command.environment},
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )
    if finished.returncode != 0:
        raise failure(home, name, f"could not be prepared (exit {finished.returncode})")


def wait_ready(home: Home, name: str, ready: Callable[[], bool], limit: float) -> None:
    """Wait until a part answers.

    :raises StackError: when its process ends or the limit passes, with the end of its log.
    """
    deadline = time.monotonic() + limit
    while not ready():
        if find_pid(home, name) is None:
            raise failure(home, name, "ended while starting")
        if time.monotonic() > deadline:
            raise failure(home, name, f"did not answer within {limit:.0f} s")
        time.sleep(POLL)


def failure(home: Home, name: str, what: str) -> StackError:
    """Make the error that shows the last lines of a part's log."""
    path = home.log(name)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    tail = "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:])
    return StackError(f"{name} {what}. The end of {path}:\n{tail}")


def send(home: Home, name: str, number: signal.Signals) -> int | None:
    """Send a signal to a part's process; return its pid, or None when it does not run."""
    pid = find_pid(home, name)
    if pid is None:
        return None
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return None
    return pid


def stop(home: Home, name: str, limit: float | None = None) -> bool:
    """End a part: politely first, by force after the limit; return whether it was running.

    :param limit: seconds to wait for a polite end; the part's own if not given.
    """
    limit = STOP_LIMITS.get(name, STOP_LIMIT) if limit is None else limit
    if send(home, name, signal.SIGTERM) is None:
        home.pid_file(name).unlink(missing_ok=True)
        return False
    # A paused process would keep the polite request in its post-box for ever.
    send(home, name, signal.SIGCONT)
    if not wait_gone(home, name, limit):
        say(f"{name} did not stop within {limit:.0f} s and is killed")
        send(home, name, signal.SIGKILL)
        wait_gone(home, name, limit)
    home.pid_file(name).unlink(missing_ok=True)
    return True


def wait_gone(home: Home, name: str, limit: float) -> bool:
    """Wait until a part's process is gone; return False when it is still there at the limit."""
    deadline = time.monotonic() + limit
    while find_pid(home, name) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True
