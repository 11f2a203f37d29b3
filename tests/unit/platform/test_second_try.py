"""What CI may run a second time: missed limits, and what fails while the machine stands still."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.second_try import TooSlow, kind_of
from tests.stress.faults import checks
from tests.stress.faults.journal import Answer, Journal

_MAIN = runpy.run_path(str(Path(__file__).parents[3] / ".ci/second_try.py"))["main"]


@pytest.mark.parametrize(
    ("found", "stood_still", "may"),
    [
        ({"exit": 1, "slow": 3}, False, True),
        ({"exit": 1, "slow": 4}, False, False),
        ({"exit": 1, "slow": 4}, True, True),
        ({"exit": 1, "other": 1}, False, False),
        ({"exit": 1, "slow": 1, "other": 1}, False, False),
        ({"exit": 1, "other": 9}, True, True),
        ({"exit": 1, "slow": 1, "books": 1}, True, False),
        ({"exit": 2, "slow": 1}, True, False),
        (None, True, False),
    ],
)
def test_it_depends_on_what_failed(
    found: dict[str, Any] | None, stood_still: bool, may: bool, tmp_path: Path
) -> None:
    if found is not None:
        (tmp_path / "v").mkdir()
        (tmp_path / "v/second-try").write_text(json.dumps(found))
    words = ["--stood-still"] if stood_still else []
    assert (_MAIN(str(tmp_path), *words) == 0) is may


def test_a_check_of_the_books_is_never_a_matter_of_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.txt")
    journal.answers.append(Answer(500, {}, b"", 60.0))
    with pytest.raises(AssertionError) as broken:
        checks.no_answer_was_a_failure(journal)
    with pytest.raises(TooSlow) as slow:
        checks.every_request_ended_in_time(journal.answers, seconds=11)
    assert (kind_of(broken.value), kind_of(slow.value)) == ("books", "slow")
    assert kind_of(ValueError("any")) == "other"
