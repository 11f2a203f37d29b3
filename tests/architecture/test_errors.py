"""The catalogue of errors: callers program against the codes."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from typing import Final, TypeVar

import events
import ledger
import wallet_project
import wallets
from tests.architecture.source import APPS
from wallet_project.exception_handler import status_of
from wallet_project.kit.errors import DomainError

E = TypeVar("E", bound=Exception)

KINDS: Final = "wallet_project.kit.errors"
NOT_IMPORTABLE: Final = ("migrations", "__main__")


def leaves(root: type[E]) -> list[type[E]]:
    """List the classes below one that callers can meet, those of the application only."""
    found: list[type[E]] = []
    for child in root.__subclasses__():
        if child.__module__ != KINDS and child.__module__.split(".")[0] in APPS:
            found.append(child)
        found.extend(leaves(child))
    return sorted(set(found), key=lambda kind: kind.__qualname__)


def twice(values: list[str]) -> list[str]:
    """List values that are there more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


def _all_leaves() -> list[type[DomainError]]:
    for package in (ledger, events, wallets, wallet_project):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part in NOT_IMPORTABLE for part in module.name.split(".")):
                importlib.import_module(module.name)
    return leaves(DomainError)


def test_every_error_has_a_code_and_a_title_of_its_own() -> None:
    """Two errors with one code are one error to whoever must react to them."""
    found = _all_leaves()
    assert len(found) > 30
    assert twice([kind.code for kind in found]) == []
    assert twice([kind.title for kind in found]) == []


def test_codes_are_written_alike() -> None:
    """Callers compare them as text."""
    codes = [kind.code for kind in _all_leaves()]
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []


def test_every_error_is_explained() -> None:
    """The docstring is what the page behind a problem's `type` says."""
    silent = [kind.__qualname__ for kind in _all_leaves() if "__doc__" not in vars(kind)]
    assert silent == []
    assert [k.__qualname__ for k in _all_leaves() if not (inspect.getdoc(k) or "").strip()] == []


def test_the_exception_handler_knows_every_error() -> None:
    """An expected refusal must never look like a crash. Those that do are bugs, and say so."""
    crashes = {kind.code for kind in _all_leaves() if status_of(kind) == 500}
    assert crashes == {"ledger_error", "unbalanced_entry", "broken_chain", "internal_error"}


def test_the_rules_bite() -> None:
    # Not below DomainError: the catalogue of problems would find them there.
    class Kind(Exception):
        """A kind."""

    class One(Kind):
        """A leaf of the application."""

    class Foreign(Kind):
        """A leaf of somebody else."""

    One.__module__ = "wallets.errors"
    assert leaves(Kind) == [One]
    assert twice(["same", "same", "other"]) == ["same"]
