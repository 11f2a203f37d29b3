"""`make mutants`: apply each mutation to a copy of the tree and let its tests find it.

Ends with 1 when a mutation stays green, when its tests are red without it, or red for a reason
that has nothing to do with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.mutations import MUTATIONS, Mutation, changed_files
from tests.mutants.tree import REPOSITORY, copy_tree
from tests.reports import say, write_section

DOCUMENT: Final = REPOSITORY / "docs" / "reliability.md"
HEADING: Final = "## Ten mistakes, made on purpose"
LIMIT_SECONDS: Final = 480.0
_STACK: Final = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_REPLICA_URL",
    "REDIS_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
)
GREEN, RED = 0, 1
"""What pytest ends with."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutation."""

    mutation: Mutation
    found: bool
    seconds: float
    why: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; default: all of them")
    parser.add_argument(
        "--hurried", action="store_true", help="leave out the run without any mutation"
    )
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCUMENT.name}")
    parsed = parser.parse_args(arguments)
    unknown = set(parsed.names) - {mutation.name for mutation in MUTATIONS}
    if unknown:
        known = ", ".join(mutation.name for mutation in MUTATIONS)
        parser.error(f"there is no mutation {', '.join(sorted(unknown))}; there are {known}")
    chosen = [one for one in MUTATIONS if not parsed.names or one.name in parsed.names]
    with tempfile.TemporaryDirectory(prefix="wallet-mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        if not parsed.hurried and not _are_green(tree, chosen):
            return 1
        verdicts = [_try(tree, mutation) for mutation in chosen]
    table = table_of(verdicts)
    sys.stdout.write(table)
    if parsed.write:
        write_section(DOCUMENT, HEADING, INTRODUCTION + table)
    return 0 if all(verdict.found for verdict in verdicts) else 1


INTRODUCTION: Final = """\
`make mutants` makes each of these mistakes in a copy of the tree and runs the tests that are named
for it. A mistake that stays green fails the command, and so does one that no longer applies.

"""


def table_of(verdicts: Sequence[Verdict]) -> str:
    """Write the verdicts as Markdown."""
    lines = ["| mistake | seen | by | seconds |", "|---|---|---|---|"]
    lines += [
        f"| `{one.mutation.name}`: {one.mutation.says} | {'red' if one.found else '**GREEN**'} |"
        f" {one.mutation.red_by if one.found else one.why} | {one.seconds:.0f} |"
        for one in verdicts
    ]
    return "\n".join(lines) + "\n"


def _are_green(tree: Path, chosen: Sequence[Mutation]) -> bool:
    """Run the tests without a mutation: unless they are green, their red says nothing."""
    say("without a mutation")
    for on_stack in {one.needs_stack for one in chosen}:
        tests = sorted({k for one in chosen if one.needs_stack is on_stack for k in one.killers})
        code, output, seconds = _run(tree, tests, on_stack=on_stack)
        if code != GREEN:  # some of them race against the clock: a busy machine has its chance
            code, output, seconds = _run(tree, tests, on_stack=on_stack)
        if code != GREEN:
            sys.stdout.write(output[-6000:] + "\nThe tests are red without any mutation.\n")
            return False
        say(f"  {len(tests)} green after {seconds:.0f} s")
    return True


def _try(tree: Path, mutation: Mutation) -> Verdict:
    say(f"{mutation.name}: {mutation.says}")
    changed = changed_files(mutation, tree)
    before = {name: (tree / name).read_text(encoding="utf-8") for name in changed}
    try:
        for name, text in changed.items():
            (tree / name).write_text(text, encoding="utf-8")
        code, output, seconds = _run(tree, mutation.killers, on_stack=mutation.needs_stack)
    finally:
        for name, text in before.items():
            (tree / name).write_text(text, encoding="utf-8")
    sign = next((sign for sign in mutation.signs if sign in output), None)
    if code == GREEN:
        why = "nobody noticed"
    elif code != RED:
        why = f"the tests did not run (exit {code})"
    elif sign is None:
        why = "red, and none of its signs was to be seen"
    else:
        why = sign
    found = code == RED and sign is not None
    say(f"  {'red' if found else 'NOT FOUND'} after {seconds:.0f} s: {why}")
    if not found:
        sys.stdout.write(output[-6000:])
    return Verdict(mutation, found, seconds, why)


def _run(tree: Path, killers: Sequence[str], *, on_stack: bool) -> tuple[int, str, float]:
    """Run tests in the copy; return pytest's code, what it printed, and how long it took."""
    kept = {name: text for name, text in os.environ.items() if on_stack or name not in _STACK}
    environment = kept | {
        "TEST_DATABASE": "test_wallet_mutants",
        # An old compiled file must not stand in for one that was changed within the same second.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    began = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", *killers],
            cwd=tree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        text = error.stdout or b""
        output = text.decode(errors="replace") if isinstance(text, bytes) else text
        return RED, output + "\nIt did not end.", time.monotonic() - began
    return done.returncode, done.stdout, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
