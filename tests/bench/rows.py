"""Turns movements into INSERT statements, as fast as Python can: of ten million lines each counts.

What repeats is made once: the texts of a wallet, and its events' bytes with places left free. They
are taken from the contract's own encoder, so they are the bytes that the service would freeze.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from events import contracts
from tests.bench.history import CURRENCY, VARIANT, Leg, Movement, Past, id_at
from wallet_project.kit.money import format_minor

ENTRY: Final = (
    "INSERT INTO ledger_journalentry (id, kind, idempotency_key, request_hash, client, actor,"
    " reference, channel, posted_at, value_date) VALUES "
)
POSTING: Final = (
    "INSERT INTO ledger_posting (entry_id, account_id, amount, balance_after, sequence, version,"
    " posted_at) VALUES "
)
EVENT: Final = (
    "INSERT INTO events_outboxevent (event_id, shard, client, entry, topic, stream, sequence, type,"
    " payload, occurred_at, status, attempts, position, published_at) VALUES "
)
_TYPES: Final = {"deposit": contracts.DEPOSITED, "withdrawal": contracts.WITHDRAWN}
SHARDS: Final = 16
"""As in `events.outbox`, which needs Django; a test holds them together."""
_SEQUENCE: Final = 987_654_321


@dataclass(frozen=True, slots=True)
class Names:
    """What all rows of a load have in common."""

    client: int
    house: UUID
    """The account on the other side of deposits and withdrawals."""
    topic: str


class Rows:
    """Makes the rows of one past, in order; positions and ids of events rise with them."""

    def __init__(
        self, past: Past, names: Names, ids: Sequence[UUID], *, event: int, position: int
    ) -> None:
        self._past = past
        self._names = names
        self._hexes = [id_.hex for id_ in ids]
        self._shards = [zlib.crc32(id_.bytes) % SHARDS for id_ in ids]
        self._payloads = [payload_with_places(id_) for id_ in ids]
        self._house = names.house.hex
        self._events = itertools.count(VARIANT | event)
        self._positions = itertools.count(position)

    def statements(self, chunk: Sequence[Movement]) -> list[str]:
        """Make the INSERT statements of some movements."""
        entries: list[str] = []
        postings: list[str] = []
        events: list[str] = []
        for movement in chunk:
            at = sql_time(movement.moment)
            id_ = movement.id.hex
            key = self._past.key(movement.number).hex()
            entries.append(
                f"(x'{id_}','{movement.kind}',x'{key}',x'{key}',{self._names.client},"
                f"'command:bench','','default','{at}','{at[:10]}')"
            )
            for leg in movement.legs:
                postings.append(
                    f"(x'{id_}',x'{self._hexes[leg.wallet]}',{leg.amount},{leg.balance},"
                    f"{leg.sequence},{leg.version},'{at}')"
                )
            if len(movement.legs) == 1:
                postings.append(
                    f"(x'{id_}',x'{self._house}',{movement.house_amount},NULL,NULL,NULL,'{at}')"
                )
            events.extend(self._told(movement, id_, at))
        return [
            head + ",".join(rows)
            for head, rows in ((ENTRY, entries), (POSTING, postings), (EVENT, events))
        ]

    def _told(self, movement: Movement, entry: str, at: str) -> Iterator[str]:
        moment = f"{at[:10]}T{at[11:]}Z"
        entry_text = f"{entry[:8]}-{entry[8:12]}-{entry[12:16]}-{entry[16:20]}-{entry[20:]}"
        for leg in movement.legs:
            balance, amount = format_minor(leg.balance, CURRENCY), abs(leg.amount)
            payload = self._payloads[leg.wallet] % {
                "sequence": leg.version,
                "balance": balance,
                "at": moment,
                "entry": entry_text,
                "amount": format_minor(amount, CURRENCY),
            }
            # The entry's upper half is the moment; below it each event has a number of its own.
            yield (
                f"(x'{entry[:16]}{next(self._events):016x}',{self._shards[leg.wallet]},"
                f"{self._names.client},x'{entry}','{self._names.topic}',"
                f"x'{self._hexes[leg.wallet]}',{leg.version},'{type_of(movement, leg)}',"
                f"_binary'{payload}','{at}',1,0,{next(self._positions)},'{at}')"
            )

    def opening(self, wallet: int, at: datetime, payload: bytes) -> str:
        """Make the row of the event that tells a wallet's opening."""
        number = next(self._events)
        time = sql_time(at)
        return (
            f"(x'{id_at(at, number).hex[:16]}{number:016x}',{self._shards[wallet]},"
            f"{self._names.client},NULL,'{self._names.topic}',x'{self._hexes[wallet]}',1,"
            f"'{contracts.CREATED}',_binary'{payload.decode()}','{time}',1,0,"
            f"{next(self._positions)},'{time}')"
        )


def type_of(movement: Movement, leg: Leg) -> str:
    """Name the event of a wallet's line."""
    if movement.kind == "transfer":
        return contracts.TRANSFER_SENT if leg.amount < 0 else contracts.TRANSFER_RECEIVED
    return _TYPES[movement.kind]


def payload_with_places(wallet: UUID) -> str:
    """Encode a wallet's event with a place (as in `%`) for each thing that differs."""
    fact = contracts.MoneyMoved(
        wallet_id=str(wallet),
        sequence=_SEQUENCE,
        currency=CURRENCY,
        balance="%(balance)s",
        held="0.00",
        available="%(balance)s",
        status="ACTIVE",
        occurred_at="%(at)s",
        transaction_id="%(entry)s",
        amount="%(amount)s",
        reference_id=None,
    )
    return contracts.encode(fact).decode().replace(str(_SEQUENCE), "%(sequence)d")


def sql_time(moment: datetime) -> str:
    """Write a moment in UTC as MySQL reads it, without quotes."""
    return moment.isoformat(" ", "microseconds")[:26]
