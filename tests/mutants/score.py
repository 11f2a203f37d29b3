"""`make mutation-score`: change the pure parts of the code bit by bit; how many are noticed?

Cosmic Ray says what can be changed; each change is tried in a copy of the tree against the unit
tests that are named for its file. A sample of each file is drawn by a seed, because all of them
take an hour. Survivors are listed with their lines: each is a hole in the tests, or means the same.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cosmic_ray.plugins
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_db import WorkDB, use_db

from tests.mutants.tree import REPOSITORY, copy_tree
from tests.reports import say, write_section

PAGE: Final = REPOSITORY / "docs" / "reliability.md"
HEADING: Final = "## How much of a change the unit tests notice"
_DRAFTS: Final = ("tests/unit/wallets/test_drafts.py", "tests/unit/wallets/test_drafts_of_lists.py")
TARGETS: Final = {
    "wallet_project/kit/money.py": ("tests/unit/kit/test_money.py",),
    "wallets/policies.py": ("tests/unit/wallets/test_policies.py",),
    "wallets/idempotency.py": ("tests/unit/wallets/test_idempotency_keys.py",),
    "wallets/operations/_drafts.py": _DRAFTS,
    "wallets/operations/_facts.py": _DRAFTS,
    "ledger/posting.py": ("tests/unit/ledger/test_posting_check.py",),
}
"""What is changed, and by what it must be noticed."""
ONLY: Final = {"ledger/posting.py": frozenset({"check"})}
"""Functions of a file that are pure, where the others write to the database."""
LIMIT_SECONDS: Final = 120
_PRELOADED: Final = ("pytest", "hypothesis", "django.db.models", "msgspec")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one file."""

    path: str
    line: int
    operator: str
    text: str
    """The whole file after the change."""
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class Score:
    """How a file's sample fared."""

    path: str
    possible: int
    tried: int
    survivors: Sequence[Change]

    @property
    def noticed(self) -> int:
        """Count the changes that turned a test red."""
        return self.tried - len(self.survivors)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutation-score", description=__doc__)
    parser.add_argument("paths", nargs="*", help="only these files; default: all")
    parser.add_argument("--sample", type=int, default=40, help="of each file; 0: every change")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample")
    parser.add_argument("--least", type=int, default=0, help="fail below so many per cent")
    parser.add_argument("--json", type=Path, help="write the survivors to a file")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    parsed = parser.parse_args(arguments)
    unknown = set(parsed.paths) - set(TARGETS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there is {', '.join(TARGETS)}")
    for name in _PRELOADED:
        __import__(name)
    with tempfile.TemporaryDirectory(prefix="wallet-mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        os.environ["TEST_HOME"] = str(tree)
        paths = parsed.paths or list(TARGETS)
        scores = [_measure(tree, path, parsed.sample, parsed.seed) for path in paths]
    table = table_of(scores)
    sys.stdout.write(table)
    if parsed.json:
        parsed.json.write_text(json.dumps([_told(score) for score in scores], indent=2))
    if parsed.write:
        write_section(PAGE, HEADING, introduction(parsed.sample, parsed.seed) + table)
    tried, noticed = (sum(getattr(one, name) for one in scores) for name in ("tried", "noticed"))
    return 0 if 100 * noticed >= parsed.least * tried else 1


def introduction(sample: int, seed: int) -> str:
    """Say how the table was made."""
    drawn = f"{sample} changes of each file, drawn by seed {seed}," if sample else "Every change"
    return (
        "`make mutation-score` lets Cosmic Ray change operators, numbers, conditions and loops of\n"
        f"the pure parts one at a time. {drawn} met the unit tests that are named for the file.\n\n"
    )


def table_of(scores: Sequence[Score]) -> str:
    """Write scores and survivors as Markdown."""
    lines = ["| file | changes there are | tried | noticed | |", "|---|---|---|---|---|"]
    for one in scores:
        share = 100 * one.noticed // max(one.tried, 1)
        lines.append(f"| `{one.path}` | {one.possible} | {one.tried} | {one.noticed} | {share} % |")
    tried, noticed = sum(one.tried for one in scores), sum(one.noticed for one in scores)
    lines.append(f"| all | | {tried} | {noticed} | **{100 * noticed // max(tried, 1)} %** |")
    survivors = [change for one in scores for change in one.survivors]
    if survivors:
        lines += ["", "| survivor | was | became |", "|---|---|---|"]
    lines += [
        f"| `{Path(one.path).name}:{one.line}` | `{_cell(one.was)}` | `{_cell(one.became)}` |"
        for one in survivors
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


def _told(score: Score) -> dict[str, Any]:
    survivors = [(one.line, one.operator, one.was, one.became) for one in score.survivors]
    return {"path": score.path, "tried": score.tried, "survivors": survivors}


def _measure(tree: Path, path: str, sample: int, seed: int) -> Score:
    changes = list(possible_changes(tree, path))
    dice = random.Random(f"{seed}-{path}")
    chosen = changes if not sample else dice.sample(changes, min(sample, len(changes)))
    if not _is_red(tree, path, None):
        say(f"{path}: {len(chosen)} of {len(changes)} changes")
    else:
        raise SystemExit(f"{path}: its tests are red without any change.")
    survivors = [one for one in sorted(chosen, key=_place) if not _is_red(tree, path, one.text)]
    say(f"  {len(survivors)} were not noticed")
    return Score(path, len(changes), len(chosen), survivors)


def _place(change: Change) -> tuple[int, str]:
    return change.line, change.operator


def possible_changes(tree: Path, path: str) -> Iterator[Change]:
    """Make every change of a file that means something to Python at run time."""
    source = (tree / path).read_text(encoding="utf-8")
    mute = _annotations(source)
    with _session(tree / path) as session:
        items = list(session.work_items)
    for item in items:
        (mutation,) = item.mutations
        line, column = mutation.start_pos
        wanted = ONLY.get(path)
        if wanted is not None and mutation.definition_name not in wanted:
            continue
        if any(start <= (line, column) < end for start, end in mute):
            continue
        operator = cosmic_ray.plugins.get_operator(mutation.operator_name)
        changed = mutate_code(source, operator(**mutation.operator_args), mutation.occurrence)
        if changed is None or changed == source:
            continue
        was, became = _difference(source, changed)
        yield Change(path, line, mutation.operator_name, changed, was, became)


@contextmanager
def _session(file: Path) -> Iterator[WorkDB]:
    with use_db(":memory:", WorkDB.Mode.create) as session:
        init([file], session, {})
        yield session


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """List where types stand: nobody evaluates them, so changing them changes nothing."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign | ast.arg):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            found.append(node.returns)
            # Whether a method is a property, or an object has slots, is not what is measured.
            found += node.decorator_list
        elif isinstance(node, ast.ClassDef):
            found += node.decorator_list
    return [
        ((one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0))
        for one in found
        if one is not None
    ]


def _difference(before: str, after: str) -> tuple[str, str]:
    for was, became in zip(before.splitlines(), after.splitlines(), strict=False):
        if was != became:
            return was, became
    return "", "a line less or more"


def _is_red(tree: Path, path: str, text: str | None) -> bool:
    """Run the tests of a file in a child of this process, which has loaded what never changes."""
    file = tree / path
    before = file.read_text(encoding="utf-8")
    file.write_text(before if text is None else text, encoding="utf-8")
    try:
        child = os.fork()
        if child == 0:
            _be_pytest(tree, TARGETS[path])
        return _wait(child) != 0
    finally:
        file.write_text(before, encoding="utf-8")


def _be_pytest(tree: Path, tests: Sequence[str]) -> None:
    """Become a run of pytest in the copy; never return."""
    code = 1
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(silence, number)
        os.chdir(tree)
        sys.dont_write_bytecode = True
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]
        sys.path[:] = [str(tree), *(p for p in sys.path if Path(p or ".").resolve() != REPOSITORY)]
        import pytest

        words = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")
        code = int(pytest.main([*words, *tests]))
    finally:
        os._exit(code)


def _wait(child: int) -> int:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)  # a change that makes it endless is a change that is noticed
    os.waitpid(child, 0)
    return 1


if __name__ == "__main__":
    sys.exit(main())
