"""Gives each test a stack's home of its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.layout import Home


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Make a folder that others may enter, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="ws-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def home(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Make an empty home that the command line finds as well."""
    made = Home(short_folder / "stack")
    monkeypatch.setenv("STACK_HOME", str(made.root))
    made.make()
    return made
