"""Every door has a sentence over it and says what goes in and what comes out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import Breach, Source, python, report, sample

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def without_docstring(sources: list[Source]) -> list[Breach]:
    """Find public functions and classes of a module, and methods of plain classes, that say
    nothing. What overrides a framework's method is explained by the framework."""
    return [
        Breach(source.path, node.lineno, f"{name} has no docstring")
        for source in sources
        for name, node in _public(source.tree)
        if not ast.get_docstring(node)
    ]


def without_annotations(sources: list[Source]) -> list[Breach]:
    """Find functions whose arguments or result have no type."""
    return [
        Breach(source.path, node.lineno, f"{node.name} lacks the type of {missing}")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, _Function)
        for missing in _untyped(node)
    ]


def without_opening(sources: list[Source]) -> list[Breach]:
    """Find modules that do not say what they are for."""
    return [
        Breach(source.path, 1, "the module has no docstring")
        for source in sources
        if source.tree.body and not ast.get_docstring(source.tree)
    ]


def _public(tree: ast.Module) -> Iterator[tuple[str, _Function | ast.ClassDef]]:
    for node in tree.body:
        if not isinstance(node, _Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.bases:
            for inner in node.body:
                if isinstance(inner, _Function) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def _untyped(function: _Function) -> Iterator[str]:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    named += [one for one in (given.vararg, given.kwarg) if one is not None]
    for argument in named:
        if argument.annotation is None and argument.arg not in ("self", "cls"):
            yield argument.arg
    if function.returns is None:
        yield "its result"


def _ours() -> list[Source]:
    return python("wallets", "ledger", "events", "wallet_project")


def test_public_names_are_explained() -> None:
    """The docstring is the contract; without one the code is, bugs included."""
    breaches = without_docstring(python("wallets", "ledger", "events", "wallet_project/kit"))
    assert not breaches, report(breaches)


def test_everything_is_typed() -> None:
    """The checker believes what is not annotated, whatever it is."""
    breaches = without_annotations(_ours())
    assert not breaches, report(breaches)


def test_modules_say_what_they_are_for() -> None:
    """The first line tells a reader whether to read on. Commands and app configurations say it in
    their class, entry points of the framework in their name."""
    excused = ("/apps.py", "/management/commands/")
    sources = [source for source in _ours() if not any(name in source.path for name in excused)]
    breaches = without_opening(sources)
    assert not breaches, report(breaches)


def test_the_rules_bite() -> None:
    assert without_docstring([sample("def f() -> None: ...")])
    assert without_docstring([sample("class A:\n    x = 1")])
    assert without_docstring([sample('class A:\n    """It is."""\n    def f(self) -> None: ...')])
    assert not without_docstring([sample("def _f() -> None: ...")])
    assert not without_docstring([sample('class A(B):\n    """It is."""\n    def f(self): ...')])
    assert without_annotations([sample("def f(x) -> None: ...")])
    assert without_annotations([sample("def f(*, x: int): ...")])
    assert without_annotations([sample("class A:\n    def f(self, *args) -> None: ...")])
    assert not without_annotations([sample("class A:\n    def f(self, x: int) -> None: ...")])
    assert without_opening([sample("x = 1")])
    assert not without_opening([sample("")])
