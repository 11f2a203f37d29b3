"""One service and one browser for all stories; each story has a window of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.desk import Desk, chromium, secret_in
from tests.embedded.starting import REPOSITORY, Started, free_port, running
from tests.http import Api, Live


@dataclass
class Office:
    """A running service with two customers' wallets, and how staff sign in."""

    started: Started
    notes: dict[str, str]
    alice: str
    bob: str
    cookies: dict[str, Any]
    """Of the demo's superuser, signed in once: a code of the authenticator is good once."""

    @property
    def base(self) -> str:
        """Return the address, by the name that cookies are for."""
        return self.started.base

    def manage(self, code: str) -> str:
        """Run some lines with the service's own settings and data; return what they print."""
        home = self.started.home
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "WALLET_HOME": str(home),
                "SECRET_KEY": (home / "secret-key").read_text().strip(),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Run an embedded service for each file: its people and balances are no other story's."""
    with running(tmp_path_factory.mktemp("office"), free_port()) as started:
        yield started


@pytest.fixture(scope="module")
def browser(office: Office) -> Iterator[Browser]:
    """Run Chromium for one file: while Playwright runs, Django takes this thread for async.

    After the office, which runs one of its own to sign in: two cannot run at once.
    """
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def office(service: Started) -> Office:
    """Give Alice and Bob money, let her send him some, and sign the superuser in."""
    api = Api(service.key, Live(service.base))
    wallets = {}
    for name in ("alice", "bob"):
        made = api.post("/wallets", {"reference": f"story-{name}", "userId": f"user-{name}"})
        assert made.status == 201, made
        wallets[name] = str(made.json["id"])
    assert api.deposit(wallets["alice"], "120.00").status == 201
    assert api.transfer(wallets["alice"], wallets["bob"], "20.00").status == 201
    notes = _notes(service.home)
    with chromium() as started:
        desk = Desk.open(started, service.base)
        desk.sign_in(notes["DEMO_ADMIN_USER"], notes["DEMO_ADMIN_PASSWORD"], secret_in(notes))
        cookies: Any = desk.context.storage_state()
    return Office(service, notes, wallets["alice"], wallets["bob"], cookies)


@pytest.fixture
def desk(browser: Browser, office: Office) -> Iterator[Desk]:
    """Sit down where the superuser is signed in; nothing may be complained of."""
    opened = Desk.open(browser, office.base, storage_state=office.cookies)
    yield opened
    opened.context.close()
    assert opened.complaints == []


def _notes(home: Path) -> dict[str, str]:
    lines = (home / "demo.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip().strip("'\"") for name, value in pairs}
