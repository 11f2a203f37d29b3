"""The admin of events: everything can be seen, nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import relay
from events.broker import LocalLogBroker
from events.models import OutboxEvent
from tests import staff
from tests.integration.events.conftest import Streams

LIST = "admin:events_outboxevent_changelist"
DETAIL = "admin:events_outboxevent_change"


@pytest.fixture
def root(database: None) -> Client:
    return staff.superuser()


def test_the_list_shows_events_without_counting_them(
    streams: Streams, root: Client, tmp_path: Path, holder: str
) -> None:
    streams.tell(*streams.new(3))
    relay.drain_once(LocalLogBroker(tmp_path / "log"), holder=holder)
    streams.tell(*streams.new(1))

    with CaptureQueriesContext(connection) as queries:
        page = root.get(reverse(LIST))

    text = page.content.decode()
    assert page.status_code == 200
    assert text.count("Published") >= 3
    assert "wallet.deposited.v1" in text
    assert not [one for one in queries if "COUNT(*)" in one["sql"] and "outbox" in one["sql"]]


def test_an_event_shows_its_payload(streams: Streams, root: Client) -> None:
    streams.tell(*streams.new(1))
    row = OutboxEvent.objects.get()

    text = root.get(reverse(DETAIL, args=[row.pk])).content.decode()

    assert "&quot;walletId&quot;: &quot;" + str(row.stream) in text
    assert str(row.event_id) in text


def test_an_event_is_found_by_its_wallet(streams: Streams, root: Client) -> None:
    alice, bob = streams.new(2)
    streams.tell(alice, bob)

    text = root.get(reverse(LIST), {"q": str(alice)}).content.decode()

    assert f">{alice}<" in text
    assert f">{bob}<" not in text


def test_nobody_can_change_an_event(streams: Streams, root: Client) -> None:
    streams.tell(*streams.new(1))
    row = OutboxEvent.objects.get()

    assert root.post(reverse(DETAIL, args=[row.pk]), {"status": 1}).status_code == 403
    assert root.get(reverse("admin:events_outboxevent_add")).status_code == 403
    url = reverse("admin:events_outboxevent_delete", args=[row.pk])
    assert root.post(url, {"post": "yes"}).status_code == 403
    assert OutboxEvent.objects.get().status == row.status
