"""Configures Redis and asks it whether it answers."""

from __future__ import annotations

import shutil
import socket

from deploy.stack.errors import StackError
from deploy.stack.layout import LOOPBACK, REDIS, Home, write_public
from deploy.stack.processes import Command

PROBE_TIMEOUT = 1.0

CONFIGURATION = """\
bind {host}
port {port}
dir {folder}
daemonize no
# A process that keeps its command line can be recognised before it is signalled.
set-proc-title no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
# The broker's queue lives here: better a refused write than a task thrown away.
maxmemory-policy noeviction
"""


def prepare(home: Home, port: int) -> Command:
    """Write the configuration and return the command that starts the server."""
    program = shutil.which("redis-server")
    if program is None:
        raise StackError("redis-server is missing: run `python3 -m deploy.stack install`.")
    folder = home.part(REDIS)
    folder.mkdir(exist_ok=True)
    settings = folder / "redis.conf"
    write_public(settings, CONFIGURATION.format(host=LOOPBACK, port=port, folder=folder))
    return Command([program, str(settings)])


def answers(port: int) -> bool:
    """Tell whether the server answers a ping, which it does only after loading its data."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PROBE_TIMEOUT) as probe:
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False
