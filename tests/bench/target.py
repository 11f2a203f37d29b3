"""A service under test: where it is, how it is spoken to, what can be seen of it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import messages, open_loop, processes, storage
from tests.bench.adapter import Adapter
from tests.bench.instance import Instance
from tests.bench.loads import FUNDS, Scene
from tests.bench.messages import Address
from tests.bench.processes import Role


class Unusable(Exception):
    """The service does not even make wallets."""


@dataclass
class Reading:
    """What processes had used and files had grown to at one moment."""

    cpu: Mapping[str, float]
    stored: storage.Bytes
    recorded: int


@dataclass
class Target:
    """A service under test; `instance` is None when somebody else runs it."""

    name: str
    adapter: Adapter
    address: Address
    roles: Sequence[Role]
    instance: Instance | None = None
    wallets: list[str] = field(default_factory=list)
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def marks(self) -> list[str]:
        """Return what tells its processes from others of the same kind."""
        return self.instance.marks if self.instance else []

    def scene(self, seed: int) -> Scene:
        """Make what a load is made from."""
        return Scene(self.adapter, self.wallets, random.Random(seed), self.since)

    def make_wallets(self, count: int) -> None:
        """Open wallets and put money into each, by the service's own calls.

        :raises Unusable: when it refuses.
        """
        run = secrets.token_hex(6)
        made = self._collect(
            [self.adapter.create_wallet(number, f"{run}-w{number}") for number in range(count)],
            self.adapter.EXPECTED["create_wallet"],
        )
        self.wallets = [self.adapter.read_id(body) for body in made]
        self._collect(
            [self.adapter.deposit(w, FUNDS, f"{run}-f{w}") for w in self.wallets],
            self.adapter.EXPECTED["deposit"],
        )
        self.since = datetime.now(UTC)

    def _collect(self, requests: Sequence[messages.Request], expected: int) -> list[bytes]:
        encoded = (messages.encode(request, self.address) for request in requests)
        answers = open_loop.collect(self.address, encoded)
        for status, body in answers:
            if status != expected:
                raise Unusable(
                    f"{self.name} answered {status} instead of {expected}: {body[:300]!r}"
                )
        return [body for _, body in answers]

    def pids(self) -> dict[str, list[int]]:
        """Find its processes."""
        return processes.find(self.roles, self.marks)

    def read(self, pids: Mapping[str, Sequence[int]]) -> Reading:
        """Take the readings of a moment."""
        stored, recorded = storage.Bytes(0, 0), 0
        if self.instance is not None:
            home = Path(self.instance.environment["STACK_HOME"])
            stored = storage.sizes(home, self.instance.database)
            recorded = self.instance.recorded()
        return Reading(processes.cpu_by_role(pids), stored, recorded)

    def settle(self) -> float:
        """Wait until what the load left behind is done."""
        return self.instance.settle() if self.instance else 0.0

    def verify(self) -> str | None:
        """Prove the books; return what is wrong, nothing, or None when nobody can look."""
        if self.instance is not None:
            return self.instance.verify()
        own = getattr(self.adapter, "verify", None)
        return str(own()) if own is not None else None

    def memory(self) -> dict[str, list[dict[str, float]]]:
        """Return the memory of each process, by role."""
        return {
            role: [processes.memory_mb(pid) for pid in of_role]
            for role, of_role in self.pids().items()
        }
