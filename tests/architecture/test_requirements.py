"""What is installed: exactly pinned, and without a compiler where Python is all there is."""

from __future__ import annotations

import re
from typing import Final

from tests.architecture.source import ROOT

COMPILED: Final = {"mysqlclient"}
"""Published as source only: it needs a compiler and the headers of the database's library."""

_PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9._]+)")


def pins(text: str) -> dict[str, str]:
    """Read exact pins by normalised name.

    :raises ValueError: for a line that is neither a pin, a comment nor another file's name.
    """
    found = {}
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if not line or line.startswith("-r "):
            continue
        pin = _PIN.fullmatch(line)
        if pin is None:
            raise ValueError(f"{line} is not an exact pin")
        found[re.sub(r"[-_.]+", "-", pin.group(1)).lower()] = pin.group(2)
    return found


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_embedded_service_needs_no_compiler() -> None:
    """`make run` must work where there is nothing but Python. So the one package that has to be
    compiled stands in the full list alone, and the full list adds nothing else."""
    assert "-r requirements/embedded.txt" in _read("requirements.txt").splitlines()
    assert set(pins(_read("requirements.txt"))) == COMPILED
    assert not COMPILED & set(pins(_read("requirements/embedded.txt")))


def test_what_is_installed_is_what_was_tested() -> None:
    """Each direct pin is the version that the constraints name."""
    tested = pins(_read("requirements/constraints.txt"))
    for name in ("requirements.txt", "requirements/embedded.txt", "requirements/dev.txt"):
        wanted = pins(_read(name))
        assert wanted == {package: tested.get(package) for package in wanted}, name


def test_the_rule_bites() -> None:
    assert pins("a==1\n# b==2\n-r c.txt\nD_e==3  # why\n") == {"a": "1", "d-e": "3"}
    for line in ("a>=1", "a", "a==1.*", "git+https://example.org/a"):
        try:
            pins(line)
        except ValueError:
            continue
        raise AssertionError(line)
