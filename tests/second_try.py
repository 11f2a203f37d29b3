"""Tells CI whether what failed may be asked a second time, as `.ci/run` says.

A machine that is shared is slow for seconds at a time, and one that is moved stands still for a
minute. A limit that was missed then says little. That money was lost says the same on any machine.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

_CHECKS: Final = frozenset({"checks.py", "sql_checks.py"})
"""Where stories hold the books against what callers were told."""
_failed: Final[Counter[str]] = Counter()


class TooSlow(AssertionError):
    """Something did not come, or did not end, in time; nothing else is known to be wrong."""


def kind_of(error: BaseException) -> str:
    """Tell what a failure is about: `slow`, `books`, or `other`."""
    if isinstance(error, TooSlow):
        return "slow"
    frames = traceback.extract_tb(error.__traceback__)
    is_check = any(Path(frame.filename).name in _CHECKS for frame in frames)
    return "books" if is_check else "other"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count failures by what they are about."""
    del item
    report = yield
    if report.failed and call.excinfo is not None:
        _failed[kind_of(call.excinfo.value)] += 1
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave in the cache what failed, and how the run ended: 1 if it came to its end."""
    if session.config.cache is not None:
        session.config.cache.set("second-try", {"exit": int(exitstatus), **_failed})
