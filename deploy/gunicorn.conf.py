"""gunicorn's settings for the Django processes: `gunicorn -c deploy/gunicorn.conf.py`."""

# ruff: noqa: N999 - the name is the one that gunicorn's users expect

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any

from deploy.gunicorn_common import *  # noqa: F403 - each name is a setting
from deploy.gunicorn_common import open_files
from wallet_project import env

CONNECTIONS_MAX = 1000

wsgi_app = "wallet_project.wsgi:application"
worker_class = "gthread"
workers = env.number("WEB_PROCESSES", 2, least=1)
threads = env.number("WEB_THREADS", 32, least=1)
# A process that cannot open one more file dies, and every call it has in hand with it. So it takes
# no more connections than it has files for, beside databases, Redis and logs; the others wait in
# the kernel until it has.
worker_connections = max(threads + 1, min(CONNECTIONS_MAX, open_files() - 4 * threads - 64))


def pre_request(worker: Any, req: Any) -> None:
    """Join keys that came twice by a line break, which is in no key, so that they are refused.

    gunicorn would join them by a comma, and a key may hold one.
    """
    del worker
    keys = [value for name, value in req.headers if name == "IDEMPOTENCY-KEY"]
    if len(keys) > 1:
        others = [pair for pair in req.headers if pair[0] != "IDEMPOTENCY-KEY"]
        req.headers = [*others, ("IDEMPOTENCY-KEY", "\n".join(keys))]


def post_worker_init(worker: Any) -> None:
    """Turn the health page red as soon as the worker is told to end."""
    from wallet_project import health

    def drain(number: int, frame: FrameType | None) -> None:
        health.start_draining()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, drain)


def worker_exit(server: Any, worker: Any) -> None:
    """Finish the movements that are still queued, after the last request has ended."""
    del server, worker
    # Not imported: a worker that failed to start has no application to import it from.
    group_commit = sys.modules.get("wallets.operations.group_commit")
    if group_commit is not None:
        group_commit.stop()
