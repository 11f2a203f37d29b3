"""What both kinds of gunicorn process share; their files take these names as settings."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any, Final

from gunicorn.glogging import Logger
from prometheus_client import multiprocess

from wallet_project import env
from wallet_project.kit import logs

__all__ = [
    "accesslog",
    "bind",
    "child_exit",
    "control_socket_disable",
    "graceful_timeout",
    "keepalive",
    "logconfig_dict",
    "logger_class",
    "max_requests",
    "open_files",
    "post_fork",
    "preload_app",
    "timeout",
    "worker_tmp_dir",
]

FILES_WANTED: Final = 4096

bind = f"{env.text('BIND_HOST', '127.0.0.1')}:{env.number('PORT', 8080, least=1)}"
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


class logger_class(Logger):  # type: ignore[misc]  # noqa: N801 - the name of the setting
    """Gathers nothing for access lines: gunicorn would put each together before it drops it."""

    def access(self, *_: Any) -> None:
        """Leave the access line to the application."""


def open_files() -> int:
    """Ask for enough open files, and return how many this process and its children may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_WANTED:
        return FILES_WANTED
    soft = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def post_fork(server: Any, worker: Any) -> None:
    """Let the group-commit leader take its turn quickly: it holds locks while it waits for one."""
    del server, worker
    sys.setswitchinterval(0.0005)


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone; its counters stay."""
    del server
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
