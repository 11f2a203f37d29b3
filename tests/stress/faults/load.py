"""Clients that move money for as long as a story lasts, and never guess what became of it."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from tests.e2e.services import Service
from tests.stress.faults import parts
from tests.stress.faults.journal import NO_ANSWER, Answer, Journal, Op, Outcome

PATIENCE_SECONDS: Final = 20.0
"""Longer than any answer may take, so that a late one is seen to be late."""
HOT: Final = 3
COLD: Final = 30
OPENING: Final = 50_000
PAUSE_SECONDS: Final = 0.1


class Caller:
    """One connection that is kept open, as a backend's HTTP client keeps it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._connection = http.client.HTTPConnection(
            urlsplit(service.base).netloc, timeout=PATIENCE_SECONDS
        )

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request below `/api/v1`, once; never raise for what the network does."""
        sent = {"Authorization": f"Bearer {self._service.key}"} | headers
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body)
        began = time.monotonic()
        try:
            self._connection.request(method, "/api/v1" + path, content, sent)
            got = self._connection.getresponse()
            found = got.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(NO_ANSWER, {}, b"", time.monotonic() - began, repr(error))
        told = {name.lower(): value for name, value in got.getheaders()}
        return Answer(got.status, told, found, time.monotonic() - began)

    def carry_out(self, op: Op) -> Answer:
        """Send an op; the same bytes every time."""
        return self.send("POST", op.path, op.content(), **op.headers())


@dataclass
class Load:
    """Threads of clients that deposit, withdraw, transfer and read. Use it as a context."""

    service: Service
    journal: Journal
    wallets: Sequence[str]
    """The first few are hot."""
    seed: int
    clients: int = 16
    rest_seconds: float = 0.0
    """What a client waits after each answer; 0 for as fast as it can."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _working: list[Future[None]] = field(default_factory=list)

    def __enter__(self) -> Load:
        threads = ThreadPoolExecutor(max_workers=self.clients)
        self._working = [threads.submit(self._work, number) for number in range(self.clients)]
        threads.shutdown(wait=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._working:
            one.result(2 * PATIENCE_SECONDS)  # raises what went wrong in a client

    def wait_for_more(self, movements: int) -> None:
        """Wait until so many movements more are acknowledged than are now."""
        goal = self.acknowledged() + movements
        parts.until(lambda: self.acknowledged() >= goal, what=f"{movements} movements", seconds=60)

    def acknowledged(self) -> int:
        """Return how many movements are acknowledged by now."""
        return len(self.journal.having(Outcome.OK))

    def _work(self, number: int) -> None:
        dice = random.Random(f"{self.seed}-{number}")
        caller = Caller(self.service)
        while not self._stop.is_set():
            if dice.random() < 0.15:
                answer = caller.send("GET", f"/wallets/{self._pick(dice)}/balance")
                self.journal.note(answer)
            else:
                op = self._think_of(dice)
                self.journal.invoke(op)
                answer = caller.carry_out(op)
                self.journal.conclude(op, answer)
            unknown = answer.outcome is Outcome.INFO
            self._stop.wait(PAUSE_SECONDS if unknown else self.rest_seconds)

    def _pick(self, dice: random.Random) -> str:
        return dice.choice(self.wallets[:HOT] if dice.random() < 0.5 else self.wallets)

    def _think_of(self, dice: random.Random) -> Op:
        verb = dice.choice(("deposit", "withdraw", "transfer", "transfer"))
        wallet = self._pick(dice)
        op = Op(
            verb=verb,
            wallet=wallet,
            # Now and then more than there is: a refusal is an outcome like any other.
            amount=dice.randint(1, 9_000) if dice.random() < 0.9 else 100_000_000,
            key=f"op-{uuid4()}",
            by_reference=dice.random() < 0.3,
        )
        if verb == "deposit":
            op.amount = min(op.amount, 9_000)
        if verb == "transfer":
            op.destination = dice.choice([one for one in self.wallets if one != wallet])
        return op


def open_wallets(service: Service, journal: Journal) -> list[str]:
    """Open hot and other wallets, and fund each by an op of the journal."""
    caller = Caller(service)
    wallets = []
    for _ in range(HOT + COLD):
        key = {"Idempotency-Key": str(uuid4())}
        made = caller.send("POST", "/wallets", {"userId": "crowd"}, **key)
        if made.status == NO_ANSWER:  # unknown: the same again, as a backend's client does
            made = caller.send("POST", "/wallets", {"userId": "crowd"}, **key)
        assert made.status == 201, made
        wallets.append(str(made.json["id"]))
    for wallet in wallets:
        op = Op("deposit", wallet, OPENING, key=f"opening-{wallet}")
        journal.invoke(op)
        journal.conclude(op, caller.carry_out(op))
    assert len(journal.having(Outcome.OK)) == len(wallets)
    return wallets


def resolve(service: Service, journal: Journal, *, seconds: float = 60.0) -> None:
    """Send every op that is not known again, with its key, until its outcome is definite."""
    caller = Caller(service)
    deadline = time.monotonic() + seconds
    while unknown := journal.having(Outcome.INFO):
        assert time.monotonic() < deadline, f"{len(unknown)} ops are still unknown"
        for op in unknown:
            answer = caller.carry_out(op)
            journal.conclude(op, answer)
            if answer.outcome is Outcome.INFO:
                time.sleep(PAUSE_SECONDS)
