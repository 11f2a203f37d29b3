"""Every wait has a limit, and the inner ones are shorter: read from what really runs."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

from django.conf import settings

from deploy import gunicorn_common
from wallet_project import connection_settings as module
from wallet_project import health
from wallet_project.kit import rate_limit, servers, versioned_cache
from wallet_project.kit.database import INTERACTIVE, LEADER
from wallets.api.express import application
from wallets.operations import group_commit

EDGE: Final = (Path(settings.BASE_DIR) / "deploy/edge/haproxy.cfg").read_text()


def at_the_edge(name: str) -> float:
    found = re.search(rf"^\s*timeout {name} (\d+)s", EDGE, re.MULTILINE)
    assert found is not None, f"The edge has no timeout {name}."
    return float(found.group(1))


def test_the_inner_waits_are_shorter() -> None:
    mysql = module._MYSQL_OPTIONS
    waits = {
        "Redis, for a copy": versioned_cache.TIMEOUT_SECONDS,
        "Redis, for a limit": rate_limit.REDIS_SECONDS,
        "a lock, the leader": settings.GROUP_COMMIT.leader_lock_wait_seconds,
        "a lock, the slow lane": settings.GROUP_COMMIT.slow_lock_wait_seconds,
        "reading from MySQL": mysql["read_timeout"],
        "the caller of a command": group_commit.WAIT_SECONDS,
        "a call of the lane": application._PATIENCE_SECONDS,
        "a request": settings.REQUEST_DEADLINE_SECONDS,
        "the edge, for an answer": at_the_edge("server"),
        "a process that ends": float(gunicorn_common.graceful_timeout),
    }
    for (inner, short), (outer, long) in pairwise(waits.items()):
        assert short < long, f"{inner} ({short} s) must be shorter than {outer} ({long} s)."


def test_a_command_is_dropped_before_its_caller_is_told_that_nobody_knows() -> None:
    assert settings.COMMAND_DEADLINE_SECONDS < group_commit.WAIT_SECONDS


def test_all_tries_of_a_transaction_end_before_the_request() -> None:
    for policy in (INTERACTIVE, LEADER):
        for total_ms in (policy.contention_total_ms, policy.transient_total_ms):
            assert total_ms / 1000 < settings.REQUEST_DEADLINE_SECONDS


def test_a_server_is_found_away_sooner_than_a_query_gives_up() -> None:
    mysql = module._MYSQL_OPTIONS
    assert servers.PROBE_SECONDS < mysql["connect_timeout"] < mysql["read_timeout"]
    assert servers.PROBE_SECONDS <= servers.RETRY_SECONDS
    assert health.PROBE_SECONDS < health.FIRST_WAIT_SECONDS


def test_slow_callers_are_cut_off_and_idle_connections_end_at_the_edge_first() -> None:
    assert at_the_edge("http-request") <= at_the_edge("client")
    assert at_the_edge("connect") + at_the_edge("queue") < at_the_edge("server")
    assert at_the_edge("http-keep-alive") < gunicorn_common.keepalive
