"""How many connections a web process takes follows from how many files it may open."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from tests.e2e.services import REPOSITORY

TELL = (
    "import resource, runpy;"
    "told = runpy.run_path('deploy/gunicorn.conf.py');"
    "print(told['worker_connections'], resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
)


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "files"),
    [
        (256, 5_000, 1_000, 4_096),
        (5_000, 5_000, 1_000, 5_000),
        (256, 1_024, 1_024 - 4 * 32 - 64, 1_024),
        (200, 200, 33, 200),
    ],
)
def test_connections_never_need_more_files_than_are_granted(
    soft: int, hard: int, connections: int, files: int
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", TELL],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "WEB_THREADS": "32"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == [str(connections), str(files)]
