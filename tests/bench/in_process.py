"""Runs the benches that need no HTTP, each in a process of its own on a database of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from tests.bench import instance

_BENCHES: Final = ("spine", "bare_sql", "relay", "settling")


def measure(*, quick: bool, say: Callable[[str], None]) -> tuple[dict[str, float], list[str]]:
    """Run them; return commands or events a second by name, and what went wrong."""
    rates: dict[str, float] = {}
    complaints = []
    for name in _BENCHES:
        say(f"{name}: measuring")
        database = f"test_wallet_bench_{name}"
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{name}", *(["--quick"] if quick else [])],
            cwd=instance.REPOSITORY,
            env={**instance.environment_of("wallet", 12), "TEST_DATABASE": database},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        try:
            found = json.loads(done.stdout)
        except ValueError:
            complaints.append(f"{name} ended without figures (exit {done.returncode})")
            continue
        rates |= found["perSecond"]
        if done.returncode or not found.get("isSound", True):
            complaints.append(f"{name}: exit {done.returncode}, sound: {found.get('isSound')}")
        owner = instance.environment_of("wallet", 12)["DATABASE_OWNER_URL"]
        instance.query(owner, f"DROP DATABASE IF EXISTS {database}")
    return rates, complaints
