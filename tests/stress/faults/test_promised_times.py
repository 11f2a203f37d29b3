"""A part is stopped and comes back: what callers can do meanwhile, and how soon all is well again.

The numbers are promises (docs/reliability.md, "Promised times"). They are held against the clock,
so these stories run alone.
"""

from __future__ import annotations

import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from deploy.stack import layout
from tests.stress.faults import checks, parts
from tests.stress.faults.conftest import Stage
from tests.stress.faults.journal import NO_ANSWER, Answer
from tests.stress.faults.load import Caller, Load
from tests.stress.faults.tour import Tour

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

READ_ONLY_SECONDS = 5.0
"""After the loss of the primary: writes are refused at once, reads go on."""
REFUSED_SECONDS = 1.0
"""What a write's refusal takes then."""
WRITES_BACK_SECONDS = 30.0
DRAINED_SECONDS = 30.0
WITHOUT_REDIS_SECONDS = 0.2
HEALTH_SECONDS = 1.0
ASKED = 60
CALM = 8
"""Clients that move money; ten times as many are the storm."""
LISTERS = 12
LISTS = ("/wallets", "/trial-balance", "/wallets?limit=200")
STORM_SECONDS = 4.0


@contextmanager
def without(part: str) -> Iterator[None]:
    """Take a part away for as long as the block lasts."""
    parts.kill(part)
    try:
        yield
    finally:
        parts.start(part)


@pytest.mark.parametrize("part", [layout.REDIS, layout.KAFKA, layout.REPLICA])
def test_all_flows_of_the_core_pass_without_a_part(stage: Stage, part: str) -> None:
    with without(part):
        Tour(stage.service).go()
    Tour(stage.service).go()
    stage.wait_until_well()
    stage.wait_until_published(seconds=DRAINED_SECONDS)
    stage.settle()


def test_without_redis_every_event_still_arrives_and_answers_take_no_longer_than_promised(
    stage: Stage,
) -> None:
    caller, wallet = Caller(stage.service), stage.wallets[0]
    with without(layout.REDIS):
        Tour(stage.service).go()
        stage.wait_until_published(seconds=DRAINED_SECONDS)
        asked = [caller.send("GET", f"/wallets/{wallet}/balance") for _ in range(ASKED)]
    assert {answer.status for answer in asked} == {200}
    # The median: what one of them waited for may be this machine.
    assert statistics.median(answer.seconds for answer in asked) < WITHOUT_REDIS_SECONDS
    stage.settle()


def test_without_the_primary_there_is_a_read_only_service_in_time_and_then_a_whole_one(
    stage: Stage,
) -> None:
    stage.wait_until_replicated(stage.read_books())
    wallet = stage.wallets[0]
    reader, writer = Caller(stage.service), Caller(stage.service)

    def write() -> Answer:
        return writer.send("POST", f"/wallets/{wallet}/deposit", {"amount": "1.00"}, **_key())

    parts.kill(layout.PRIMARY)
    lost = time.monotonic()
    try:
        _until(lambda: _code(write()) == "read_only", lost + READ_ONLY_SECONDS)
        refused = [write() for _ in range(20)]
        read = [reader.send("GET", f"/wallets/{one}/balance") for one in stage.wallets[:20]]
        lines = reader.send("GET", f"/wallets/{wallet}/transactions")
    finally:
        parts.start(layout.PRIMARY)
    came_back = time.monotonic()
    assert {_code(answer) for answer in refused} == {"read_only"}
    assert max(answer.seconds for answer in refused) < REFUSED_SECONDS
    checks.every_answer_kept_its_manners(refused)
    assert {answer.status for answer in read} == {200}, read
    assert lines.status == 200, lines
    _until(lambda: write().status == 201, came_back + WRITES_BACK_SECONDS)
    Tour(stage.service).go()
    stage.wait_until_well()


def test_ten_times_the_load_is_turned_away_politely_while_money_moves_and_health_answers(
    stage: Stage,
) -> None:
    with stage.load(clients=CALM) as load:
        load.wait_for_more(50)
        calm = _moved(load)
    with Watch(stage) as watch, stage.load(clients=10 * CALM) as load, _lists(stage) as lists:
        stormy = _moved(load)

    assert stormy >= calm / 2, "The storm took the money's share, too."
    assert {one.status for one in stage.journal.answers} <= {200, 201, 422, 429, 503}
    assert {one.status for one in lists} <= {200, 429, 503}
    assert any(one.status == 200 for one in lists)
    checks.every_answer_kept_its_manners(lists)
    assert len(watch.seconds) >= 10
    assert statistics.median(watch.seconds) < HEALTH_SECONDS
    stage.wait_until_well()
    stage.settle()
    checks.something_happened(stage.journal, ops=300)


@dataclass
class Watch:
    """Asks the service five times a second whether it lives, for as long as the block lasts."""

    stage: Stage
    seconds: list[float] = field(default_factory=list)
    """What each answer took."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _failures: list[OSError] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self._failures == []

    def _ask(self) -> None:
        while not self._stop.wait(0.2):
            began = time.monotonic()
            try:
                with urllib.request.urlopen(self.stage.service.base + "/health/live", timeout=10):
                    self.seconds.append(time.monotonic() - began)
            except OSError as error:
                self._failures.append(error)


@contextmanager
def _lists(stage: Stage) -> Iterator[list[Answer]]:
    """Ask for what matters least, as fast as it comes, for as long as the block lasts."""
    stop = threading.Event()
    answers: list[Answer] = []

    def ask(path: str) -> None:
        caller = Caller(stage.service)
        while not stop.is_set():
            answer = caller.send("GET", path)
            if answer.status != NO_ANSWER:  # a connection that the service had closed
                answers.append(answer)

    with ThreadPoolExecutor(LISTERS) as pool:
        asking = [pool.submit(ask, LISTS[number % len(LISTS)]) for number in range(LISTERS)]
        try:
            yield answers
        finally:
            stop.set()
        for one in asking:
            one.result()


def _moved(load: Load, seconds: float = STORM_SECONDS) -> int:
    """Return how many movements were acknowledged in so long a time."""
    before = load.acknowledged()
    time.sleep(seconds)
    return load.acknowledged() - before


def _key() -> dict[str, str]:
    return {"Idempotency-Key": f"once-{uuid4()}"}


def _code(answer: Answer) -> str:
    return str(answer.json["code"]) if answer.status == 503 else ""


def _until(look: Callable[[], bool], deadline: float) -> None:
    while not look():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)
