"""gunicorn's settings for the Django processes: `gunicorn -c deploy/gunicorn.conf.py`."""

# ruff: noqa: N999 - the name is the one that gunicorn's users expect

from __future__ import annotations

import os
import resource
import signal
import sys
from types import FrameType
from typing import Any

from prometheus_client import multiprocess

from wallet_project import env
from wallet_project.kit import logs

FILES_WANTED = 4096
CONNECTIONS_MAX = 1000


def open_files() -> int:
    """Ask for enough open files, and return how many this process and its children may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_WANTED:
        return FILES_WANTED
    soft = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


wsgi_app = "wallet_project.wsgi:application"
bind = f"{env.text('BIND_HOST', '127.0.0.1')}:{env.number('PORT', 8080, least=1)}"
worker_class = "gthread"
workers = env.number("WEB_PROCESSES", 2, least=1)
threads = env.number("WEB_THREADS", 32, least=1)
# A process that cannot open one more file dies, and every call it has in hand with it. So it takes
# no more connections than it has files for, beside databases, Redis and logs; the others wait in
# the kernel until it has.
worker_connections = max(threads + 1, min(CONNECTIONS_MAX, open_files() - 4 * threads - 64))
# A thread started before the fork never answers in the child, and the group commit has two.
preload_app = False

# The edge closes idle connections earlier than this, so it never meets one that just closed.
keepalive = 5
# Longer than any request, which ends within 10 s, and longer than the queue takes to drain.
graceful_timeout = 20
timeout = 30
# Restarting after so many requests has reset kept connections; nothing here grows.
max_requests = 0
# On by default, in the user's home folder; nobody here speaks to it.
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112

# The application writes its own access line.
accesslog = None
logconfig_dict = logs.configuration(env.text("LOG_LEVEL", "INFO")) | {
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    }
}


def post_fork(server: Any, worker: Any) -> None:
    """Let the group-commit leader take its turn quickly: it holds locks while it waits for one."""
    del server, worker
    sys.setswitchinterval(0.0005)


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


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone; its counters stay."""
    del server
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
