"""Operations of a seeded mixture, sent over kept connections, and what became of them."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import uvloop

from tests.bench.messages import Address, Request, encode
from tests.bench.open_loop import Client

KINDS: Final = ("DEPOSIT", "WITHDRAW", "WITHDRAW", "TRANSFER")
"""Money runs out now and then, so that some are refused."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One operation to be asked for; amounts in minor units."""

    kind: str
    wallet: UUID
    amount: int
    reference: str

    def message(self, address: Address, sink: UUID) -> bytes:
        """Write the request; transfers go to one wallet that never pays."""
        body: dict[str, object] = {
            "operationType": self.kind,
            "walletId": str(self.wallet),
            "amount": f"{self.amount // 100}.{self.amount % 100:02}",
            "referenceId": self.reference,
        }
        if self.kind == "TRANSFER":
            body["destinationWalletId"] = str(sink)
        return encode(Request("POST", "/api/v1/wallet", {}, json.dumps(body).encode()), address)


@dataclass(frozen=True, slots=True)
class Accepted:
    """When an operation was asked for and when that was answered, on one clock."""

    asked: float
    answered: float
    operation: UUID


def mixture(wallets: Sequence[UUID], number: int, *, seed: int) -> list[Wanted]:
    """Make so many operations on these wallets; the same for the same seed."""
    chance = random.Random(seed)
    return [
        Wanted(
            kind=chance.choice(KINDS),
            wallet=chance.choice(wallets),
            amount=chance.randint(1, 10_000),
            reference=f"{seed}-{n}",
        )
        for n in range(number)
    ]


def send(
    address: Address,
    wanted: Sequence[Wanted],
    sink: UUID,
    *,
    connections: int = 32,
    rate: float | None = None,
) -> list[Accepted]:
    """Send all, at a rate if there is one; fail unless each is accepted."""
    found: list[Accepted] = []
    others: list[tuple[int, bytes]] = []

    async def run() -> int:
        client = Client()
        await client.connect(address, connections)
        began = time.perf_counter()
        for place, one in enumerate(wanted):
            due = began + place / rate if rate else 0.0
            while (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)

            def keep(status: int, body: bytes, asked: float) -> None:
                if status == 202:
                    operation = UUID(json.loads(body)["operationId"])
                    found.append(Accepted(asked, time.perf_counter(), operation))
                else:
                    others.append((status, body))

            client.send(one.message(address, sink), keep)
        return await client.finish()

    lost = uvloop.run(run())
    assert (lost, others[:3]) == (0, []), f"{lost} answers lost, {len(others)} not accepted"
    return found
