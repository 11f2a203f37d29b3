"""Starts the embedded service as a person would, and reads what it prints."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 120.0
# Of a fresh shell; what this test run has set for itself stays out.
_KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR")


@dataclass
class Started:
    """A service that has greeted."""

    process: subprocess.Popen[str]
    greeting: str
    home: Path

    @property
    def key(self) -> str:
        """Return the API key it printed."""
        found = re.search(r"API key +(\S+)", self.greeting)
        assert found, self.greeting
        return found.group(1)

    @property
    def base(self) -> str:
        """Return the address it printed."""
        found = re.search(r"runs at (\S+)", self.greeting)
        assert found, self.greeting
        return found.group(1)

    def calls(self) -> list[str]:
        """Return the commands it printed, each as it would be pasted."""
        return re.findall(r"^curl (?:.*\\\n)*.*$", self.greeting, re.MULTILINE)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT_SECONDS)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(home: Path, port: int) -> subprocess.Popen[str]:
    """Start it without waiting for anything."""
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.embedded"],
        cwd=REPOSITORY,
        env={
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "WALLET_HOME": str(home),
            "PORT": str(port),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(home: Path, port: int) -> Iterator[Started]:
    """Start it, wait for the greeting, and leave nothing behind."""
    process = start(home, port)
    try:
        yield Started(process, _read_greeting(process), home)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(LIMIT_SECONDS)
        if process.stdout:
            process.stdout.close()


def _read_greeting(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise AssertionError("It ended without a greeting:\n" + "".join(lines))


def paste(command: str) -> tuple[int, str]:
    """Do what the shell and curl would do with a command; return status and body."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words.pop(0) == "curl"
    url, method, body = "", "GET", None
    headers = {}
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            body = words.pop(0).encode()
        else:
            url = word
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=15) as answer:
        return answer.status, answer.read().decode()


def processes_of(home: Path) -> list[int]:
    """List the live processes whose environment names this home."""
    wanted = f"WALLET_HOME={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if wanted in words and state != "Z":
            found.append(int(folder.name))
    return found


def wait_until_none_is_left(home: Path, seconds: float = 30.0) -> list[int]:
    """Wait for the processes of a home to be gone; return those that are not."""
    deadline = time.monotonic() + seconds
    while left := processes_of(home):
        if time.monotonic() > deadline:
            return left
        time.sleep(0.1)
    return []
