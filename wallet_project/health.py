"""Health pages: how this process and what it depends on are doing."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Final

import redis
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kafka.errors import KafkaError

from events import kafka_clients
from wallet_project.kit import servers
from wallet_project.kit.monitor import Finding, Monitor, Probe
from wallets.operations import group_commit

PROBE_SECONDS: Final = 2
"""How long a dependency may take to answer."""
FIRST_WAIT_SECONDS: Final = 2.5
"""How long the very first request waits for the first answers."""
OLDEST_COMMAND_SECONDS: Final = 5.0
"""A command that waits longer means that nothing is being written."""

_DATABASES: Final = {"default": "database", "replica": "replica"}
_BREAKERS: Final = {
    "database": servers.primary,
    "replica": servers.replica,
    "redis": servers.redis,
    "kafka": servers.kafka,
}

_draining = False


def start_draining() -> None:
    """Turn ready red for good, so that nobody sends new requests to a process that ends."""
    global _draining
    _draining = True


def ask_database(alias: str) -> None:
    """Ask a database for a one."""
    servers.ask(alias, limit_seconds=PROBE_SECONDS)


def ask_redis() -> None:
    """Send a PING."""
    servers.ask_redis(limit_seconds=PROBE_SECONDS)


def ask_kafka() -> None:
    """Fetch the cluster's metadata."""
    limit_ms = PROBE_SECONDS * 1000
    kafka_clients.admin(bootstrap_timeout_ms=limit_ms, request_timeout_ms=limit_ms).close()


@cache
def monitor() -> Monitor:
    """Make the probes of what this deployment has."""
    probes = [
        Probe(
            name,
            lambda alias=alias: ask_database(alias),  # type: ignore[misc]
            (Error,),
            settings.HEALTH_DATABASE_SECONDS,
        )
        for alias, name in _DATABASES.items()
        if alias in settings.DATABASES
    ]
    if settings.REDIS_URL:
        faults = (redis.RedisError,)
        probes.append(Probe("redis", ask_redis, faults, settings.HEALTH_REDIS_SECONDS))
    if settings.KAFKA_BOOTSTRAP_SERVERS:
        probes.append(Probe("kafka", ask_kafka, (KafkaError,), settings.HEALTH_KAFKA_SECONDS))
    made = Monitor(probes)
    for name, breaker in _BREAKERS.items():
        breaker.on_change(partial(made.look_now, name))
    return made


def current_findings() -> dict[str, Finding]:
    """Return what is known of every part; `writes` appears only while none get through.

    What the calls of this process have found out counts at once, before the next regular look.
    """
    found = monitor().findings(wait_seconds=FIRST_WAIT_SECONDS)
    for name in found:
        if name in _BREAKERS and _BREAKERS[name].is_open:
            found[name] = Finding(up=False, response_ms=0)
    if settings.PAYOUT_GATEWAY_URL:
        found["gateway"] = Finding(up=not servers.gateway.is_open, response_ms=0)
    waiting_seconds = group_commit.oldest_age_seconds()
    if waiting_seconds > OLDEST_COMMAND_SECONDS:
        found["writes"] = Finding(up=False, response_ms=round(waiting_seconds * 1000))
    return found


def overall(found: dict[str, Finding], *, draining: bool) -> str:
    """Sum up: `error` means that no request should come here, `degraded` that it may be served."""
    databases = [one.up for name, one in found.items() if name in _DATABASES.values()]
    writes_stuck = "writes" in found and not found["writes"].up
    if draining or writes_stuck or not any(databases):
        return "error"
    return "ok" if all(one.up for one in found.values()) else "degraded"


def _answer(body: dict[str, Any], *, well: bool) -> JsonResponse:
    return JsonResponse(body, status=200 if well else 503, headers={"Cache-Control": "no-store"})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Tell whether requests can be served, and by which parts."""
    found = current_findings()
    status = overall(found, draining=_draining)
    info = {
        name: {"status": "up" if one.up else "down", "responseTime": one.response_ms}
        for name, one in found.items()
    }
    return _answer({"status": status, "info": info}, well=status != "error")


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """Tell that this process answers; asks nobody else."""
    return _answer({"status": "ok", "info": {}}, well=True)


@require_safe
def checks(_request: HttpRequest) -> JsonResponse:
    """Tell the same as `ready` in the shape of Quarkus."""
    found = current_findings()
    well = overall(found, draining=_draining) != "error"
    return _answer(
        {
            "status": "UP" if well else "DOWN",
            "checks": [
                {
                    "name": name,
                    "status": "UP" if one.up else "DOWN",
                    "data": {"responseTime": one.response_ms},
                }
                for name, one in found.items()
            ],
        },
        well=well,
    )
