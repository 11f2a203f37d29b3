"""The folder that holds a running service's data, and the secrets made at its first start."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.stack.layout import write_private
from deploy.starter.errors import StartError
from deploy.starter.supervisor import REPOSITORY

_DEMO_HEAD: Final = (
    "# Made by the first start; the next ones read it. Delete the folder to start anew.\n"
)


@dataclass(frozen=True)
class Home:
    """Derives every path from the root folder, WALLET_HOME."""

    root: Path

    @property
    def logs(self) -> Path:
        """Return the folder of the processes' output."""
        return self.root / "logs"

    @property
    def demo_file(self) -> Path:
        """Return the file with the demo client's key, the admin's password and wallets to try."""
        return self.root / "demo.env"

    @property
    def secret_key_file(self) -> Path:
        """Return the file with Django's SECRET_KEY."""
        return self.root / "secret-key"

    @property
    def metrics(self) -> Path:
        """Return the folder in which processes share their counters."""
        return self.root / "metrics"

    def prepare(self) -> None:
        """Make the folders and the secret key; forget the counters of former processes."""
        celery = self.root / "celery"
        shutil.rmtree(self.metrics, ignore_errors=True)
        for folder in (self.logs, self.metrics, celery / "queue", celery / "control"):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.secret_key_file.exists():
            write_private(self.secret_key_file, secrets.token_urlsafe(48) + "\n")

    def lock(self) -> int:
        """Claim the folder for this process; the claim ends with it, however it ends.

        :raises StartError: when another start holds it.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        claim = os.open(self.root / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(claim)
            raise StartError(
                f"The service already runs with the data in {self.root}: stop it first,"
                " or choose another folder with WALLET_HOME."
            ) from None
        return claim

    def read_demo(self) -> dict[str, str]:
        """Return what the first start noted; empty before it."""
        if not self.demo_file.exists():
            return {}
        lines = self.demo_file.read_text(encoding="utf-8").splitlines()
        pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        return {name.strip(): value.strip() for name, value in pairs}

    def note_demo(self, **facts: str) -> dict[str, str]:
        """Add facts to the notes and return them all."""
        known = self.read_demo() | facts
        text = "".join(f"{name}={value}\n" for name, value in known.items())
        write_private(self.demo_file, _DEMO_HEAD + text)
        return known


def home_from_environment(default: str) -> Home:
    """Return the folder named by WALLET_HOME, else the default inside the repository."""
    chosen = os.environ.get("WALLET_HOME")
    return Home(Path(chosen).expanduser().resolve() if chosen else REPOSITORY / default)
