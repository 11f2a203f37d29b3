"""A process that works on exports as `manage.py work_exports` does, and is killed by itself.

`python -m tests.export_process N`: gone by `kill -9` at the Nth time it writes down how far it is.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import django


def _main(checkpoints: str) -> None:
    django.setup()
    from wallets.exports import claims, figures, worker

    figures.CHUNK = worker.WRITTEN_DOWN = 5  # type: ignore[misc]
    write_down, left = claims.checkpoint, int(checkpoints)

    def last(job: Any, **columns: Any) -> None:
        nonlocal left
        write_down(job, **columns)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    claims.checkpoint = last
    worker.run(enough=lambda: False)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    _main(*sys.argv[1:])
