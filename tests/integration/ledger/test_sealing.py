"""Everything that has settled is sealed once, by however many sealers, in whatever steps."""

from __future__ import annotations

import json
import logging
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from events.models import OutboxEvent
from ledger import seal_verification, sealing, settled
from ledger.models import Account, JournalEntry, Posting, Seal
from ledger.sealed_rows import head_of
from tests import databases, tampering
from tests.people import asks, fund
from wallet_project.kit.ids import uuid7
from wallets import queries, seal_heads
from wallets.identity import WalletIdentity
from wallets.operations.transfer import transfer


@pytest.fixture(autouse=True)
def some_movements(alice: WalletIdentity, bob: WalletIdentity) -> None:
    for _ in range(9):
        fund(alice, 1000)
    transfer(source=alice, destination=bob, request=asks(500, wallet=alice, reference="für Bob"))


def seal(**options: Any) -> sealing.Outcome:
    """Seal all there is; in a test nothing else is under way."""
    chosen: dict[str, Any] = {"upto": settled.end_of_books(), "tell": lambda head: None}
    return sealing.seal(**(chosen | options))


def assert_all_is_sealed() -> None:
    """Every posting is in one seal, and the chain holds."""
    seals = list(Seal.objects.order_by("pk"))
    assert [one.number for one in seals] == list(range(1, len(seals) + 1))
    assert sum(one.postings for one in seals) == Posting.objects.count()
    assert [one.after for one in seals] == [0, *(one.upto for one in seals[:-1])]
    assert seal_verification.check().findings == []


def test_a_seal_says_what_it_covers() -> None:
    outcome = seal()

    (one,) = Seal.objects.all()
    assert (outcome.seals, outcome.postings) == (1, 20)
    assert (one.number, one.after, one.upto) == (1, 0, settled.end_of_books())
    assert (one.postings, one.entries) == (20, 10)
    assert one.totals == {"USD": {"credits": "9500", "debits": "9500"}}
    assert bytes(one.previous_hash) == bytes(32)
    assert_all_is_sealed()


def test_nothing_new_makes_no_seal() -> None:
    seal()

    assert seal().seals == 0
    assert Seal.objects.count() == 1


def test_what_has_not_settled_is_left_for_the_next_seal() -> None:
    middle = Posting.objects.order_by("pk").values_list("pk", flat=True)[10]

    seal(upto=middle)
    assert Seal.objects.get().postings == 11
    seal()

    assert [one.postings for one in Seal.objects.order_by("pk")] == [11, 9]
    assert_all_is_sealed()


@pytest.mark.parametrize("dice", range(8))
def test_any_steps_cover_the_same(dice: int, alice: WalletIdentity) -> None:
    """Sizes and marks by chance, with movements in between."""
    chance = random.Random(dice)
    for _ in range(4):
        end = settled.end_of_books()
        rounds = iter(range(chance.randint(0, 3)))
        seal(
            upto=chance.randint(0, end + 3),
            size=chance.randint(1, 9),
            enough=lambda left=rounds: next(left, None) is None,
        )
        fund(alice, chance.randint(1, 100))

    seal(size=chance.randint(1, 30))

    assert_all_is_sealed()


def test_the_head_goes_out_with_its_seal() -> None:
    seal(tell=seal_heads.tell, size=8)

    told = OutboxEvent.objects.filter(topic=settings.KAFKA_TOPIC_SEALS).order_by("pk")
    assert [json.loads(bytes(event.payload)) for event in told] == [
        head_of(one) for one in Seal.objects.order_by("pk")
    ]
    assert {event.type for event in told} == {"ledger.sealed.v1"}


def test_a_head_that_cannot_be_told_makes_no_seal() -> None:
    def fail(head: Any) -> None:
        raise RuntimeError("no outbox today")

    with pytest.raises(RuntimeError):
        seal(tell=fail)

    assert not Seal.objects.exists()


def test_two_sealers_at_once_make_one_chain() -> None:
    for _ in range(3):
        ready = threading.Barrier(3)

        def work(ready: threading.Barrier = ready) -> None:
            try:
                ready.wait()
                seal(size=1, tell=seal_heads.tell)
            finally:
                connections["default"].close()

        with ThreadPoolExecutor(3) as workers:
            for ended in [workers.submit(work) for _ in range(3)]:
                ended.result()

        assert Seal.objects.count() == 20
        assert_all_is_sealed()
        told = OutboxEvent.objects.filter(topic=settings.KAFKA_TOPIC_SEALS)
        assert told.count() == 20
        tampering.forget_seals()
        told.delete()


def test_a_sealer_killed_at_any_moment_leaves_whole_seals() -> None:
    program = (
        "import django; django.setup()\n"
        "import os, time\n"
        "from ledger import sealing, settled\n"
        "from wallets import seal_heads\n"
        "def tell(head):\n"
        "    seal_heads.tell(head)\n"
        "    if head['number'] == 4:\n"
        "        print('in the middle', flush=True); time.sleep(60)\n"
        "sealing.seal(upto=settled.end_of_books(), tell=tell, size=3)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=databases.environment(),
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    assert Seal.objects.count() == 3
    told = OutboxEvent.objects.filter(topic=settings.KAFKA_TOPIC_SEALS)
    assert told.count() == 3
    seal(tell=seal_heads.tell)

    assert told.count() == Seal.objects.count()
    assert_all_is_sealed()


class TestLateRow:
    """A posting turns up in a range that is sealed."""

    @pytest.fixture
    def late(self, alice: WalletIdentity) -> int:
        """Leave a gap in the ids as a transaction under way does; return an id in it."""
        gap = settled.end_of_books() + 5
        house = Account.objects.get(normal_side="debit").pk
        entry = JournalEntry.objects.order_by("pk")[0].pk
        moment = queries.primary_clock()
        Posting.objects.create(
            id=gap + 5, entry_id=entry, account_id=house, amount=0, posted_at=moment
        )
        seal(size=7)
        Posting.objects.create(
            id=gap, entry_id=uuid7(), account_id=house, amount=-1, posted_at=moment
        )
        return gap

    def test_is_listed_and_alarms(self, late: int, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.ERROR):
            outcome = seal()

        assert outcome.late == [late]
        assert outcome.is_alarming
        assert "ledger.late_postings" in [record.message for record in caplog.records]
        assert Seal.objects.latest("pk").late == [late]
        assert_all_is_sealed()
        assert seal_verification.check().late == [(Seal.objects.count(), late)]

    def test_is_reported_once(self, late: int) -> None:
        seal()

        assert seal().late == []

    def test_ends_the_command_with_2(self, late: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ledger.rollups.settled_upto", settled.end_of_books)
        out = StringIO()

        with pytest.raises(SystemExit) as end:
            call_command("seal_ledger", stdout=out, stderr=StringIO())

        assert end.value.code == 2
        assert f"1 postings came late: {late}\n" in out.getvalue()

    def test_before_it_is_sealed_the_proof_names_it(self, late: int) -> None:
        (first, *_, named) = seal_verification.check().findings

        assert first.seal == Seal.objects.count()
        assert named.detail == f"posting {late} was added, or changed"


class TestCommand:
    @pytest.fixture(autouse=True)
    def _settled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ledger.rollups.settled_upto", settled.end_of_books)

    def test_counts_on_a_dry_run(self) -> None:
        out = StringIO()

        call_command("seal_ledger", "--dry-run", stdout=out)

        assert out.getvalue() == "20 settled postings wait to be sealed.\n"
        assert not Seal.objects.exists()

    def test_seals_in_steps_and_prints_the_heads(self) -> None:
        out, err, heads = StringIO(), StringIO(), StringIO()

        call_command("seal_ledger", "--batch-size=8", "--json", stdout=out, stderr=err)
        call_command("seal_ledger", "--heads", "--since-seal=1", stdout=heads)

        assert json.loads(out.getvalue()) == {
            "seals": 3,
            "postings": 20,
            "late": [],
            "broken": [],
        }
        assert err.getvalue().startswith("seal 1: 8 postings up to ")
        assert [json.loads(line)["number"] for line in heads.getvalue().splitlines()] == [2, 3]


def test_missing_rows_alarm_and_sealing_goes_on(alice: WalletIdentity) -> None:
    seal()
    tampering.by_hand("DELETE FROM ledger_posting WHERE id = %(id)s", id=first_posting())
    fund(alice, 100)

    outcome = seal()

    assert outcome.broken == [1]
    assert outcome.seals == 1
    assert Seal.objects.latest("pk").late == []


def first_posting() -> int:
    return int(Posting.objects.order_by("pk").values_list("pk", flat=True)[0])
