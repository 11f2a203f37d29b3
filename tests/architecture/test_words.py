"""Words that must not be in the repository."""

from __future__ import annotations

from typing import Final

from tests.architecture.source import Breach, Source, report, sample, texts

# Put together here, so that this file is not its own breach.
POSTPONED: Final = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")
SOMEBODYS_MACHINE: Final = tuple(f"/{folder}/" for folder in ("work", "root", "Users"))


def words(forbidden: tuple[str, ...], sources: list[Source]) -> list[Breach]:
    """Find lines with any of some words."""
    return [
        Breach(source.path, number, f"says {word}")
        for source in sources
        for number, line in enumerate(source.text.splitlines(), start=1)
        for word in forbidden
        if word in line
    ]


def test_nothing_is_put_off_in_a_comment() -> None:
    """What is not done yet stands in the change log, where users look; a note in the code is read
    by nobody."""
    breaches = words(POSTPONED, list(texts()))
    assert not breaches, report(breaches)


def test_nothing_knows_the_machine_it_was_written_on() -> None:
    """A path that exists on one machine is a fault on all others."""
    breaches = words(SOMEBODYS_MACHINE, list(texts()))
    assert not breaches, report(breaches)


def test_the_whole_tree_is_looked_at() -> None:
    paths = {source.path for source in texts()}
    assert {"README.md", "Makefile", ".gitignore", ".ci/run", "pyproject.toml"} <= paths
    assert not [path for path in paths if path.startswith((".venv/", ".git/", "var/"))]


def test_the_rules_bite() -> None:
    assert words(POSTPONED, [sample("# " + POSTPONED[0] + ": later")])
    assert words(SOMEBODYS_MACHINE, [sample('home = "' + SOMEBODYS_MACHINE[0] + 'main"')])
