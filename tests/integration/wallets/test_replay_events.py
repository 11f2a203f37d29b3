"""A new reader is told what happened before it came."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as real_settings
from django.core.management import CommandError, call_command

from events import archive, contracts, inbox_age, topics
from events.consumer import Consumer
from events.models import OutboxEvent
from tests import databases
from tests.http import Api
from tests.integration.events.reading import read_topic
from tests.people import Company, asks, fund
from tests.publishing import age, publish, signals_as_they_were
from wallet_project.kit.clock import now
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations import capture_hold, place_hold
from wallets.operations.place_hold import Expiry
from wallets.operations.transfer import transfer

__all__ = ["signals_as_they_were"]
pytestmark = pytest.mark.usefixtures("signals_as_they_were")

READERS = {"mail": Consumer("mail", (real_settings.KAFKA_TOPIC_FACTS,), lambda _: None)}


@pytest.fixture
def topic(settings: Any, tmp_path: Path) -> str:
    """A name for a topic; what is sent there stands in a file."""
    settings.KAFKA_BOOTSTRAP_SERVERS = []
    settings.WALLET_HOME = tmp_path
    return "analytics"


@pytest.fixture
def history(alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity) -> None:
    """Three wallets, eleven events; Charlie is another client's."""
    fund(alice, 1000)
    for _ in range(3):
        transfer(source=alice, destination=bob, request=asks(100, wallet=alice, reference="r"))
    fund(charlie, 5)
    publish()


def replay(*args: Any, expect: int = 0) -> dict[str, Any]:
    out = StringIO()
    code = 0
    try:
        call_command("replay_events", *map(str, args), "--json", stdout=out, stderr=StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == expect
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def told(folder: Path, topic: str = "analytics") -> list[dict[str, Any]]:
    file = folder / f"{topic}.jsonl"
    return [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def kept() -> dict[str, dict[str, Any]]:
    """Return what the outbox says of each event, by its id."""
    return {str(row.event_id): json.loads(bytes(row.payload)) for row in OutboxEvent.objects.all()}


def put_away(before: int | None = None) -> None:
    """Archive all that is published, or the first events of each wallet."""
    age(days=91)
    if before is not None:
        young = OutboxEvent.objects.filter(sequence__gte=before)
        young.update(published_at=now())
        # As the archive goes by position: those that stay come last.
        for place, row in enumerate(young.order_by("position"), start=1_000):
            OutboxEvent.objects.filter(pk=row.pk).update(position=place)
    cutoff = archive.cutoff(archive.OUTBOX)
    assert cutoff is not None
    archive.move(archive.OUTBOX, before=cutoff)


def by_wallet(events: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in events:
        found.setdefault(event["partitionkey"], []).append(event["data"]["sequence"])
    return found


def test_everything_is_told_as_it_was_and_in_order(
    history: None, topic: str, tmp_path: Path, alice: WalletIdentity
) -> None:
    numbers = replay("--topic", topic, "--batch-size", 3)

    events = told(tmp_path)
    assert {event["id"]: event["data"] for event in events} == kept()
    assert by_wallet(events)[str(alice.id)] == [1, 2, 3, 4, 5]
    assert {event["topic"] for event in events} == {topic}
    assert (numbers["events"], numbers["wallets"], numbers["missing"]) == (11, 3, 0)
    assert numbers["types"][contracts.CREATED] == 3
    assert "rebuilt" not in events[0]


def test_what_is_archived_is_rebuilt_from_the_books(
    history: None, topic: str, tmp_path: Path, alice: WalletIdentity
) -> None:
    before = kept()
    put_away(before=4)
    still = kept()
    assert 0 < len(still) < len(before)

    numbers = replay("--topic", topic)
    events = told(tmp_path)
    assert numbers["rebuilt"] == len(before) - len(still)
    assert numbers["missing"] == 0

    facts = {(fact["walletId"], fact["sequence"]): fact for fact in before.values()}
    assert len(events) == len(facts)
    for event in events:
        assert event["data"] == facts[event["partitionkey"], event["data"]["sequence"]]
        assert (event["id"] in still) is (event.get("rebuilt") is None)
        assert event.get("subject") == event["data"].get("transactionId")
    assert by_wallet(events)[str(alice.id)] == [1, 2, 3, 4, 5]

    again = "again"
    replay("--topic", again)
    assert [event["id"] for event in told(tmp_path, again)] == [event["id"] for event in events]


def test_a_captured_hold_is_rebuilt_with_its_hold(
    topic: str, tmp_path: Path, alice: WalletIdentity
) -> None:
    fund(alice, 1000)
    request = asks(300, wallet=alice)
    hold = place_hold.place_hold(wallet=alice, request=request, expiry=Expiry())
    capture = asks(200, wallet=alice)
    capture_hold.capture_hold(hold=hold, wallet=alice, request=capture)
    publish()
    before = {fact["sequence"]: fact for fact in kept().values()}
    put_away()

    numbers = replay("--topic", topic, expect=2)

    assert numbers["missing"] == 1  # that it was placed
    rebuilt = told(tmp_path)[-1]
    assert rebuilt["type"] == contracts.CAPTURED
    assert rebuilt["data"] == before[4]
    assert (rebuilt["data"]["holdId"], rebuilt["data"]["released"]) == (str(hold.id), "1.00")
    contracts.decode(rebuilt["type"], json.dumps(rebuilt["data"]).encode())


def test_facts_without_a_trace_in_the_books_are_counted(
    topic: str, tmp_path: Path, alice: WalletIdentity, client_acme: Company
) -> None:
    acme = Api(client_acme.key)
    assert acme.post("/wallets/alice/freeze", {}).status == 200
    assert acme.post("/wallets/alice/unfreeze", {}).status == 200
    fund(alice, 1)
    assert acme.patch("/wallets/alice", {"metadata": {"a": 1}}).status == 200
    publish()
    put_away()

    numbers = replay("--topic", topic, expect=2)
    assert (numbers["events"], numbers["rebuilt"], numbers["missing"]) == (2, 2, 3)
    assert by_wallet(told(tmp_path)) == {str(alice.id): [1, 4]}


def test_a_dry_run_sends_nothing(history: None, topic: str, tmp_path: Path) -> None:
    assert replay("--topic", topic, "--dry-run")["events"] == 11
    assert replay("--dry-run")["events"] == 11
    assert told(tmp_path) == []


def test_filters(
    history: None, topic: str, tmp_path: Path, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    assert replay("--dry-run", "--client", "acme")["events"] == 9
    assert replay("--dry-run", "--wallet", bob.id)["events"] == 4
    only = replay("--dry-run", "--type", contracts.DEPOSITED, "--type", contracts.CREATED)
    assert only["types"] == {contracts.CREATED: 3, contracts.DEPOSITED: 2}
    moment = OutboxEvent.objects.get(stream=alice.id, sequence=3).occurred_at
    earlier = replay("--dry-run", "--to", moment.isoformat())["events"]
    later = replay("--dry-run", "--from", moment.isoformat())["events"]
    assert earlier + later == 11
    assert min(earlier, later) > 0
    assert replay("--dry-run", "--from", (now() + timedelta(days=1)).isoformat())["events"] == 0


def test_a_run_that_ended_early_goes_on_where_it_was(
    history: None, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from events import replay_target

    send = replay_target.send

    def terminated(*args: Any) -> None:
        send(*args)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(replay_target, "send", terminated)
    first = replay("--topic", topic, "--batch-size", 4)
    assert len(told(tmp_path)) == 4
    monkeypatch.setattr(replay_target, "send", send)
    second = replay("--topic", topic, "--batch-size", 4, "--resume-from", first["resumeFrom"])

    assert second["events"] == 7
    assert second["resumeFrom"] is None
    assert {event["id"] for event in told(tmp_path)} == set(kept())
    assert len(told(tmp_path)) == 11


class TestRefused:
    """Topics whose readers do not know that they are told again."""

    def refused(self, *args: Any) -> str:
        with pytest.raises(CommandError) as refusal:
            call_command("replay_events", *map(str, args), stdout=StringIO(), stderr=StringIO())
        return str(refusal.value)

    def test_the_main_topic_unless_forced(self, history: None, topic: str, tmp_path: Path) -> None:
        main = real_settings.KAFKA_TOPIC_FACTS
        assert "main topic" in self.refused("--topic", main)
        assert told(tmp_path, main) == []
        replay("--topic", main, "--force-main-topic")
        assert len(told(tmp_path, main)) == 11

    @pytest.mark.parametrize("name", ["KAFKA_TOPIC_OPERATIONS", "KAFKA_TOPIC_DEAD_LETTERS"])
    def test_topics_of_another_kind(self, history: None, topic: str, name: str) -> None:
        one = getattr(real_settings, name)
        assert "no topic for facts" in self.refused("--topic", one, "--force-main-topic")

    def test_readers_who_have_forgotten(
        self,
        history: None,
        topic: str,
        tmp_path: Path,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        main = settings.KAFKA_TOPIC_FACTS
        settings.EVENT_CONSUMERS = f"{__name__}.READERS"
        monkeypatch.setattr(inbox_age, "kept_days", lambda _: 7)
        forced = ("--topic", main, "--force-main-topic")
        long_ago = (now() - timedelta(days=31)).isoformat()
        assert "mail read" in self.refused(*forced)
        assert "remember 30 days" in self.refused(*forced, "--from", long_ago)
        assert told(tmp_path, main) == []
        replay(*forced, "--from", (now() - timedelta(days=29)).isoformat())

    def test_rebuilt_events_never_come_to_the_main_topic(
        self, history: None, topic: str, tmp_path: Path
    ) -> None:
        put_away()
        main = real_settings.KAFKA_TOPIC_FACTS
        assert "another id" in self.refused("--topic", main, "--force-main-topic")
        assert told(tmp_path, main) == []

    @pytest.mark.parametrize(
        "args",
        [
            (),
            ("--topic", "no blanks"),
            ("--dry-run", "--from", "soon"),
            ("--dry-run", "--wallet", "alice"),
            ("--dry-run", "--client", "nobody"),
            ("--dry-run", "--resume-from", "x:1"),
        ],
        ids=str,
    )
    def test_what_it_cannot_read(self, database: None, topic: str, args: Any) -> None:
        assert self.refused(*args)


@pytest.mark.full_stack
def test_through_kafka_in_a_process_of_its_own(history: None, alice: WalletIdentity) -> None:
    name = f"test-{uuid4()}"
    wallets = set(Wallet.objects.values_list("pk", flat=True))
    done = subprocess.run(
        [sys.executable, "manage.py", "replay_events", "--topic", name, "--json"],
        env=databases.environment(),
        cwd=real_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"] == 11
    assert "11 events, resume with" in done.stderr

    seen: dict[UUID, list[int]] = {}
    for one in read_topic(name):
        seen.setdefault(UUID(one.key.decode()), []).append(json.loads(one.value)["sequence"])
    assert seen[alice.id] == [1, 2, 3, 4, 5]
    assert set(seen) == wallets
    assert topics.like_ours(name, days=0).config["retention.ms"] == "-1"
