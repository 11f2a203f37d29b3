"""Small files, small functions, and names that say what is inside."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import Final

from tests.architecture.source import EVERYTHING, Breach, Source, python, report, sample

FILE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70
NAMES_OF_NOTHING: Final = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})


def long_files(sources: list[Source]) -> list[Breach]:
    """Find files that are too long."""
    lines = {source.path: source.text.count("\n") for source in sources}
    return [
        Breach(path, count, f"{count} lines, at most {FILE_LINES_MAX}")
        for path, count in lines.items()
        if count > FILE_LINES_MAX
    ]


def long_functions(sources: list[Source]) -> list[Breach]:
    """Find functions that are too long, decorators and docstring included."""
    return [
        Breach(source.path, node.lineno, f"{node.name} has {length} lines")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def empty_names(sources: list[Source]) -> list[Breach]:
    """Find files and folders whose name says nothing."""
    return [
        Breach(source.path, 1, "the name says nothing of what is inside")
        for source in sources
        if NAMES_OF_NOTHING & {part.lstrip("_") for part in _parts(source)}
    ]


def _parts(source: Source) -> tuple[str, ...]:
    return PurePosixPath(source.path).with_suffix("").parts


def test_a_file_is_read_in_one_sitting() -> None:
    """What does not fit into 400 lines is two things."""
    breaches = long_files(python(*EVERYTHING))
    assert not breaches, report(breaches)


def test_a_function_fits_on_a_screen() -> None:
    """Whoever has to scroll cannot see what a change does to the lines above."""
    breaches = long_functions(python(*EVERYTHING))
    assert not breaches, report(breaches)


def test_every_file_has_a_subject() -> None:
    """A drawer for everything is where everything ends up."""
    breaches = empty_names(python(*EVERYTHING))
    assert not breaches, report(breaches)


def test_the_rules_bite() -> None:
    assert long_files([sample("x = 1\n" * 401)])
    assert not long_files([sample("x = 1\n" * 400)])
    assert long_functions([sample("class A:\n    def f(self):\n" + "        pass\n" * 70)])
    assert not long_functions([sample("def f():\n" + "    pass\n" * 69)])
    for name in ("wallets/utils.py", "ledger/_helpers.py", "events/common/x.py"):
        assert empty_names([sample("", name)]), name
