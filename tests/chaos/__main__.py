"""`make chaos`: break everything for some minutes while money moves, and prove that none is lost.

Ends with 1 when a promise was broken, when a fault was not seen, or when too little happened.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from tests import databases  # noqa: E402
from tests.chaos import harness, report, schedule  # noqa: E402
from tests.chaos.journal import SafeFile  # noqa: E402
from tests.chaos.world import world  # noqa: E402
from tests.reports import say  # noqa: E402

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGE: Final = "docs/reliability.md"
SHORT_SECONDS: Final = 45.0
"""Of faults, in a run that ends within a minute and a half."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once; return the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long things are broken")
    parser.add_argument("--short", action="store_true", help=f"{SHORT_SECONDS:.0f} seconds only")
    parser.add_argument("--seed", type=int, help="the timetable to follow; default: any")
    parser.add_argument("--plan", action="store_true", help="print the timetable and do nothing")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/reliability.md"
    )
    parsed = parser.parse_args(arguments)
    seed = parsed.seed if parsed.seed is not None else secrets.randbelow(1_000_000)
    seconds = SHORT_SECONDS if parsed.short else 60 * parsed.minutes
    windows = schedule.plan(seed, seconds)
    say(f"seed {seed}: {len(windows)} faults in {seconds:g} s (again: make chaos SEED={seed})")
    if parsed.plan:
        for window in windows:
            line = f"{window.starts:7.2f} {window.ends:7.2f}  {window.fault.name}"
            sys.stdout.write(line + "\n")
        return 0
    if not databases.is_mysql():
        parser.error("this needs the stack: python3 -m deploy.stack run -- …")
    found = _run(seed, seconds, windows)
    path = report.write_json(found, REPOSITORY / "var" / "chaos")
    sys.stdout.write(report.as_markdown(found))
    if parsed.write:
        report.write_page(found, REPOSITORY / PAGE)
    say(f"{'green' if found['is_green'] else 'RED'}: seed {seed}, {path}")
    return 0 if found["is_green"] else 1


def _run(seed: int, seconds: float, windows: list[schedule.Window]) -> dict[str, object]:
    kept = REPOSITORY / "var" / "chaos" / f"seed-{seed}"
    with tempfile.TemporaryDirectory(prefix="wallet-chaos-") as name:
        folder = Path(name)
        file = SafeFile(folder / "journal.jsonl")
        began = time.monotonic()
        say("starting the service behind its proxies")
        try:
            with world(folder) as stage:
                story = harness.prepare(stage, file, folder, seed=seed, seconds=seconds)
                say(f"ready after {time.monotonic() - began:.0f} s")
                harness.run(story, windows)
                harness.settle(story)
                found = report.told(story)
                if found["is_green"]:
                    return found
        finally:
            file.close()
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("points", "metrics"))
        say(f"the journal and the logs are in {kept}")
        return found


if __name__ == "__main__":
    sys.exit(main())
