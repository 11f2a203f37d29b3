"""Three kinds of clients: a crowd that moves money, a bank that only transfers, and holders.

The crowd deposits, withdraws, transfers and reads what it has written. The bank's wallets pay each
other, so what they hold together never changes. Holders set money aside, pay it out by the gateway
and have movements made afterwards.
"""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from tests.chaos.journal import Journal
from tests.e2e.services import Service
from tests.stress.faults.journal import Answer, Op, Outcome, amount_text, minor_of
from tests.stress.faults.load import PATIENCE_SECONDS, Caller

HOT: Final = 3
BANK_WALLETS: Final = 8
BANK_OPENING: Final = 10_000
CROWD_WALLETS: Final = 20
HOLDERS: Final = 6
OPENING: Final = 500_000
REST_SECONDS: Final = 0.05
PAUSE_SECONDS: Final = 0.3
"""After an answer that says nothing: whoever cannot be reached is not hammered."""


@dataclass(slots=True, eq=False)
class Ask(Op):
    """A command that is not about one plain movement: where it goes and what it says."""

    route: str = ""
    says: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the route below `/api/v1`."""
        return self.route

    def content(self) -> dict[str, Any]:
        """Return the request's body."""
        return self.says

    def headers(self) -> dict[str, str]:
        """Return the request's own headers."""
        return {"Idempotency-Key": self.key}


class Versions:
    """The highest version of each wallet that anybody was told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}

    def learn(self, wallet: str, version: int) -> None:
        """Remember a version, unless a higher one is known."""
        with self._lock:
            self._known[wallet] = max(version, self._known.get(wallet, 0))

    def of(self, wallet: str) -> int:
        """Return what is known of a wallet."""
        with self._lock:
            return self._known.get(wallet, 0)


@dataclass
class Clients(ABC):
    """Threads of one kind of client. Use it as a context; leaving it raises what went wrong."""

    service: Service
    journal: Journal
    wallets: Sequence[str]
    seed: str
    threads: int
    versions: Versions = field(default_factory=Versions)
    reads: Counter[str] = field(default_factory=Counter)
    """What was checked while things were broken, by name."""
    stop: threading.Event = field(default_factory=threading.Event)
    _working: list[Future[None]] = field(default_factory=list)

    def __enter__(self) -> Clients:
        pool = ThreadPoolExecutor(max_workers=self.threads)
        self._working = [pool.submit(self._work, number) for number in range(self.threads)]
        pool.shutdown(wait=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for one in self._working:
            one.result(4 * PATIENCE_SECONDS)

    def failed(self) -> bool:
        """Tell whether one of the threads has ended before its time."""
        return any(one.done() and one.exception() for one in self._working)

    def _work(self, number: int) -> None:
        dice = random.Random(f"{self.seed}-{number}")
        caller = Caller(self.service)
        while not self.stop.is_set():
            unknown = self.act(caller, dice)
            self.stop.wait(PAUSE_SECONDS if unknown else REST_SECONDS)

    @abstractmethod
    def act(self, caller: Caller, dice: random.Random) -> bool:
        """Do one thing; return whether its outcome is not known."""

    def send(self, caller: Caller, op: Op) -> Answer:
        """Carry out an op once and write down what came of it."""
        self.journal.invoke(op)
        answer = caller.carry_out(op)
        self.journal.conclude(op, answer)
        if op.outcome is Outcome.OK and "version" in (told := answer.json):
            self.versions.learn(op.wallet, told["version"])
        return answer

    def pick(self, dice: random.Random) -> str:
        """Choose a wallet, a hot one every second time."""
        return dice.choice(self.wallets[:HOT] if dice.random() < 0.5 else self.wallets)


class Crowd(Clients):
    """Deposits, withdraws, transfers, and reads its own writes."""

    def act(self, caller: Caller, dice: random.Random) -> bool:
        """Move money, or look at a balance that must not be older than what was told."""
        if dice.random() < 0.25:
            return self._read(caller, self.pick(dice))
        return self.send(caller, self._think_of(dice)).outcome is Outcome.INFO

    def _read(self, caller: Caller, wallet: str) -> bool:
        least = self.versions.of(wallet)
        path = f"/wallets/{wallet}/balance"
        answer = caller.send("GET", path, **{"X-Min-Version": str(least)})
        if answer.status == 200:
            told = answer.json
            self.journal.read(path, answer, least=least, version=told["version"])
            assert told["version"] >= least, f"I15: {wallet} went back to {told} after {least}"
            assert minor_of(told["balance"]) >= 0, f"I5: {told}"
            self.versions.learn(wallet, told["version"])
            self.reads["read-your-writes"] += 1
        else:
            self.journal.read(path, answer, least=least)
        return answer.outcome is Outcome.INFO

    def _think_of(self, dice: random.Random) -> Op:
        verb = dice.choice(("deposit", "withdraw", "transfer", "transfer"))
        wallet = self.pick(dice)
        op = Op(
            verb=verb,
            wallet=wallet,
            amount=dice.randint(1, 9_000),
            key=f"op-{uuid4()}",
            by_reference=dice.random() < 0.3,
        )
        if verb == "withdraw" and dice.random() < 0.1:
            op.amount = 100_000_000_000  # more than there is
        if verb == "transfer":
            op.destination = dice.choice([one for one in self.wallets if one != wallet])
        return op


class Bank(Clients):
    """Transfers small amounts between few wallets, and adds all of them up."""

    def act(self, caller: Caller, dice: random.Random) -> bool:
        """Transfer, or read what all wallets hold together."""
        if dice.random() < 0.4:
            return self._add_up(caller)
        source, destination = dice.sample(list(self.wallets), 2)
        amount = dice.randint(1, 500)
        op = Op("transfer", source, amount, key=f"bank-{uuid4()}", destination=destination)
        return self.send(caller, op).outcome is Outcome.INFO

    def _add_up(self, caller: Caller) -> bool:
        answer = caller.send("GET", "/trial-balance")
        if answer.status != 200:
            self.journal.read("/trial-balance", answer)
            return answer.outcome is Outcome.INFO
        found = answer.json
        lines = {one["code"]: minor_of(one["balance"].lstrip("-")) for one in found["accounts"]}
        self.journal.read("/trial-balance", answer, wallets=lines.get("wallets:USD"))
        differences = {one["difference"] for one in found["currencies"]}
        assert differences == {"0.00"}, f"I1: the books do not balance: {found}"
        total = len(self.wallets) * BANK_OPENING
        assert lines["wallets:USD"] == total, f"I14: {lines} in place of {total}"
        self.reads["bank-total"] += 1
        return False


class Holders(Clients):
    """Sets money aside and ends it, pays out, and has movements made afterwards."""

    def act(self, caller: Caller, dice: random.Random) -> bool:
        """Do one of the three; a hold is ended in the same breath if it is known."""
        kind = dice.choice(("hold", "payout", "operation"))
        wallet = self.pick(dice)
        amount = dice.randint(100, 2_000)
        if kind == "hold":
            return self._hold(caller, dice, wallet, amount)
        says: dict[str, Any] = {"walletId": wallet, "amount": amount_text(amount)}
        if kind == "payout":
            says["destination"] = {"iban": "DE02120300000000202051"}
            return self._ask(caller, "payout", wallet, amount, "/payouts", says)
        says["operationType"] = dice.choice(("DEPOSIT", "WITHDRAW"))
        verb = f"operation-{says['operationType'].lower()}"
        return self._ask(caller, verb, wallet, amount, "/wallet", says)

    def _ask(
        self,
        caller: Caller,
        verb: str,
        wallet: str,
        amount: int,
        route: str,
        says: dict[str, Any],
    ) -> bool:
        key = f"{verb}-{uuid4()}"
        op = Ask(verb, wallet, amount, key=key, route=route, says=says)
        return self.send(caller, op).outcome is Outcome.INFO

    def _hold(self, caller: Caller, dice: random.Random, wallet: str, amount: int) -> bool:
        op = Ask(
            "hold",
            wallet,
            amount,
            key=f"hold-{uuid4()}",
            route=f"/wallets/{wallet}/holds",
            says={"amount": amount_text(amount)},
        )
        answer = self.send(caller, op)
        if op.outcome is not Outcome.OK:
            return answer.outcome is Outcome.INFO
        route = f"/holds/{answer.json['holdId']}"
        if dice.random() < 0.5:
            return self._ask(caller, "void", wallet, amount, f"{route}/void", {})
        part = dice.randint(1, amount)
        says = {"amount": amount_text(part)}
        return self._ask(caller, "capture", wallet, part, f"{route}/capture", says)


def open_wallets(service: Service, journal: Journal, count: int, opening: int) -> list[str]:
    """Open wallets, and fund each by an op of the journal, before anything is broken."""
    caller = Caller(service)
    wallets: list[str] = []
    for _ in range(count):
        made = caller.send("POST", "/wallets", {"userId": "crowd"})
        assert made.status == 201, made
        wallets.append(str(made.json["id"]))
    for wallet in wallets:
        op = Op("deposit", wallet, opening, key=f"opening-{wallet}")
        journal.invoke(op)
        journal.conclude(op, caller.carry_out(op))
        assert op.outcome is Outcome.OK, op
    return wallets
