"""The project's own files, as text and as syntax trees, for rules to look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
APPS: Final = ("ledger", "events", "wallets", "wallet_project")
"""What serves requests."""
EVERYTHING: Final = (*APPS, "deploy", "tests")

_OTHERS: Final = frozenset({"var", "htmlcov", "staticfiles", "node_modules", "__pycache__"})
"""Folders that hold data or reports, not sources."""


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    """From the root of the repository, with slashes."""
    text: str

    @property
    def tree(self) -> ast.Module:
        """Parse it; once, however many rules look at it."""
        return _parsed(self)


@dataclass(frozen=True)
class Breach:
    """One place where a rule does not hold."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def sample(text: str, path: str = "wallets/sample.py") -> Source:
    """Make a source of a few lines, to see a rule fail."""
    return Source(path, text)


def python(*tops: str, migrations: bool = False) -> list[Source]:
    """List the Python files below some folders."""
    return [
        source
        for top in tops
        for source in _python_below(top)
        if migrations or "/migrations/0" not in source.path
    ]


def texts() -> Iterator[Source]:
    """Walk every text file of the repository; data, caches and environments are not part of it."""
    for path in _files(ROOT):
        try:
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue


def report(breaches: list[Breach]) -> str:
    """Write breaches one a line, for the message of an assertion."""
    return "\n" + "\n".join(str(breach) for breach in breaches)


@cache
def _parsed(source: Source) -> ast.Module:
    return ast.parse(source.text, source.path)


@cache
def _python_below(top: str) -> tuple[Source, ...]:
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in _files(ROOT / top)
        if path.suffix == ".py"
    )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            is_hidden = path.name.startswith(".") and path.name not in {".ci", ".github"}
            if not is_hidden and path.name not in _OTHERS and not (path / "pyvenv.cfg").exists():
                yield from _files(path)
        elif path.name not in {".env", ".git"} and not path.name.startswith(".coverage"):
            yield path
