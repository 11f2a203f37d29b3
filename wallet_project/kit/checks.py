"""What `check --deploy` says of connections that leave this machine without protection."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Tags, Warning, register

from wallet_project.kit.tls import Mode, Tls

PLAIN: Final = "kit.W001"
UNVERIFIED: Final = "kit.W002"
ELSEWHERE: Final = "kit.W003"
_PLACE: Final = ("HOST", "PORT")


@register(Tags.security, deploy=True)
def connections_are_protected(**_: Any) -> list[Warning]:
    """Warn of servers on other machines that are called without TLS, or whoever they are."""
    found = []
    for what, tls, hosts in _servers():
        away = sorted({host for host in hosts if not _is_here(host)})
        if not away:
            continue
        where = ", ".join(away)
        if tls is None or tls.mode is Mode.OFF:
            found.append(
                Warning(
                    f"{what} at {where} is called without TLS: passwords, money and names can be "
                    "read and changed on the way.",
                    hint="See docs/security.md, TLS to the servers behind.",
                    id=PLAIN,
                )
            )
        elif tls.mode is Mode.ENCRYPT:
            found.append(
                Warning(
                    f"{what} at {where} is not asked who it is: whoever stands in between can "
                    "answer in its place.",
                    hint="Set verify, and the CA's file; see docs/security.md.",
                    id=UNVERIFIED,
                )
            )
    return found


@register()
def roles_are_of_the_primary(**_: Any) -> list[Warning]:
    """Warn of an address for one job that leads elsewhere: only its user and password count."""
    primary = settings.DATABASES["default"]
    found = []
    for name in ("DATABASE_ERASER", "DATABASE_REAPER", "DATABASE_READONLY"):
        login = getattr(settings, name)
        if login is not None and any(login[one] != primary[one] for one in _PLACE):
            found.append(
                Warning(
                    f"{name}_URL leads to another server or database than DATABASE_URL; only its "
                    "user and password count.",
                    hint="Let both name the primary in the same words.",
                    id=ELSEWHERE,
                )
            )
    return found


def _servers() -> Iterator[tuple[str, Tls | None, list[str]]]:
    """Name each kind of server, what protects the way there, and its hosts."""
    mysql = [one["HOST"] for one in settings.DATABASES.values() if "mysql" in one["ENGINE"]]
    yield "MySQL", settings.DATABASE_TLS, mysql
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        parts = urlsplit(getattr(settings, name))
        if parts.scheme in ("redis", "rediss"):
            protection = settings.REDIS_TLS if parts.scheme == "rediss" else None
            yield f"Redis ({name})", protection, [parts.hostname or ""]
    kafka = [one.rpartition(":")[0] or one for one in settings.KAFKA_BOOTSTRAP_SERVERS]
    yield "Kafka", settings.KAFKA_TLS, kafka


def _is_here(host: str) -> bool:
    # MySQL: no host, or a path, is a socket.
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
