"""`make profile`: where the service's processes spend their time under deposits, as flame graphs.

py-spy looks at each process from outside, at the same time, and writes an SVG for each role to
var/profile. It needs the right to trace processes: root, or `kernel.yama.ptrace_scope` at 0.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench import adapter, closed_loop, instance, loads, measure
from tests.bench.measure import Step
from tests.bench.processes import ROLES
from tests.bench.target import Target

_PYTHON: Final = ("web", "lane", "reads", "worker", "relay")
_WALLETS: Final = 200
_CONNECTIONS: Final = 32
_SAMPLES_A_SECOND: Final = 200


def watch(target: Target, seconds: float, folder: Path) -> list[tuple[str, subprocess.Popen[str]]]:
    """Start to look at the processes of each role; one with children is looked at with them."""
    started = []
    for role, pids in target.pids().items():
        if role not in _PYTHON:
            continue
        # A role's first process is the parent of the others, if it has several.
        words = ["py-spy", "record", "--pid", str(min(pids)), "--subprocesses", "--nonblocking"]
        words += ["--duration", str(max(1, round(seconds))), "--rate", str(_SAMPLES_A_SECOND)]
        words += ["--output", str(folder / f"{role}.svg")]
        program = Path(sys.executable).with_name(words[0])
        watcher = subprocess.Popen(
            [str(program), *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append((role, watcher))
    return started


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the service, load it, look at it."""
    parser = argparse.ArgumentParser(prog="make profile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--output", type=Path, default=instance.REPOSITORY / "var" / "profile")
    asked = parser.parse_args(arguments)
    asked.output.mkdir(parents=True, exist_ok=True)
    closed_loop.ensure_client()
    failed = False
    with (
        instance.running("profile", 14) as started,
        tempfile.TemporaryDirectory(prefix="wallet-bench-") as folder,
    ):
        target = Target("profiled", adapter.load(), started.address, ROLES, started)
        target.make_wallets(_WALLETS)
        watchers = watch(target, asked.seconds, asked.output)
        found = measure.run(
            Step(target, loads.BY_NAME["deposit"], _CONNECTIONS),
            seconds=asked.seconds + 1,
            prepared=8_000,
            folder=Path(folder),
            seed=1,
        )
        for role, watcher in watchers:
            said, _ = watcher.communicate()
            written = (asked.output / f"{role}.svg").exists() and watcher.returncode == 0
            failed = failed or not written
            word = "written" if written else f"FAILED: {said.strip()[-300:]}"
            sys.stdout.write(f"{asked.output / role}.svg: {word}\n")
    trouble = found.failure or found.broken_books
    if trouble:
        sys.stdout.write(f"FAILED: {trouble}\n")
    return 1 if failed or trouble or not watchers else 0


if __name__ == "__main__":
    if "DATABASE_OWNER_URL" not in os.environ:
        sys.exit("Run it on the stack: make profile")
    sys.exit(main())
