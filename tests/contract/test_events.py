"""GET /events: a client's own events, by position, without a gap that anyone could miss."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction

from events import archive, contracts, marking, outbox
from events.models import EventCounter, OutboxEvent
from tests.http import Api
from tests.people import Company, fund
from tests.publishing import age, publish
from wallet_project.kit.clock import now
from wallets.identity import WalletIdentity


def walk(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Read pages until nothing more is there."""
    found: list[dict[str, Any]] = []
    while True:
        reply = api.get("/events", query=query)
        assert reply.status == 200, str(reply)
        found += reply.json["items"]
        assert reply.json["nextAfter"] >= query.get("after", 0)
        if not reply.json["hasMore"]:
            return found
        assert reply.json["nextAfter"] > query.get("after", 0)
        query["after"] = reply.json["nextAfter"]


def test_a_page_tells_each_event_as_the_topic_does(acme: Api, alice: WalletIdentity) -> None:
    made = acme.deposit("alice", "12.50", referenceId="dep-1").json
    assert acme.get("/events").json["items"] == []  # nothing is told before it is published
    publish()

    created, deposited = acme.get("/events").json["items"]
    row = OutboxEvent.objects.get(type=contracts.DEPOSITED)
    assert (created["type"], created["sequence"]) == (contracts.CREATED, 1)
    assert created["transactionId"] is None
    assert deposited == {
        "position": row.position,
        "id": str(row.event_id),
        "type": contracts.DEPOSITED,
        "walletId": str(alice.id),
        "sequence": 2,
        "time": deposited["data"]["occurredAt"],
        "transactionId": made["transactionId"],
        "data": deposited["data"],
    }
    assert deposited["data"]["amount"] == "12.50"
    assert deposited["data"]["referenceId"] == "dep-1"


def test_pages_follow_each_other_and_end(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    for _ in range(6):
        fund(alice, 1)
        fund(bob, 1)
    publish()

    found = walk(acme, limit=4)
    positions = [event["position"] for event in found]
    assert len(found) == 14
    assert positions == sorted(set(positions))
    last = acme.get("/events", query={"after": positions[-1]}).json
    assert last == {"items": [], "nextAfter": positions[-1], "hasMore": False}

    fund(alice, 1)
    publish()
    (new,) = walk(acme, after=positions[-1])
    assert (new["walletId"], new["sequence"]) == (str(alice.id), 8)


def test_only_the_clients_own(
    acme: Api, globex: Api, alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    fund(alice, 1)
    fund(charlie, 1)
    publish()

    assert {event["walletId"] for event in walk(acme, limit=1)} == {str(alice.id)}
    assert {event["walletId"] for event in walk(globex, limit=1)} == {str(charlie.id)}
    assert acme.get("/events", query={"walletId": str(charlie.id)}).status == 404


def test_filters(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> None:
    for _ in range(3):
        fund(alice, 1)
        fund(bob, 1)
    publish()

    assert len(walk(acme, type=contracts.DEPOSITED, limit=2)) == 6
    assert len(walk(acme, walletId="bob", limit=3)) == 4
    both = walk(acme, walletId="alice", type=contracts.CREATED, limit=1)
    assert [event["sequence"] for event in both] == [1]


def test_a_filter_that_fits_little_answers_in_parts_and_loses_nothing(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.log.LOOKED_AT_MAX", 3)
    for _ in range(10):
        fund(alice, 1)
    fund(bob, 1)
    publish()

    first = acme.get("/events", query={"walletId": "bob", "type": contracts.DEPOSITED}).json
    assert (first["items"], first["hasMore"]) == ([], True)
    (found,) = walk(acme, walletId="bob", type=contracts.DEPOSITED)
    assert found["walletId"] == str(bob.id)


@pytest.mark.parametrize(
    "query",
    [
        {"after": "-1"},
        {"after": "x"},
        {"after": ""},
        {"limit": "0"},
        {"limit": "201"},
        {"type": "wallet.robbed.v1"},
        {"cursor": "1"},
        {"after": "99999"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(acme: Api, alice: WalletIdentity, query: Any) -> None:
    assert acme.get("/events", query=query).status == 400


def test_commands_are_no_events(acme: Api, alice: WalletIdentity, client_acme: Company) -> None:
    message = outbox.NewMessage(
        settings.KAFKA_TOPIC_OPERATIONS, alice.id, client_acme.id, "operation", b"{}", now()
    )
    with transaction.atomic():
        outbox.record_messages([message])
    publish()
    assert [event["type"] for event in walk(acme, limit=1)] == [contracts.CREATED]


class TestArchived:
    """Events that are older than what is kept."""

    @pytest.fixture(autouse=True)
    def archived(self, alice: WalletIdentity) -> int:
        """Put Alice's first four events away; return their last position."""
        for _ in range(3):
            fund(alice, 1)
        publish()
        age(days=91)
        before = archive.cutoff(archive.OUTBOX)
        assert before is not None
        assert archive.move(archive.OUTBOX, before=before, batch_size=2).rows == 4
        fund(alice, 1)
        publish()
        return EventCounter.objects.get().last_position - 1

    def test_are_gone_and_the_answer_names_the_file(self, acme: Api, archived: int) -> None:
        for after in (0, archived - 1):
            reply = acme.get("/events", query={"after": after})
            assert (reply.status, reply.json["code"]) == (410, "events_archived")
            assert reply.json["archivedThrough"] == archived
            lines = archive.read(reply.json["archive"]).splitlines()
            assert any(f'"position":{after + 1},'.encode() in line for line in lines)

    def test_those_that_are_kept_follow(self, acme: Api, archived: int) -> None:
        (kept,) = walk(acme, after=archived)
        assert kept["sequence"] == 5
        assert walk(acme) == [kept]

    def test_a_client_to_whom_nothing_happens_is_never_told_that_it_missed_something(
        self, globex: Api, charlie: WalletIdentity, alice: WalletIdentity
    ) -> None:
        publish()
        read = globex.get("/events").json
        for _ in range(3):
            fund(alice, 1)
        publish()
        after = globex.get("/events", query={"after": read["nextAfter"]}).json["nextAfter"]
        age(days=91)
        before = archive.cutoff(archive.OUTBOX)
        assert before is not None
        archive.move(archive.OUTBOX, before=before)

        assert globex.get("/events", query={"after": after}).status == 200
        assert globex.get("/events", query={"after": read["nextAfter"]}).status == 410


@pytest.mark.full_stack
def test_a_position_that_commits_later_is_never_skipped(
    acme: Api, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    """Two relays mark at once: the second cannot become visible before the first."""
    import threading

    ids = list(OutboxEvent.objects.order_by("id").values_list("id", flat=True))
    first, second = ids[:1], ids[1:]
    marked = threading.Event()

    def mark_second() -> None:
        marking.mark_published(second)
        marked.set()
        connections["default"].close()

    other = threading.Thread(target=mark_second)
    with transaction.atomic():
        marking._mark(first)
        other.start()
        assert not marked.wait(0.5)  # it waits for the counter's row
        seen = _in_another_thread(lambda: acme.get("/events").json)
        assert (seen["items"], seen["nextAfter"]) == ([], 0)
    other.join()

    assert len(walk(acme, after=seen["nextAfter"])) == 2


def _in_another_thread(body: Any) -> Any:
    import threading

    found: list[Any] = []

    def run() -> None:
        found.append(body())
        connections["default"].close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]
