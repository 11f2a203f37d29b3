"""A task that lasts, for workers that are started with `--include tests.stress.long_task`."""

from __future__ import annotations

import time
from pathlib import Path

from wallet_project.celery import app


@app.task(name="tests.stress.last")
def last(seconds: float, file: str) -> None:
    """Stand still for so long, and make the file."""
    time.sleep(seconds)
    Path(file).touch()
