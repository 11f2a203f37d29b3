"""Runs one command on a running stack, and stops afterwards what it had to start."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO

from deploy.stack import service
from deploy.stack.layout import PARTS, Home
from deploy.stack.processes import say

# What a shell answers for a command that cannot be run, and for one ended by a signal.
NOT_FOUND, SIGNALLED = 127, 128


def run(home: Home, command: Sequence[str]) -> int:
    """Start the stack if need be, run a command with its addresses, and clean up.

    :returns: the command's exit code.
    """
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    home.make()
    with _using(home):
        with service.locked(home):
            if not service.running_parts(home):
                _mark(home)
            service.start(home, PARTS)
        return _execute(command, service.environment(home))


def keep(home: Home) -> None:
    """Let the stack outlive every run: someone asked for it by name."""
    _mark_path(home).unlink(missing_ok=True)


@contextmanager
def _using(home: Home) -> Iterator[None]:
    """Count as a user of the stack; the last one out stops it if a run had started it.

    Two runs may share a stack, so not the one that started it but the last one stops it.
    """
    with (home.run / "users").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            # From here on nothing may cut the cleaning short.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            _leave_stack(home, file)


def _leave_stack(home: Home, file: IO[str]) -> None:
    if not _mark_path(home).exists():
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("the stack stays up: another run is using it")
        return
    with service.locked(home):
        service.stop_all(home)
        keep(home)


def _mark(home: Home) -> None:
    _mark_path(home).touch()


def _mark_path(home: Home) -> os.PathLike[str]:
    raise NotImplementedError


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(SIGNALLED + number)


def _execute(command: Sequence[str], variables: dict[str, str]) -> int:
    try:
        child = subprocess.Popen(list(command), env={**os.environ, **variables})
    except (FileNotFoundError, PermissionError) as error:
        say(f"cannot run {command[0]}: {error.strerror}")
        return NOT_FOUND
    return child.wait()
