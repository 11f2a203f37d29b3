"""Carol of the staff releases events that could not be sent, by page and by command."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from events.models import OutboxEvent, OutboxStatus, Quarantined
from tests.acting import REASON, act, audited, queries_of
from tests.databases import is_mysql
from tests.integration.events.conftest import Streams
from tests.integration.events.logs import drain, told
from tests.integration.events.test_relay import LogWithALimit, statuses
from tests.staff import member

LIST = "admin:events_outboxevent_changelist"
PENDING, PUBLISHED, HELD, QUARANTINED = OutboxStatus


@pytest.fixture
def carol(database: None) -> Client:
    return member("carol", "events.view_outboxevent", "events.release_outboxevent")


@pytest.fixture
def log(tmp_path: Path) -> LogWithALimit:
    return LogWithALimit(tmp_path / "events.jsonl")


@pytest.fixture
def alice(streams: Streams, log: LogWithALimit, holder: str) -> UUID:
    """Alice's wallet, whose first event of two is too large to be sent."""
    (alice,) = streams.new(1)
    streams.tell(alice, padding=2_000)
    streams.tell(alice)
    drain(log, holder)
    assert statuses(alice) == [QUARANTINED, HELD]
    return alice


def first(stream: UUID) -> OutboxEvent:
    return OutboxEvent.objects.filter(stream=stream).order_by("id")[0]


def test_the_page_says_why_and_release_sends_all_in_order(
    alice: UUID, carol: Client, log: LogWithALimit, holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = carol.get(reverse("admin:events_outboxevent_change", args=[first(alice).pk]))
    assert "too large" in page.content.decode()
    monkeypatch.setattr(log, "LIMIT", 10_000)

    answer = act(carol, "events.outboxevent", first(alice).pk, "release").content.decode()

    assert "2 events wait for the relay again" in answer
    assert audited() == [("outbox.release", str(alice), REASON)]
    assert not Quarantined.objects.exists()
    drain(log, holder)
    assert told(log) == {alice: [1, 2]}
    again = act(carol, "events.outboxevent", first(alice).pk, "release").content.decode()
    assert "is quarantined" in again
    assert len(audited()) == 1


def test_what_still_cannot_be_sent_comes_back_with_its_reason(
    alice: UUID, carol: Client, log: LogWithALimit, holder: str
) -> None:
    act(carol, "events.outboxevent", first(alice).pk, "release")

    drain(log, holder)

    assert statuses(alice) == [QUARANTINED, HELD]
    assert Quarantined.objects.get().reason == "too large"


def test_the_list_is_narrowed_by_what_waits(
    alice: UUID, streams: Streams, carol: Client, log: LogWithALimit, holder: str
) -> None:
    (bob,) = streams.new(1)
    streams.tell(bob)
    drain(log, holder)

    everything = carol.get(reverse(LIST)).content.decode()
    stuck = carol.get(reverse(LIST), {"waits": "QUARANTINED"}).content.decode()

    assert str(bob) in everything
    assert str(alice) in stuck
    assert str(bob) not in stuck
    before = queries_of(carol, reverse(LIST))
    streams.tell(bob, bob, bob)
    assert queries_of(carol, reverse(LIST)) == before


@pytest.mark.full_stack
def test_what_waits_is_found_by_the_outboxs_index(
    streams: Streams, log: LogWithALimit, holder: str
) -> None:
    assert is_mysql()
    for _ in range(20):
        streams.tell(*streams.new(50))
    drain(log, holder)
    waiting = OutboxEvent.objects.filter(position__isnull=True, status=QUARANTINED)
    sql, params = waiting.order_by("-pk")[:51].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        columns = [one[0] for one in cursor.description]
        plan = dict(zip(columns, cursor.fetchone(), strict=True))
    assert plan["key"] == "outbox_log"
    assert "filesort" not in (plan["Extra"] or "")


def test_the_command_lists_and_releases(alice: UUID) -> None:
    def run(*words: str) -> Any:
        out = StringIO()
        call_command("release_events", "--json", *words, stdout=out)
        return json.loads(out.getvalue())

    (found,) = run("--dry-run")
    assert (found["wallet"], found["reason"], found["held"]) == (str(alice), "too large", 1)
    assert statuses(alice) == [QUARANTINED, HELD]
    with pytest.raises(CommandError, match="what was mended"):
        run()
    (done,) = run("--wallet", str(alice), "--reason", REASON)
    assert done["released"] == 2
    assert statuses(alice) == [PENDING, PENDING]
    assert audited() == [("outbox.release", str(alice), REASON)]
    assert run("--reason", REASON) == []
