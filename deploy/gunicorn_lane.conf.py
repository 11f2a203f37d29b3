"""gunicorn's settings for the lane processes: `gunicorn -c deploy/gunicorn_lane.conf.py`.

The embedded service runs one such process and nothing else.
"""

# ruff: noqa: N999 - the name is the one that gunicorn's users expect

from __future__ import annotations

import signal
from typing import Any

from deploy.gunicorn_common import *  # noqa: F403 - each name is a setting
from deploy.gunicorn_common import open_files
from wallet_project import env

wsgi_app = "wallet_project.asgi:application"
worker_class = "asgi"
asgi_loop = "uvloop"
asgi_lifespan = "on"
workers = env.number("LANE_PROCESSES", 1, least=1)
# The fast parser keeps 64 KiB of a request that comes while the one before it is put away, and on a
# longer one it closes the connection. The edge sends those by connections of their own; other
# callers cannot know.
http_parser = "auto" if env.flag("BEHIND_EDGE", default=False) else "python"
# The edge keeps the number of connections below the files that each process may open.
open_files()
# One connection that stays open keeps a process that ends waiting for it; it must stop before the
# master's patience is at its end and the queue is lost with it.
WAITS_FOR_CONNECTIONS_SECONDS = 12


def post_worker_init(worker: Any) -> None:
    """Turn the health page red as soon as the worker is told to end."""
    from wallet_project import health

    worker.cfg.set("graceful_timeout", WAITS_FOR_CONNECTIONS_SECONDS)

    def drain() -> None:
        health.start_draining()
        worker.handle_exit_signal()

    worker.loop.add_signal_handler(signal.SIGTERM, drain)
