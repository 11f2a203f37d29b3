"""Calls a running service the way its documentation shows it: by curl, as printed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.embedded import starting

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Reply:
    """What curl received."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        """Return the body as JSON; numbers with a point stay text, never a float."""
        return json.loads(self.text, parse_float=str)


@dataclass(frozen=True)
class Service:
    """A service that runs somewhere on this machine."""

    base: str
    key: str | None
    """Sent with every call where the service asks for one."""
    name: str
    environment: dict[str, str] = field(default_factory=dict)
    """Of its processes, where a test has to look behind the API."""

    def prove(self) -> str:
        """Run `manage.py verify_ledger` on its database; fail unless everything holds."""
        return self._manage("verify_ledger")

    def of_new_client(self, name: str) -> Service:
        """Admit a client and be its program: nobody else's wallets are in the way."""
        key = self._manage("create_client", name, "--plan", "unlimited").strip()
        return replace(self, key=key, name=name)

    def _manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=REPOSITORY,
            env=self.environment | {"SECRET_KEY": "x" * 40},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def curl(self, printed: str, **names: str) -> Reply:
        """Run a printed curl command against this service.

        `{walletId}` and the like are filled in from `names`; of the printed address only host and
        port are exchanged.
        """
        for name, value in names.items():
            printed = printed.replace("{" + name + "}", value)
        for host in ("http://localhost:8080", "http://localhost:3000"):
            printed = printed.replace(host, self.base)
        words = shlex.split(printed.replace("\\\n", " "))
        assert words[0] == "curl"
        if self.key:
            words += ["-H", f"Authorization: Bearer {self.key}"]
        done = subprocess.run(
            [words[0], "--silent", "--include", "--max-time", "15", *words[1:]],
            capture_output=True,
            check=True,
            text=True,
        )
        head, _, text = done.stdout.replace("\r\n", "\n").partition("\n\n")
        lines = head.splitlines()
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        return Reply(int(lines[0].split()[1]), headers, text)


@contextmanager
def full_process(
    environment: dict[str, str], home: Path, *, before_start: Callable[[], None] | None = None
) -> Iterator[starting.Started]:
    """Run `python -m deploy.full`, without what only tests have in their environment."""
    del environment["DJANGO_SETTINGS_MODULE"], environment["SECRET_KEY"]
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.full"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before_start,
    )
    try:
        yield starting.Started(process, starting._read_greeting(process), home)
    finally:
        process.terminate()
        process.wait(60)
