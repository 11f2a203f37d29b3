"""Publishes what waits in the outbox, and lets time pass for it."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F

from events import relay
from events.broker import LocalLogBroker
from events.models import OutboxEvent, OutboxStatus


@pytest.fixture
def signals_as_they_were() -> Iterator[None]:
    """Give SIGTERM and SIGINT back after a command has taken them."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def publish() -> int:
    """Publish all that waits to a log file that nobody reads; return how many events that was."""
    with tempfile.TemporaryDirectory() as folder:
        return relay.drain_all(LocalLogBroker(Path(folder) / "log"), threading.Event())


def age(days: int) -> None:
    """Make everything published so many days older."""
    published = OutboxEvent.objects.filter(status=OutboxStatus.PUBLISHED)
    published.update(published_at=F("published_at") - timedelta(days=days))
