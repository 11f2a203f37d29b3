"""The log of events from a replica: late perhaps, never with a gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connections

from events import log, queries
from events.models import EventCounter
from tests import outages
from tests.http import Api
from tests.integration.wallets.test_reads import acme, queries_on
from tests.people import fund
from tests.publishing import publish
from wallet_project.kit.database import PRIMARY, REPLICA
from wallets.identity import WalletIdentity

__all__ = ["acme"]
pytestmark = pytest.mark.full_stack


@pytest.fixture
def told(acme: Api, alice: WalletIdentity) -> Iterator[int]:
    """Four events of Alice's, on the replica too; their last position."""
    for _ in range(3):
        fund(alice, 1)
    publish()
    outages.settle()
    acme.get("/events")  # the key is known for four seconds from here
    yield EventCounter.objects.using(PRIMARY).get().last_position


def test_a_page_comes_from_the_replica(acme: Api, told: int) -> None:
    with queries_on(PRIMARY) as on_primary:
        page = acme.get("/events").json
    assert on_primary == []
    assert (len(page["items"]), page["nextAfter"]) == (4, told)


def test_a_reader_ahead_of_the_replica_is_answered_by_the_primary(
    acme: Api, alice: WalletIdentity, told: int
) -> None:
    with outages.replication_stopped():
        fund(alice, 1)
        fund(alice, 1)
        publish()
        late = acme.get("/events", query={"after": told}).json
        assert (late["items"], late["nextAfter"]) == ([], told)  # nothing is claimed to be over
        ahead = log.page(alice.client, after=told, limit=1, using=PRIMARY).next_after
        page = acme.get("/events", query={"after": ahead}).json
        assert [event["sequence"] for event in page["items"]] == [6]
    outages.catch_up()
    page = acme.get("/events", query={"after": late["nextAfter"]}).json
    assert [event["sequence"] for event in page["items"]] == [5, 6]


def test_without_its_primary_the_replica_answers_and_says_so(acme: Api, told: int) -> None:
    with outages.away(PRIMARY):
        page = acme.get("/events", query={"after": told - 1})
        beyond = acme.get("/events", query={"after": told + 5})
    assert [event["sequence"] for event in page.json["items"]] == [4]
    assert (beyond.status, beyond.json["items"]) == (200, [])
    assert beyond.json["nextAfter"] == told + 5  # never back to what was read
    assert "x-stale-as-of" in beyond.headers


def test_who_follows_the_replica_while_two_relays_mark_sees_every_event(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    """Readers on the replica, two relays and the write path, all at once."""
    done = threading.Event()
    seen: list[int] = []

    def relay_until_done() -> None:
        while not done.is_set():
            publish()
        connections[PRIMARY].close()

    def follow() -> None:
        after = 0
        while True:
            last = done.is_set()
            page = log.page(alice.client, after=after, limit=3, using=REPLICA)
            seen.extend(event.position for event in page.items)
            assert page.next_after >= after
            after = page.next_after
            if last and not page.has_more and not page.items:
                break
        connections[REPLICA].close()

    reader = threading.Thread(target=follow)
    relays = [threading.Thread(target=relay_until_done) for _ in range(2)]
    for thread in (reader, *relays):
        thread.start()
    for _ in range(60):
        fund(alice, 1)
        fund(bob, 1)
    while queries.pending_count():
        time.sleep(0.05)
    outages.catch_up()
    done.set()
    for thread in (reader, *relays):
        thread.join(30)

    everything = log.page(alice.client, after=0, limit=200, using=PRIMARY).items
    assert len(everything) == 122
    assert seen == [event.position for event in everything]
