"""An archive of a test's own, and what stands in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import storages

from events import archive


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """An archive of the test's own."""
    with mock.patch.object(storages["archive"], "_location", str(tmp_path)):
        for name in ("base_location", "location"):
            storages["archive"].__dict__.pop(name, None)
        yield tmp_path
    for name in ("base_location", "location"):
        storages["archive"].__dict__.pop(name, None)


def lines(folder: Path) -> list[dict[str, Any]]:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.gz"))
    return [json.loads(line) for name in names for line in archive.read(name).splitlines()]
