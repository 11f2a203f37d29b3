"""What both bindings of the API share knows nothing of either."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import wallets.api

_HOME = Path(wallets.api.__file__).parent
SHARED = [
    "authentication",
    "calls",
    "errors",
    "parameters",
    "parsing",
    "problems",
    "rendering",
    "shapes",
    "short/failures",
    "short/parsing",
    "short/rendering",
    "short/shapes",
    "throttling",
]


@pytest.mark.parametrize("name", SHARED)
def test_shared_rules_import_no_framework(name: str) -> None:
    tree = ast.parse((_HOME / f"{name}.py").read_text())
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    frameworks = ("rest_framework", "drf_spectacular", "django.http", "django.views", "asgiref")
    assert not {module for module in imported if module.startswith(frameworks)}
