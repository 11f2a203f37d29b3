"""gunicorn's settings for the lane processes: `gunicorn -c deploy/gunicorn_lane.conf.py`.

The embedded service runs one such process and nothing else.
"""

# ruff: noqa: N999 - the name is the one that gunicorn's users expect

from __future__ import annotations

from deploy.gunicorn_common import (
    accesslog,
    bind,
    child_exit,
    control_socket_disable,
    graceful_timeout,
    keepalive,
    logconfig_dict,
    max_requests,
    open_files,
    post_fork,
    preload_app,
    timeout,
    worker_tmp_dir,
)
from wallet_project import env

__all__ = [
    "accesslog",
    "bind",
    "child_exit",
    "control_socket_disable",
    "graceful_timeout",
    "keepalive",
    "logconfig_dict",
    "max_requests",
    "post_fork",
    "preload_app",
    "timeout",
    "worker_tmp_dir",
]

wsgi_app = "wallet_project.asgi:application"
worker_class = "asgi"
asgi_loop = "uvloop"
asgi_lifespan = "on"
workers = env.number("LANE_PROCESSES", 1, least=1)
# What is beyond waits at the edge. Every connection is an open file, and so are the databases'.
worker_connections = min(env.number("LANE_CONNECTIONS", 2048, least=1), open_files() - 256)
