"""Keeps a handful of processes running and leaves none behind.

Three things end a child: this process asks it to, it dies by itself (then it is started again), or
this process is gone, even by `kill -9` (then the kernel tells the child, where it is Linux).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from deploy.starter.errors import StartError, Stopped

REPOSITORY: Final = Path(__file__).resolve().parents[2]
STOP_SECONDS: Final = 25.0
"""Longer than gunicorn's graceful time-out, so that every request ends by itself."""
BACK_OFF_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS: Final = 60.0
"""A child that lived this long begins the back-off anew."""
LOG_LINES_SHOWN: Final = 15

_PR_SET_PDEATHSIG: Final = 1
_STOPPING: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Program:
    """Says what to run. `name` is also the name of the log file."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    again_at: float = field(default=0.0)


def say(text: str) -> None:
    """Print a line of progress; standard output is left to the greeting."""
    print(text, file=sys.stderr, flush=True)


def end_with_a_sentence(run: Callable[[], None]) -> int:
    """Run a starter; return the exit code and print a sentence instead of a traceback."""
    try:
        run()
    except StartError as error:
        say(str(error))
        return 1
    except Stopped:
        say("Stopped.")
    return 0


class Supervisor:
    """Holds the children. Use it as a context: leaving it stops them all."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._children: list[_Child] = []
        self._stopping = False
        # Signals only write a byte here, so that none interrupts the start of a child half-way.
        self._wake, self._ring = os.pipe()
        for end in (self._wake, self._ring):
            os.set_blocking(end, False)

    def __enter__(self) -> Supervisor:
        for number in (*_STOPPING, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._ring, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_all()
        signal.set_wakeup_fd(-1)

    def log(self, name: str) -> Path:
        """Return the file that a program writes its output to."""
        return self.logs / f"{name}.log"

    def start(self, program: Program) -> None:
        """Start a program that is to run until the end."""
        self._children.append(_Child(program, self._spawn(program), time.monotonic()))

    def run_step(self, program: Program) -> str:
        """Run a program to its end and return what it printed.

        :raises StartError: when it fails, with the end of its log.
        :raises Stopped: when a signal asks for the end meanwhile.
        """
        # What it prints may be a secret, and belongs in no log.
        with tempfile.TemporaryFile() as printed:
            child = _Child(program, self._spawn(program, printed), time.monotonic())
            self._children.append(child)
            while child.process.poll() is None:
                self.wait(1.0)
            self._children.remove(child)
            if child.process.returncode != 0:
                raise self.failure(program.name, f"failed (exit {child.process.returncode})")
            printed.seek(0)
            return printed.read().decode(errors="replace")

    def wait(self, seconds: float) -> None:
        """Sleep until something happens to a child, at most so long.

        :raises Stopped: when a signal asks for the end.
        """
        readable, _, _ = select.select([self._wake], [], [], seconds)
        if readable and not _STOPPING.isdisjoint(os.read(self._wake, 4096)):
            raise Stopped

    def require_alive(self) -> None:
        """Check that no child has ended.

        :raises StartError: with the end of its log.
        """
        for child in self._children:
            if child.process.poll() is not None:
                raise self.failure(
                    child.program.name, f"ended while starting (exit {child.process.returncode})"
                )

    def watch(self) -> None:
        """Start again whatever ends, until a signal asks for the end.

        :raises Stopped: at that signal; there is no other way out.
        """
        while True:
            due = [self._look_after(child) for child in self._children]
            self.wait(min(due, default=1.0))

    def failure(self, name: str, what: str) -> StartError:
        """Make the error that shows the last lines of a program's log."""
        path = self.log(name)
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        tail = "\n".join(f"    {line}" for line in text.splitlines()[-LOG_LINES_SHOWN:])
        return StartError(f"{name} {what}. The end of {path}:\n{tail}")

    def _look_after(self, child: _Child) -> float:
        """Restart a child whose time has come; return how long it may be left alone."""
        if child.process.poll() is None:
            return 1.0
        moment = time.monotonic()
        if child.again_at == 0.0:
            _end_group(child.process.pid)  # what it left behind may hold its port
            if moment - child.started > STEADY_SECONDS:
                child.deaths = 0
            pause = BACK_OFF_SECONDS[min(child.deaths, len(BACK_OFF_SECONDS) - 1)]
            child.deaths += 1
            child.again_at = moment + pause
            say(
                f"{child.program.name} ended (exit {child.process.returncode}) and is started again"
                f" in {pause:g} s; see {self.log(child.program.name)}"
            )
        if moment < child.again_at:
            return child.again_at - moment
        child.process = self._spawn(child.program)
        child.started, child.again_at = moment, 0.0
        return 1.0

    def _spawn(self, program: Program, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        parent = os.getpid()

        def die_with_parent() -> None:
            if sys.platform == "linux":
                _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
                if os.getppid() != parent:  # it died before the kernel knew of the wish
                    os._exit(1)

        with self.log(program.name).open("ab") as log:
            # A session of its own: Ctrl-C reaches this process only, which ends the others in turn.
            return subprocess.Popen(
                list(program.arguments),
                cwd=REPOSITORY,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output or log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def _stop_all(self) -> None:
        """Ask every child to end, and force those that have not in time."""
        alive = [child for child in self._children if child.process.poll() is None]
        for child in alive:
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.process.poll() is None for child in alive):
            left = deadline - time.monotonic()
            try:
                self.wait(min(left, 1.0) if left > 0 else 0.0)
            except Stopped:
                left = 0.0  # asked a second time: no more patience
            if left <= 0:
                break
        for child in self._children:
            _end_group(child.process.pid)
            child.process.wait()


def _end_group(leader: int) -> None:
    """Kill what is left of a child's session."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS says so of a group of zombies
        pass
