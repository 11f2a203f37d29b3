"""Reads the project's own files for the tests that compare them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_READERS = {"text", "flag", "number", "words", "database", "mail"}
# Wrappers in settings that hand their first argument to a reader.
_WRAPPERS = {"_database", "_login"}


def source_files() -> Iterator[Path]:
    """List the Python files that run in the service or start it."""
    for folder in ("wallet_project", "wallets", "ledger", "events", "deploy"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            # The stack is a tool for this machine, with settings of its own, STACK_*.
            if "stack" not in path.relative_to(REPOSITORY).parts:
                yield path


def variables_read() -> set[str]:
    """Find every environment variable that the code reads by name."""
    found = set()
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and _reads_environment(node.func):
                found |= _text(node.args[0])
            elif isinstance(node, ast.Subscript) and _is_environ(node.value):
                found |= _text(node.slice)
            elif isinstance(node, ast.Compare) and any(map(_is_environ, node.comparators)):
                found |= _text(node.left)
    return found - {"DJANGO_SETTINGS_MODULE"}


def variables_in_example() -> set[str]:
    """List the variables of `.env.example`, commented out or not."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def _reads_environment(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in _WRAPPERS
    if not isinstance(function, ast.Attribute):
        return False
    if isinstance(function.value, ast.Name) and function.value.id == "env":
        return function.attr in _READERS
    return _is_environ(function.value) and function.attr in {"get", "setdefault"}


def _is_environ(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "environ"


def _text(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
