"""Every query of the business says which database it asks."""

from __future__ import annotations

import ast

from tests.architecture.source import Breach, Source, python, report, sample


def unnamed(sources: list[Source]) -> list[Breach]:
    """Find querysets that begin with anything but `.using(…)`."""
    return [
        Breach(source.path, node.lineno, f"asks by .objects.{node.attr} and names no database")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "objects"
        and node.attr != "using"
    ]


def test_queries_name_their_database() -> None:
    """A read that must be fresh and goes to a replica is wrong by milliseconds, so in no test. The
    admin shows what the router gives it, some seconds late at most."""
    sources = [
        source
        for source in python("wallets", "ledger", "events")
        if not _is_admin(source) and "/migrations/" not in source.path
    ]
    breaches = unnamed(sources)
    assert not breaches, report(breaches)


def test_the_rule_bites() -> None:
    assert unnamed([sample("Wallet.objects.filter(pk=1)")])
    assert unnamed([sample("models.Wallet.objects.get(pk=1)")])
    assert not unnamed([sample("Wallet.objects.using(PRIMARY).filter(pk=1)")])


def _is_admin(source: Source) -> bool:
    return source.path.endswith("/admin.py") or "/admin/" in source.path
