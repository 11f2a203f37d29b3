"""Runs one command on a running stack, and stops afterwards what it had to start."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from deploy.stack import service
from deploy.stack.layout import PARTS, Home
from deploy.stack.processes import say

# What a shell answers for a command that is not there, and adds for one ended by a signal.
NOT_FOUND, SIGNALLED = 127, 128
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(home: Home, command: Sequence[str]) -> int:
    """Start the stack if need be, run a command with its addresses, and clean up.

    :returns: the command's exit code.
    """
    home.make()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with _using(home):
        with service.locked(home):
            alive = service.running_parts(home)
            _borrow(home, [name for name in PARTS if name not in alive])
            service.start(home, PARTS)
        return _execute(command, service.environment(home))


def keep(home: Home) -> None:
    """Let what runs outlive every run: someone asked for it by name."""
    _borrowed(home).unlink(missing_ok=True)


def _borrowed(home: Home) -> Path:
    """Return the file that lists the parts which run only for the sake of a run."""
    return home.run / "borrowed"


def _borrow(home: Home, names: Sequence[str]) -> None:
    # Written before the start, so that a run cut short cleans up as well.
    with _borrowed(home).open("a", encoding="ascii") as file:
        file.writelines(f"{name}\n" for name in names)


@contextmanager
def _using(home: Home) -> Iterator[None]:
    """Count as a user of the stack; the last one out stops what was borrowed.

    Runs may share a stack, so not the one that started a part but the last one stops it.
    """
    with (home.run / "users").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            # From here on nothing may cut the cleaning short.
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
            _give_back(home, file)


def _give_back(home: Home, file: IO[str]) -> None:
    path = _borrowed(home)
    if not path.exists():
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("the stack stays up: another run is using it")
        return
    with service.locked(home):
        names = path.read_text(encoding="ascii").split() if path.exists() else []
        service.stop_parts(home, [name for name in PARTS if name in names])
        path.unlink(missing_ok=True)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(SIGNALLED + number)


def _execute(command: Sequence[str], variables: dict[str, str]) -> int:
    """Run a command in the foreground and pass on what would end it."""
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # Ctrl-C has reached the command already, together with this process.
        if child is not None and not (number == signal.SIGINT and _in_foreground()):
            child.send_signal(number)

    for number in ENDING:
        signal.signal(number, pass_on)
    try:
        child = subprocess.Popen(list(command), env={**os.environ, **variables})
    except (FileNotFoundError, PermissionError) as error:
        say(f"cannot run {command[0]}: {error.strerror}")
        return NOT_FOUND
    code = child.wait()
    return code if code >= 0 else SIGNALLED - code


def _in_foreground() -> bool:
    """Tell whether the terminal sends its keys to this process's group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
