"""Takes parts of the stack away for a while, and always gives them back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import connections

from deploy.stack import layout, replication
from deploy.stack.processes import find_pid
from deploy.stack.wire import Connection
from wallet_project.kit import heartbeat, replica
from wallet_project.kit.database import PRIMARY, REPLICA
from wallet_project.kit.models import Heartbeat
from wallets.operations import group_commit


def catch_up() -> None:
    """Wait until the replica has everything that the primary has now."""
    with _root_of_replica() as server:
        words = replication.words_of(server)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(words.position)
        (position,) = cursor.fetchone()
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(words.wait, [position, 1.9])
        assert cursor.fetchone() == (0,), "The replica does not catch up."


def settle() -> None:
    """Let the replica have everything, and know that it has."""
    heartbeat.beat()
    catch_up()
    replica.forget()


def still_the_heart() -> None:
    """Take the heartbeat away, so that nothing reads from the replica any more."""
    Heartbeat.objects.using(PRIMARY).all().delete()
    catch_up()


@contextmanager
def replica_delayed(seconds: int) -> Iterator[None]:
    """Let the replica apply everything so many seconds late."""
    _delay(seconds)
    try:
        yield
    finally:
        _delay(0)


@contextmanager
def replication_stopped() -> Iterator[None]:
    """Let the replica answer, and learn nothing new."""
    with _root_of_replica() as server:
        server.query(f"STOP {replication.words_of(server).server} SQL_THREAD")
    try:
        yield
    finally:
        with _root_of_replica() as server:
            server.query(f"START {replication.words_of(server).server} SQL_THREAD")


@contextmanager
def away(alias: str) -> Iterator[None]:
    """Let this process find nobody where a database was; other processes notice nothing."""
    wanted: dict[str, Any] = connections.databases[alias]
    port = wanted["PORT"]
    wanted["PORT"] = layout.find_free(frozenset())
    _reconnect()
    try:
        yield
    finally:
        wanted["PORT"] = port
        _reconnect()


def redis_frozen() -> AbstractContextManager[None]:
    """Let Redis accept connections and say nothing."""
    return _frozen(layout.REDIS)


def primary_frozen() -> AbstractContextManager[None]:
    """Let the primary accept connections and say nothing."""
    return _frozen(layout.PRIMARY)


@contextmanager
def _frozen(part: str) -> Iterator[None]:
    pid = find_pid(layout.default_home(), part)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def redis_killed() -> Iterator[None]:
    """Let Redis be gone."""
    pid = find_pid(layout.default_home(), layout.REDIS)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    try:
        yield
    finally:
        start = [sys.executable, "-m", "deploy.stack", "start", "redis"]
        subprocess.run(start, check=True, capture_output=True, timeout=60)


def _reconnect() -> None:
    group_commit.stop()  # its threads have connections of their own
    connections.close_all()


def _delay(seconds: int) -> None:
    with _root_of_replica() as server:
        words = replication.words_of(server)
        server.query(f"STOP {words.server}")
        server.query(f"{words.change} {words.source}_DELAY = {seconds}")
        server.query(f"START {words.server}")


def _root_of_replica() -> Connection:
    home = layout.default_home()
    return replication.connect(home, layout.REPLICA, layout.load_secrets(home))
