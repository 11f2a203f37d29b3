"""Speaks with the web process over loopback: is its port free, is it ready, make some data."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPException
from typing import Any, Final

from deploy.starter.errors import StartError
from deploy.starter.home import Home
from deploy.starter.supervisor import Supervisor

READY_SECONDS: Final = 90.0
CALL_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 1.0
_ASK_AGAIN: Final = frozenset({429, 502, 503, 504})
"""Nothing is decided yet, or nobody knows: the same call with the same key finds out."""
_LARGEST_PORT: Final = 65535


def port_from_environment() -> int:
    """Return PORT, 8080 by default.

    :raises StartError: when it is no port, or somebody listens there.
    """
    text = os.environ.get("PORT") or "8080"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _LARGEST_PORT:
        raise StartError(f"PORT must be a number from 1 to {_LARGEST_PORT}, not {text!r}.")
    port = int(text)
    # `localhost` may lead to either address, and must not lead to a stranger.
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        if _is_taken(family, host, port):
            raise StartError(
                f"Port {port} is taken: stop what listens there,"
                f" or choose another one with PORT, such as PORT={port + 1}."
            )
    return port


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens, for what only this machine's edge speaks to."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def wait_ready(supervisor: Supervisor, port: int) -> None:
    """Wait until the service says that it can serve.

    :raises StartError: when a process ends or the time is up.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(port):
        supervisor.require_alive()
        if time.monotonic() > deadline:
            raise supervisor.failure("web", f"was not ready within {READY_SECONDS:.0f} s")
        supervisor.wait(0.1)


def make_demo_wallets(home: Home, port: int, key: str) -> Mapping[str, str]:
    """Open two wallets and put some money in; every call may be made again and pays once."""
    known = home.read_demo()
    for name, amount in (("alice", "250.00"), ("bob", "40.00")):
        noted = f"DEMO_WALLET_{name.upper()}"
        if noted in known:
            continue
        wallet = call(port, key, "wallets", {"userId": name}, idempotency_key=f"demo-{name}")
        path = f"wallets/{wallet['id']}/deposit"
        opening = {"amount": amount, "referenceId": "opening", "description": "Opening balance"}
        call(port, key, path, opening)
        known = home.note_demo(**{noted: str(wallet["id"])})
    return known


def call(
    port: int, key: str, path: str, body: Mapping[str, str], *, idempotency_key: str = ""
) -> dict[str, Any]:
    """POST to the API as the demo client, again with the same key while the outcome is not known.

    :raises StartError: when it refuses, or has not answered with a success in time.
    """
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/{path}",
        data=json.dumps(body).encode(),
        headers=headers,
    )
    deadline = time.monotonic() + AGAIN_SECONDS
    while True:
        try:
            return _send(request)
        except urllib.error.HTTPError as error:
            failure = f"answered {error.code}: {_detail(error)}"
            is_final = error.code not in _ASK_AGAIN
        except (OSError, HTTPException, ValueError) as error:  # no answer, or half of one
            failure, is_final = f"failed: {error!r}", False
        if is_final or time.monotonic() > deadline:
            raise StartError(f"Demo data: {path} {failure}")
        time.sleep(_PAUSE_SECONDS)


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(500).decode(errors="replace")
    except (OSError, HTTPException):
        return "(the answer was cut)"


def _send(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/health/ready", timeout=CALL_SECONDS
        ) as answer:
            return bool(answer.status == 200)
    except OSError:  # refused, reset, or an HTTP error: all of them mean "not yet"
        return False


def _is_taken(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # gunicorn sets this too; without it a port looks taken for a minute after a stop.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EACCES:
            raise StartError(f"Port {port} needs more rights than this user has.") from None
        return error.errno == errno.EADDRINUSE  # no IPv6 here is no obstacle
    return False
