"""Read postings, their entries and their accounts as the texts that seals are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import Q

from ledger.models import Account, JournalEntry, Posting, Seal
from ledger.offline_verifier import COLUMNS, Head, Tally, Texts, digest, leaf
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY

POSTINGS_READ: Final = 10_000
"""How many postings are read at a time, and at most in a seal."""
_KEYS_READ: Final = 1_000
_ACCOUNTS_KEPT: Final = 100_000


@dataclass(slots=True)
class Block:
    """The postings of one seal, as they are now, with the entries that they name."""

    postings: list[Texts] = field(default_factory=list)
    entries: dict[str, Texts] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


class Reader:
    """Reads blocks of postings; remembers accounts, which never change."""

    def __init__(self) -> None:
        self._accounts: dict[str, tuple[bytes, str]] = {}
        """The digest and the currency of accounts."""

    def block(self, after: int, upto: int, late: Sequence[int] = ()) -> Block:
        """Read the postings of a range, and before them those that are named as late."""
        return self.blocks([(after, upto, late)], apart=())[0]

    def blocks(
        self, ranges: Sequence[tuple[int, int, Sequence[int]]], apart: Collection[int]
    ) -> list[Block]:
        """Read adjoining ranges, each with its late postings, by a few queries.

        `apart` are postings that lie in one of the ranges and are another one's late ones.
        """
        late = [posting for *_, found in ranges for posting in found]
        rows = self._postings(ranges[0][0], ranges[-1][1], late)
        entries = dict(_entries({row[1] for row in rows.values()}))
        digests = {id_: digest(row) for id_, row in entries.items()}
        self._learn({row[2] for row in rows.values()})
        others = set(apart) | set(late)
        in_order = iter(sorted(set(rows) - others))
        made, next_ = [], next(in_order, None)
        for _, upto, late_here in ranges:
            block = Block()
            ids = [posting for posting in late_here if posting in rows]
            while next_ is not None and next_ <= upto:
                ids.append(next_)
                next_ = next(in_order, None)
            for id_ in ids:
                self._add(block, rows[id_], entries, digests)
            made.append(block)
        return made

    def _add(
        self, block: Block, row: list[str], entries: dict[str, Texts], digests: dict[str, bytes]
    ) -> None:
        entry, account = row[1], row[2]
        account_digest, currency = self._accounts.get(account, (digest(None), "?"))
        block.postings.append(row)
        if entry in entries:
            block.entries[entry] = entries[entry]
        block.tally.add(
            row, leaf(row, digests.get(entry, digest(None)), account_digest), currency=currency
        )

    def _postings(self, after: int, upto: int, late: Sequence[int]) -> dict[int, list[str]]:
        wanted = Q(pk__gt=after, pk__lte=upto)
        if late:
            wanted |= Q(pk__in=late)
        found = _texts_of(Posting.objects.using(PRIMARY).filter(wanted), COLUMNS["posting"])
        return {int(row[0]): row for row in found}

    def _learn(self, accounts: set[str]) -> None:
        if len(self._accounts) > _ACCOUNTS_KEPT:
            self._accounts.clear()
        unknown = [account for account in accounts if account not in self._accounts]
        for page in _pages(unknown):
            rows = Account.objects.using(PRIMARY).filter(pk__in=page)
            for row in _texts_of(rows, COLUMNS["account"]):
                self._accounts[row[0]] = (digest(row), row[3])


def head_of(seal: Seal) -> Head:
    """Return what a seal says, as it is kept outside: everything but its marks."""
    return {
        "number": seal.number,
        "after": seal.after,
        "upto": seal.upto,
        "postings": seal.postings,
        "entries": seal.entries,
        "totals": seal.totals,
        "late": seal.late,
        "previousHash": bytes(seal.previous_hash).hex(),
        "rootHash": bytes(seal.root_hash).hex(),
        "sealedAt": rfc3339(seal.sealed_at),
    }


def seals_after(number: int) -> models.QuerySet[Seal]:
    """Find the seals after one, in their order."""
    return Seal.objects.using(PRIMARY).filter(pk__gt=number).order_by("pk")


def late_postings(after_number: int) -> set[int]:
    """Find the postings that seals after this one sealed late."""
    listed = seals_after(after_number).values_list("late", flat=True)
    return {int(posting) for late in listed.iterator() for posting in late}


def walk(after_number: int) -> Iterator[tuple[Seal, Block]]:
    """Walk the seals after one, each with its postings as they are now."""
    reader = Reader()
    apart = late_postings(after_number)
    for group in _groups(after_number):
        ranges = [(seal.after, seal.upto, seal.late) for seal in group]
        yield from zip(group, reader.blocks(ranges, apart), strict=True)


def accounts() -> Iterator[Texts]:
    """Walk all accounts."""
    after = UUID(int=0)
    while True:
        rows = Account.objects.using(PRIMARY).filter(pk__gt=after).order_by("pk")[:POSTINGS_READ]
        found = list(_texts_of(rows, COLUMNS["account"]))
        yield from found
        if len(found) < POSTINGS_READ:
            return
        after = UUID(found[-1][0])


def _groups(after_number: int) -> Iterator[list[Seal]]:
    """Put seals together that are read in one go: seals of a quiet night are small."""
    group: list[Seal] = []
    postings = 0
    while True:
        page = list(seals_after(after_number)[:100])
        for seal in page:
            is_next = not group or group[-1].upto == seal.after
            if group and (postings + seal.postings > POSTINGS_READ or not is_next):
                yield group
                group, postings = [], 0
            group.append(seal)
            postings += seal.postings
        if not page:
            break
        after_number = page[-1].number
    if group:
        yield group


def _entries(ids: set[str]) -> Iterator[tuple[str, Texts]]:
    for page in _pages(sorted(ids)):
        rows = JournalEntry.objects.using(PRIMARY).filter(pk__in=page)
        for row in _texts_of(rows, COLUMNS["entry"]):
            yield row[0], row


def _pages(ids: Sequence[str]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), _KEYS_READ):
        yield [UUID(id_) for id_ in ids[start : start + _KEYS_READ]]


def _texts_of(rows: models.QuerySet[Any], columns: Iterable[str]) -> Iterator[list[Any]]:
    for row in rows.values_list(*columns):
        yield [None if value is None else _TEXTS[type(value)](value) for value in row]


_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    str: str,
    int: str,
    UUID: str,
    bytes: bytes.hex,
    memoryview: memoryview.hex,
    datetime: rfc3339,
    date: date.isoformat,
}
