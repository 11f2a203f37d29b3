"""`.env.example` is the list of settings: complete, and nothing more."""

from __future__ import annotations

import itertools
import re

from tests.architecture.reading import REPOSITORY, variables_in_example, variables_read

LINES = (REPOSITORY / ".env.example").read_text(encoding="utf-8").splitlines()


def _compose_variables() -> set[str]:
    text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))


def test_every_variable_that_the_code_reads_is_listed() -> None:
    assert variables_read() - variables_in_example() == set()


def test_every_variable_that_compose_asks_for_is_listed() -> None:
    assert _compose_variables() - variables_in_example() == set()


def test_nothing_is_listed_that_nobody_reads() -> None:
    assert variables_in_example() - variables_read() - _compose_variables() == set()


def test_each_variable_stands_once_with_a_line_that_explains_it() -> None:
    seen = []
    for before, line in itertools.pairwise(LINES):
        found = re.match(r"#([A-Z][A-Z0-9_]+)=", line)
        if found:
            seen.append(found.group(1))
            assert re.match(r"# \S", before), f"{found.group(1)} has no explanation"
    assert sorted(seen) == sorted(variables_in_example())


def test_a_copy_changes_nothing_until_a_line_is_uncommented() -> None:
    assert [line for line in LINES if line and not line.startswith("#")] == []
