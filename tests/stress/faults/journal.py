"""What every client did and was told: the only thing the checks believe besides the books."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

NO_ANSWER: Final = 0
_DEFINITE_ONLY_LATER: Final = frozenset({NO_ANSWER, 409, 429})


class Outcome(Enum):
    """What a client may conclude."""

    OPEN = "invoke"
    OK = "ok"
    """2xx: done, and durable."""
    FAIL = "fail"
    """A definite 4xx: no effect."""
    INFO = "info"
    """Time-out, reset, 5xx, or told to come back: not known until the key is sent again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request."""

    status: int
    """NO_ANSWER when the connection was refused, reset or silent."""
    headers: dict[str, str]
    body: bytes
    seconds: float
    why: str = ""
    """The error on the connection, where there was no answer."""

    @property
    def json(self) -> Any:
        """Return the body as JSON; numbers with a point stay text."""
        return json.loads(self.body, parse_float=str)

    @property
    def is_repeat(self) -> bool:
        """Tell whether the service says that it has answered this before."""
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def outcome(self) -> Outcome:
        """Tell what a client may conclude from it."""
        if 200 <= self.status < 300:
            return Outcome.OK
        if self.status in _DEFINITE_ONLY_LATER or self.status >= 500:
            return Outcome.INFO
        return Outcome.FAIL


@dataclass(slots=True, eq=False)
class Op:
    """One command, sent under one key until its outcome is definite."""

    verb: str
    wallet: str
    amount: int
    """Minor units."""
    key: str
    by_reference: bool = False
    """The key travels as `referenceId` in the body, without a header."""
    destination: str = ""
    invoked: float = 0.0
    ended: float = 0.0
    outcome: Outcome = Outcome.OPEN
    body: bytes = b""
    was_unknown: bool = False
    was_decided_untold: bool = False
    """An attempt took effect, or was refused, and its answer never arrived."""

    @property
    def path(self) -> str:
        """Return the route below `/api/v1`."""
        return f"/wallets/{self.wallet}/{self.verb}"

    def content(self) -> dict[str, str]:
        """Return the request's body."""
        found = {"amount": amount_text(self.amount)}
        if self.destination:
            found["destinationWalletId"] = self.destination
        if self.by_reference:
            found["referenceId"] = self.key
        return found

    def headers(self) -> dict[str, str]:
        """Return the request's own headers."""
        return {} if self.by_reference else {"Idempotency-Key": self.key}

    @property
    def told(self) -> dict[str, Any]:
        """Return the acknowledged answer."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Journal:
    """Every op and every answer of a story, also as lines in a file."""

    path: Path
    ops: list[Op] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, op: Op) -> None:
        """Write down, before it is sent, what is about to be asked."""
        op.invoked = time.monotonic()
        with self._lock:
            self.ops.append(op)
        self._write("invoke", op)

    def conclude(self, op: Op, answer: Answer) -> None:
        """Write down what a client concludes from an answer."""
        assert op.outcome in (Outcome.OPEN, Outcome.INFO), "A definite outcome never changes."
        op.was_decided_untold |= op.was_unknown and answer.is_repeat
        op.ended = time.monotonic()
        op.outcome, op.body = answer.outcome, answer.body
        op.was_unknown |= answer.outcome is Outcome.INFO
        self.note(answer)
        self._write(op.outcome.value, op, answer)

    def note(self, answer: Answer) -> None:
        """Remember an answer for its manners only, such as one to a read."""
        with self._lock:
            self.answers.append(answer)

    def having(self, outcome: Outcome) -> list[Op]:
        """Return the ops that stand at an outcome now."""
        return [op for op in self.ops if op.outcome is outcome]

    def once_unknown(self) -> list[Op]:
        """Return the ops that were not known at some time."""
        return [op for op in self.ops if op.was_unknown]

    def _write(self, word: str, op: Op, answer: Answer | None = None) -> None:
        told = ""
        if answer is not None:
            word += "-again" if answer.is_repeat else ""
            told = f" {answer.status} {answer.why or answer.body.decode()}"
        with self._lock, self.path.open("a") as file:
            file.write(
                f"{time.monotonic():.6f} {word} {op.key} {op.verb} {op.wallet}"
                f" {op.destination or '-'} {op.amount}{told}\n"
            )


def amount_text(minor: int) -> str:
    """Write minor units of a currency with two places as the API does."""
    return f"{minor // 100}.{minor % 100:02}"


def minor_of(text: str) -> int:
    """Read an amount of the API, which always has two places here."""
    whole, _, fraction = text.partition(".")
    assert len(fraction) == 2
    return int(whole) * 100 + int(fraction)
