"""Every mutation still finds its place in the code, and the tests that are to notice it exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.mutations import (
    MUTATIONS,
    DoesNotApply,
    Edit,
    Mutation,
    changed_files,
    missing_killers,
)
from tests.reports import write_section

ROOT = Path(__file__).resolve().parents[3]
BY_NAME = {mutation.name: mutation for mutation in MUTATIONS}


def test_there_are_ten() -> None:
    assert len(BY_NAME) == len(MUTATIONS) == 10


@pytest.mark.parametrize("name", BY_NAME)
def test_it_applies_to_the_tree_and_is_python(name: str) -> None:
    changed = changed_files(BY_NAME[name], ROOT)
    assert changed
    for path, text in changed.items():
        assert text != (ROOT / path).read_text(encoding="utf-8")
        ast.parse(text)


@pytest.mark.parametrize("name", BY_NAME)
def test_its_tests_exist(name: str) -> None:
    assert missing_killers(BY_NAME[name], ROOT) == []


def test_a_mutation_that_has_lost_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    for old in ("x = 1", "x = 2"):
        with pytest.raises(DoesNotApply, match=r"a\.py"):
            changed_files(_one(Edit("a.py", old, "x = 3")), tmp_path)
    assert missing_killers(_one(Edit("a.py", "x", "y")), tmp_path) == ["tests/none.py::test"]


def test_a_section_replaces_itself_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    write_section(page, "## One", "first")
    write_section(page, "## Two", "second")
    write_section(page, "## One", "third\n\nfourth")
    text = page.read_text()
    assert text.startswith("# Reliability\n")
    assert text.endswith("## One\n\nthird\n\nfourth\n\n## Two\n\nsecond\n")
    write_section(page, "## One", "third\n\nfourth")
    assert page.read_text() == text


def _one(edit: Edit) -> Mutation:
    return Mutation("a", "b", (edit,), ("tests/none.py::test",), "c", ())
