"""What tests of webhooks do again and again."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from standardwebhooks import Webhook

from events.consumers.webhooks import endpoints
from events.consumers.webhooks.deliverer import Deliverer
from events.consumers.webhooks.endpoints import Created, NewEndpoint
from events.consumers.webhooks.matching import Filters
from events.consumers.webhooks.models import DeliveryStatus, WebhookAttempt, WebhookDelivery
from events.consumers.webhooks.rules import Rules
from tests.consumers import deliver, told
from tests.people import Company
from tests.receiver import Call
from tests.second_try import TooSlow
from wallet_project.consumers import CONSUMERS
from wallet_project.kit.ids import uuid7
from wallets.sources import primary_clock

WEBHOOKS: Final = CONSUMERS["webhooks"]
LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"),)


def local_rules(**changes: Any) -> Rules:
    """Make rules that let receivers be on this machine."""
    rules: Rules = settings.WEBHOOKS
    local: dict[str, Any] = {"allow_http": True, "ports": (), "networks": LOOPBACK}
    return replace(rules, **(local | changes))


def endpoint_of(company: Company, url: str, filters: Filters | None = None, **more: Any) -> Created:
    """Make an endpoint."""
    asked = NewEndpoint(
        url=url,
        description="",
        filters=filters or Filters(),
        contact_email=more.pop("contact_email", ""),
        enabled=more.pop("enabled", True),
        idempotency_key=uuid7().bytes * 2,
        request_hash=b"x" * 32,
    )
    return endpoints.create(client=company.id, asked=asked, moment=primary_clock())


def fan_out() -> None:
    """Hand the consumer everything that has happened; it knows what it has had."""
    deliver(WEBHOOKS, told())


def deliveries(*statuses: DeliveryStatus) -> QuerySet[WebhookDelivery]:
    """List deliveries in the order of their making."""
    rows = WebhookDelivery.objects.order_by("pk")
    return rows.filter(status__in=statuses) if statuses else rows


def statuses() -> Collection[str]:
    """List how deliveries stand, in the order of their making."""
    return [DeliveryStatus(one.status).name for one in deliveries()]


def make_due() -> None:
    """Let the time until every next attempt pass."""
    WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING).update(
        next_attempt_at=primary_clock()
    )


def verify(secret: str | None, call: Call) -> Any:
    """Check a call as a client would; return what it says."""
    assert secret is not None
    return Webhook(secret).verify(call.body, call.headers)


def log() -> list[tuple[int, int | None, str]]:
    """List number, status and error of every attempt."""
    rows = WebhookAttempt.objects.order_by("delivery", "number")
    return [(one.number, one.status_code, one.error) for one in rows]


@contextmanager
def delivering(rules: Rules) -> Iterator[None]:
    """Run the loop in a thread of its own, as the command does in a process."""
    stop: asyncio.Event
    ready = threading.Event()
    loop: asyncio.AbstractEventLoop

    async def run() -> None:
        nonlocal stop, loop
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        ready.set()
        await Deliverer(rules).run(stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait(5)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()


def eventually(check: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TooSlow(f"it did not come true within {seconds:g} s")
        time.sleep(0.05)
