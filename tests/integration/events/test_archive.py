"""Old rows leave the database for files, and none is lost on the way."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import F

from events import archive, inbox_age, tasks
from events.consumer import Consumer
from events.errors import ArchiveNotReadable
from events.models import ArchivedFile, ConsumedEvent, OutboxEvent, OutboxStatus
from tests import databases
from tests.archives import folder, lines
from tests.people import fund
from tests.publishing import age, publish, signals_as_they_were
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallets import verification
from wallets.identity import WalletIdentity

__all__ = ["folder", "signals_as_they_were"]


def move(batch_size: int = 100, **more: Any) -> archive.Moved:
    before = archive.cutoff(archive.OUTBOX)
    assert before is not None
    return archive.move(archive.OUTBOX, before=before, batch_size=batch_size, **more)


def rows() -> list[dict[str, Any]]:
    return [dict(row) for row in OutboxEvent.objects.order_by("position").values()]


@pytest.fixture
def old_events(alice: WalletIdentity) -> list[dict[str, Any]]:
    """Seven events of Alice's, published 91 days ago, and one that was published now."""
    for _ in range(6):
        fund(alice, 100)
    publish()
    age(days=91)
    old = rows()
    fund(alice, 100)
    publish()
    return old


def test_old_rows_stand_in_the_file_and_no_longer_in_the_table(
    old_events: list[dict[str, Any]], folder: Path
) -> None:
    moved = move(batch_size=3)

    assert (moved.rows, moved.files) == (7, 3)
    (young,) = rows()
    assert young["sequence"] == 8
    found = lines(folder)
    assert [line["position"] for line in found] == [row["position"] for row in old_events]
    for line, row in zip(found, old_events, strict=True):
        assert line["payload"].encode() == bytes(row["payload"])
        assert line["event_id"] == str(row["event_id"])
    assert set(found[0]) == {field.attname for field in OutboxEvent._meta.concrete_fields}


def test_each_file_is_noted_with_its_hash(old_events: list[dict[str, Any]], folder: Path) -> None:
    move(batch_size=4)

    first, second = ArchivedFile.objects.order_by("last_position")
    assert (first.row_count, second.row_count) == (4, 3)
    assert (first.fact_count, second.fact_count) == (4, 3)
    assert second.last_position == old_events[-1]["position"]
    assert first.sha256 == hashlib.sha256(archive.read(first.name)).hexdigest()
    assert (folder / first.name).stat().st_mode & 0o777 == 0o640


def test_what_waits_is_never_archived(old_events: list[dict[str, Any]], folder: Path) -> None:
    waiting = OutboxEvent.objects.filter(sequence__gt=4)
    waiting.update(status=OutboxStatus.HELD, position=None, published_at=None)

    assert move().rows == 4
    assert [row["sequence"] for row in OutboxEvent.objects.order_by("id").values()] == [5, 6, 7, 8]


def test_a_crash_between_writing_and_removing_leaves_one_file_and_every_row(
    old_events: list[dict[str, Any]], folder: Path
) -> None:
    with (
        mock.patch.object(archive, "_remove", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        move()
    assert rows()[:7] == old_events
    assert not ArchivedFile.objects.exists()
    assert len(lines(folder)) == 7

    assert move().rows == 7
    assert len(lines(folder)) == 7  # the same file served
    assert len(rows()) == 1


@pytest.mark.full_stack
def test_a_process_killed_before_it_removes_leaves_every_row(
    old_events: list[dict[str, Any]], folder: Path
) -> None:
    killed = (
        "import os, django; django.setup()\n"
        "from events import archive\n"
        "archive._remove = lambda *_: os.kill(os.getpid(), 9)\n"
        "archive.move(archive.OUTBOX, before=archive.cutoff(archive.OUTBOX))\n"
    )
    environment = databases.environment() | {"ARCHIVE_FOLDER": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", killed], env=environment, cwd=settings.BASE_DIR, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert rows()[:7] == old_events
    assert len(lines(folder)) == 7

    assert move().rows == 7
    assert len(lines(folder)) == 7


def test_a_torn_file_is_not_trusted(old_events: list[dict[str, Any]], folder: Path) -> None:
    with (
        mock.patch.object(archive, "_remove", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        move()
    (torn,) = folder.rglob("*.gz")
    torn.write_bytes(torn.read_bytes()[:50])

    assert move().rows == 7
    (noted,) = ArchivedFile.objects.all()
    assert noted.name != str(torn.relative_to(folder))
    assert archive.read(noted.name).count(b"\n") == 7


def test_rows_stay_when_the_file_cannot_be_read_back(
    old_events: list[dict[str, Any]], folder: Path
) -> None:
    with (
        mock.patch.object(archive, "read", return_value=b"{}\n" * 7),
        pytest.raises(ArchiveNotReadable),
    ):
        move()
    assert rows()[:7] == old_events
    assert not ArchivedFile.objects.exists()


def test_rows_stay_when_the_folder_cannot_be_written(
    old_events: list[dict[str, Any]], folder: Path
) -> None:
    (folder / "outbox").write_text("a file where a folder should be")
    with pytest.raises(OSError):
        move()
    assert rows()[:7] == old_events


def test_rows_that_changed_meanwhile_stay(old_events: list[dict[str, Any]], folder: Path) -> None:
    write = archive._write

    def meanwhile(name: str, content: bytes) -> str:
        OutboxEvent.objects.filter(sequence=3).update(status=OutboxStatus.QUARANTINED)
        return write(name, content)

    with mock.patch.object(archive, "_write", side_effect=meanwhile):
        archive.move(
            archive.OUTBOX, before=now() - timedelta(days=90), enough=iter([False, True]).__next__
        )
    assert len(rows()) == 8
    assert not ArchivedFile.objects.exists()


@pytest.mark.full_stack
def test_two_at_once_lose_nothing_and_count_nothing_twice(
    alice: WalletIdentity, folder: Path
) -> None:
    for _ in range(60):
        fund(alice, 1)
    publish()
    age(days=91)
    old = rows()

    def run() -> None:
        move(batch_size=7)
        connections["default"].close()

    runners = [threading.Thread(target=run) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    move(batch_size=7)

    assert rows() == []
    noted = [
        json.loads(line)["position"]
        for file in ArchivedFile.objects.order_by("last_position")
        for line in archive.read(file.name).splitlines()
    ]
    assert noted == [row["position"] for row in old]


def test_the_proof_of_the_ledger_counts_what_is_archived(
    old_events: list[dict[str, Any]], bob: WalletIdentity, folder: Path
) -> None:
    fund(bob, 1)
    move(batch_size=3)
    assert verification.verify().findings == []

    OutboxEvent.objects.filter(stream=bob.id, sequence=1).delete()
    (finding,) = verification.verify().findings
    assert (finding.invariant, finding.subject) == ("I8", "archive")


def test_a_gap_behind_the_archive_is_found(
    old_events: list[dict[str, Any]], alice: WalletIdentity, folder: Path
) -> None:
    move()
    fund(alice, 1)
    fund(alice, 1)
    OutboxEvent.objects.filter(stream=alice.id, sequence=9).delete()
    found = verification.verify().findings
    assert {finding.invariant for finding in found} >= {"I6", "I8"}


class TestInbox:
    """What consumers have seen."""

    @pytest.fixture(autouse=True)
    def consumers(self, database: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "KAFKA_BOOTSTRAP_SERVERS", ["k:9092"])
        made = {
            "facts": Consumer("facts", (settings.KAFKA_TOPIC_FACTS,), lambda _: None),
            "letters": Consumer("letters", (settings.KAFKA_TOPIC_DEAD_LETTERS,), lambda _: None),
            "both": Consumer(
                "both",
                (settings.KAFKA_TOPIC_FACTS, settings.KAFKA_TOPIC_DEAD_LETTERS),
                lambda _: None,
            ),
        }
        monkeypatch.setattr(inbox_age, "consumers", lambda: made)
        for name in made:
            for days in (31, 29):
                ConsumedEvent.objects.create(
                    consumer=name, event_id=uuid7(), consumed_at=now() - timedelta(days=days)
                )

    def _left(self) -> dict[str, int]:
        names = list(ConsumedEvent.objects.values_list("consumer", flat=True))
        return {name: names.count(name) for name in set(names)}

    def test_forgets_only_where_every_topic_has_forgotten(self, folder: Path) -> None:
        tasks.archive_rows()
        assert self._left() == {"facts": 2, "letters": 1, "both": 2}
        (line,) = lines(folder)
        assert line["consumer"] == "letters"

    def test_forgets_facts_too_when_the_topic_does(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "KAFKA_FACTS_KEPT_DAYS", 14)
        tasks.archive_rows()
        assert self._left() == {"facts": 1, "letters": 1, "both": 1}


@pytest.mark.usefixtures("signals_as_they_were")
class TestCommand:
    """manage.py archive"""

    def run(self, *args: str) -> dict[str, Any]:
        out = StringIO()
        call_command("archive", *args, "--json", stdout=out, stderr=StringIO())
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    def test_a_dry_run_counts_and_moves_nothing(
        self, old_events: list[dict[str, Any]], folder: Path
    ) -> None:
        assert self.run("outbox", "--dry-run") == {"outbox": {"due": 7}}
        assert rows()[:7] == old_events
        assert lines(folder) == []

    def test_moves_in_batches(self, old_events: list[dict[str, Any]], folder: Path) -> None:
        assert self.run("outbox", "--batch-size", "5") == {"outbox": {"rows": 7, "files": 2}}
        assert self.run("outbox") == {"outbox": {"rows": 0, "files": 0}}

    def test_sigterm_finishes_the_batch_in_hand(
        self, old_events: list[dict[str, Any]], folder: Path
    ) -> None:
        write = archive._write

        def terminated(name: str, content: bytes) -> str:
            os.kill(os.getpid(), signal.SIGTERM)
            return write(name, content)

        with mock.patch.object(archive, "_write", side_effect=terminated):
            assert self.run("outbox", "--batch-size", "3") == {"outbox": {"rows": 3, "files": 1}}
        assert len(rows()) == 5
        assert self.run("outbox") == {"outbox": {"rows": 4, "files": 1}}

    def test_an_earlier_moment_moves_less(
        self, old_events: list[dict[str, Any]], folder: Path
    ) -> None:
        oldest = OutboxEvent.objects.filter(sequence__lt=3)
        oldest.update(published_at=F("published_at") - timedelta(days=10))
        day = (now() - timedelta(days=95)).date().isoformat()
        assert self.run("outbox", "--before", day)["outbox"]["rows"] == 2

    @pytest.mark.parametrize("args", [("nonsense",), ("outbox", "--before", "soon")])
    def test_what_it_cannot_read_it_refuses(self, database: None, args: tuple[str, ...]) -> None:
        with pytest.raises(CommandError):
            self.run(*args)

    def test_rows_still_to_be_kept_stay(
        self, old_events: list[dict[str, Any]], folder: Path
    ) -> None:
        with pytest.raises(CommandError, match="kept 90 days"):
            self.run("outbox", "--before", now().isoformat())
        assert rows()[:7] == old_events
