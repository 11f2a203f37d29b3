"""Money is counted in integers. A float that comes near it is a cent that goes missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Breach, Source, python, report, sample

NEAR_MONEY: Final = ("ledger", "wallets", "events/contracts.py", "wallet_project/kit/money.py")
TIME_NAMES: Final = ("_SECONDS", "_seconds", "_MS", "_ms")
"""A duration may be a fraction, and says so in its name."""
OTHER_NAMES: Final = frozenset({"buckets"})
"""The bounds of a histogram are durations as well."""


def floats(sources: list[Source]) -> list[Breach]:
    """Find float literals, calls of `float`, true division and columns of floats."""
    return [
        Breach(source.path, line, what)
        for source in sources
        for line, what in _floats_in(source.tree)
    ]


def _floats_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    if _is_a_duration(node):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        yield node.lineno, f"the float {node.value}"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        yield node.lineno, "a call of float()"
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        yield node.lineno, "a division that makes a float"
    elif isinstance(node, ast.Name | ast.Attribute) and _last_name(node) == "FloatField":
        yield node.lineno, "a column of floats"
    for child in ast.iter_child_nodes(node):
        yield from _floats_in(child)


def _is_a_duration(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return _names_a_duration(node.arg or "")
    if isinstance(node, ast.Assign):
        return all(_names_a_duration(_last_name(target)) for target in node.targets)
    return isinstance(node, ast.AnnAssign) and _names_a_duration(_last_name(node.target))


def _names_a_duration(name: str) -> bool:
    return name.endswith(TIME_NAMES) or name in OTHER_NAMES


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _sources_near_money() -> list[Source]:
    folders = {path.partition("/")[0] for path in NEAR_MONEY}
    return [source for source in python(*folders) if source.path.startswith(NEAR_MONEY)]


def test_no_float_comes_near_money() -> None:
    """0.1 + 0.2 is not 0.3, and a book that is off by one unit is off."""
    breaches = floats(_sources_near_money())
    assert not breaches, report(breaches)


def test_every_place_near_money_is_looked_at() -> None:
    paths = {source.path for source in _sources_near_money()}
    assert {
        "ledger/posting.py",
        "wallets/operations/_balances.py",
        "wallets/api/rendering.py",
        "events/contracts.py",
        "wallet_project/kit/money.py",
    } <= paths


def test_the_rule_bites() -> None:
    for text in (
        "fee = amount * 0.01",
        "amount = float(text)",
        "half = amount / 2",
        "amount /= 2",
        "amount = models.FloatField()",
        "def fee(rate=1e-2): ...",
    ):
        assert floats([sample(text)]), text
    for text in (
        "half = amount // 2",
        "KEPT_SECONDS: Final = 4.0",
        "wait(timeout_seconds=0.5)",
        "Histogram('x', buckets=(0.1, 0.5))",
    ):
        assert not floats([sample(text)]), text
