"""What statements and exports are made of: a range of a wallet's postings, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from ledger import account_lines
from ledger import queries as books
from ledger.account_lines import AccountLine
from ledger.statement_verifier import Line
from wallet_project.kit import replica
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallet_project.kit.replica import Source
from wallets import balance_cache
from wallets.chart import type_shown
from wallets.identity import WalletIdentity
from wallets.sources import row_of

CHUNK: Final = 1_000
"""How many lines are in memory at a time."""


class PostingsMissing(Exception):
    """The books have a gap where a wallet's postings should be: an operator has to look."""


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of a wallet's history as it was at one version; amounts in minor units."""

    wallet: UUID
    client: int
    currency: str
    since: datetime | None
    before: datetime | None
    first: int
    last: int
    """Posting sequences; `last` is one below `first` where there is none."""
    opening: int
    closing: int

    @property
    def lines(self) -> int:
        """Count its postings."""
        return max(self.last - self.first + 1, 0)


@dataclass(frozen=True, slots=True)
class Movement:
    """A line with what only an export of transactions tells."""

    line: Line
    channel: str
    counterparty: UUID | None
    description: str | None
    metadata: Mapping[str, Any] | None


def look(
    identity: WalletIdentity,
    *,
    since: datetime | None,
    before: datetime | None,
    min_version: int | None = None,
) -> Range:
    """Find what was posted from a moment on and before another one, as the wallet's row counts it.

    :raises VersionNotReached: if the wallet is not at `min_version` on the primary either.
    """
    seen = balance_cache.version_of(identity.id)

    def ask(source: Source) -> Range:
        row, _ = row_of(source, identity, min_version, seen)
        using, top = source.using, row.posting_sequence
        span = account_lines.span(identity.id, since=since, before=before, using=using)
        first, last, opening, closing = span.first, span.last, span.opening, span.closing
        source.need(before is not None or last >= top)
        if last > top:  # committed since the row was read: not of this version
            at_top = account_lines.opening_after(identity.id, top, using=using) if top else None
            closing, last = (at_top.balance if at_top else 0), top
            if first > top + 1:
                first, opening = top + 1, closing
        return Range(
            identity.id,
            identity.client,
            identity.currency,
            since,
            before,
            first,
            last,
            opening,
            closing,
        )

    return replica.read(ask)


def pieces(within: Range, *, after: int = 0) -> Iterator[list[Line]]:
    """Walk the lines of a range, oldest first, a piece at a time, after so many of them.

    :raises PostingsMissing: if the books have a gap there.
    """
    for low, high in _chunks(within, after):
        found = replica.read(lambda source, a=low, b=high: _lines(source, within, a, b))  # type: ignore[misc]
        yield [printed(line, within.currency) for line in found]


def movements(within: Range, *, after: int = 0) -> Iterator[list[Movement]]:
    """Walk the transactions of a range like `pieces`, with descriptions and metadata.

    :raises PostingsMissing: if the books have a gap there.
    """
    for low, high in _chunks(within, after):
        yield replica.read(lambda source, a=low, b=high: _movements(source, within, a, b))  # type: ignore[misc]


def printed(line: AccountLine, currency: str) -> Line:
    """Print a line as every format has it, and as its digest covers it."""
    return Line(
        str(line.sequence),
        rfc3339(line.posted_at),
        line.value_date.isoformat(),
        str(line.entry),
        type_shown(line.kind, credit=line.amount > 0),
        line.reference,
        format_minor(line.amount, currency),
        format_minor(line.balance_after, currency),
    )


def _chunks(within: Range, after: int) -> Iterator[tuple[int, int]]:
    for low in range(within.first + after, within.last + 1, CHUNK):
        yield low, min(low + CHUNK - 1, within.last)


def _lines(source: Source, within: Range, first: int, last: int) -> Sequence[AccountLine]:
    found = account_lines.lines(within.wallet, first=first, last=last, using=source.using)
    is_whole = len(found) == last - first + 1
    source.need(is_whole)
    if not is_whole:
        raise PostingsMissing(
            f"Wallet {within.wallet} has {len(found)} postings from sequence {first} to {last}."
        )
    return found


def _movements(source: Source, within: Range, first: int, last: int) -> list[Movement]:
    found = _lines(source, within, first, last)
    entries = books.entries_by_id([line.entry for line in found], using=source.using)
    # Entries never change, but for texts that were erased: those must not show for long.
    source.need(source.is_fresh(source.heartbeat()))
    told = []
    for line in found:
        entry = entries[line.entry]
        others = [
            one.account
            for one in entry.lines
            if one.account != within.wallet and one.sequence is not None
        ]
        told.append(
            Movement(
                printed(line, within.currency),
                line.channel,
                others[0] if others else None,
                entry.description,
                entry.metadata,
            )
        )
    return told
