"""Gives each test a stack's home of its own."""

from pathlib import Path

import pytest

from deploy.stack.layout import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Make an empty home that the command line finds as well."""
    root = tmp_path / "stack"
    monkeypatch.setenv("STACK_HOME", str(root))
    made = Home(root)
    for folder in (made.run, root / "logs", root / "parts"):
        folder.mkdir(parents=True)
    return made
