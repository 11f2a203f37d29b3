"""Imports that the layers in `pyproject.toml` leave open; those are checked by `make lint`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import Breach, Source, python, report, sample


def reaches_up(sources: list[Source]) -> list[Breach]:
    """Find imports of `wallet_project` beside its kit."""
    return [
        Breach(source.path, line, f"imports {module}")
        for source in sources
        for line, module in _modules(source.tree)
        if module.split(".")[0] == "wallet_project" and module.split(".")[1:2] != ["kit"]
    ]


def imports_tests_or_deploy(sources: list[Source]) -> list[Breach]:
    """Find imports of what is not shipped with the application."""
    return [
        Breach(source.path, line, f"imports {module}")
        for source in sources
        for line, module in _modules(source.tree)
        if module.split(".")[0] in ("tests", "deploy")
    ]


def knows_of_us(sources: list[Source]) -> list[Breach]:
    """Find imports of any app."""
    return [
        Breach(source.path, line, f"imports {module}")
        for source in sources
        for line, module in _modules(source.tree)
        if module.split(".")[0] in ("wallets", "ledger", "events")
    ]


def _modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "wallet_project":
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def test_nobody_imports_the_composition_root() -> None:
    """It puts the parts together; a part that knows it cannot be taken out again."""
    breaches = reaches_up(python("wallets", "ledger", "events", "wallet_project/kit"))
    assert not breaches, report(breaches)


def test_the_kit_knows_no_business() -> None:
    """A mechanism that knows wallets is not a mechanism."""
    breaches = knows_of_us(python("wallet_project/kit"))
    assert not breaches, report(breaches)


def test_the_application_runs_without_tests_and_starters() -> None:
    """Neither is part of an installed service."""
    breaches = imports_tests_or_deploy(python("wallets", "ledger", "events", "wallet_project"))
    assert not breaches, report(breaches)


def test_the_rules_bite() -> None:
    for text in (
        "from wallet_project import settings",
        "from wallet_project.settings import X",
        "import wallet_project.urls",
    ):
        assert reaches_up([sample(text)]), text
    for text in ("from wallet_project.kit import clock", "from wallet_project import kit"):
        assert not reaches_up([sample(text)]), text
    assert knows_of_us([sample("from wallets.models import Wallet")])
    assert imports_tests_or_deploy([sample("from tests.people import fund")])
