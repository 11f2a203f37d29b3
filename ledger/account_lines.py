"""The lines of one account's statement, and where the account stood before and after them.

For accounts that count their postings (customers'). The count has no gaps, so a range of it is a
bounded piece of one index, whatever is looked for in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q

from ledger import queries
from ledger.models import BalanceSnapshot, Posting

LOOKED_AT_MAX: Final = 2_000
"""How many postings a page looks at, however few of them are wanted."""
CHUNK: Final = 1_000
_FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """A posting and what its entry says; amounts in minor units, credit positive."""

    sequence: int
    entry: UUID
    kind: str
    reference: str
    channel: str
    amount: int
    balance_after: int
    version: int
    posted_at: datetime
    value_date: date


@dataclass(frozen=True, slots=True)
class OtherSide:
    """Another account of an entry."""

    account: UUID
    code: str
    counts_postings: bool
    """Whether it is a customer's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are asked for; None and nothing: any."""

    kinds: Collection[tuple[str, bool]] = ()
    """Kinds of entry, each with whether the account is credited."""
    least: int | None = None
    most: int | None = None
    """Minor units, whichever the side."""

    def condition(self) -> Q:
        """Make the condition on postings."""
        found = Q()
        kinds = Q()
        for kind, credit in self.kinds:
            kinds |= Q(entry__kind=kind, amount__gt=0) if credit else _debit(kind)
        found &= kinds
        if self.least is not None:
            found &= Q(amount__gte=self.least) | Q(amount__lte=-self.least)
        if self.most is not None:
            found &= Q(amount__gte=-self.most, amount__lte=self.most)
        return found


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of an account's history, and its balances before and after it in minor units."""

    first: int
    """Sequence of its first posting."""
    last: int
    """Of its last one; below `first` where there is none."""
    opening: int
    closing: int

    @property
    def postings(self) -> int:
        """Count its postings."""
        return max(self.last - self.first + 1, 0)


@dataclass(frozen=True, slots=True)
class LinesPage:
    """Some lines of a statement, newest first."""

    lines: tuple[AccountLine, ...]
    next_before: int | None
    """Below which sequence the next page begins; None: this is the last one."""
    is_short: bool = False
    """Whether there are fewer lines than asked for, because many postings were passed over."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a proof of a balance begins."""

    sequence: int = 0
    """The posting up to which the balance is taken as it is; 0: before the first one."""
    balance: int = 0
    taken_at: datetime | None = None
    """When somebody wrote that balance down; None: it is read from the posting."""


def span(account: UUID, *, since: datetime | None, before: datetime | None, using: str) -> Span:
    """Find what was posted from a moment on and before another one: two look-ups in an index."""
    asked = [(account, (before or _FOREVER) - _INSTANT)]
    if since is not None:
        asked.append((account, since - _INSTANT))
    closing, *rest = queries.balances_at(asked, using=using)
    opening = rest[0] if rest else queries.PastBalance(0, 0, None, False)
    return Span(opening.sequence + 1, closing.sequence, opening.balance, closing.balance)


def page(
    account: UUID, within: Span, wanted: Wanted, *, before: int | None, limit: int, using: str
) -> LinesPage:
    """List the lines of a span that are wanted, newest first, below a sequence."""
    last = within.last if before is None else min(within.last, before - 1)
    low = max(within.first, last - LOOKED_AT_MAX + 1)
    found = _lines(account, low, last, wanted, using, order="-sequence", limit=limit + 1)
    if len(found) > limit:
        return LinesPage(tuple(found[:limit]), found[limit - 1].sequence)
    if low > within.first:
        return LinesPage(tuple(found), low, is_short=True)
    return LinesPage(tuple(found), None)


def walk(account: UUID, within: Span, wanted: Wanted, *, using: str) -> Iterator[list[AccountLine]]:
    """Walk the lines of a span that are wanted, oldest first, a piece of its postings at a time."""
    for low in range(within.first, within.last + 1, CHUNK):
        last = min(low + CHUNK - 1, within.last)
        yield _lines(account, low, last, wanted, using, order="sequence")


def lines(account: UUID, *, first: int, last: int, using: str) -> list[AccountLine]:
    """List an account's postings between two sequences, oldest first."""
    return _lines(account, first, last, Wanted(), using, order="sequence")


def other_sides(
    entries: Collection[UUID], account: UUID, *, using: str
) -> dict[UUID, tuple[OtherSide, ...]]:
    """Tell which other accounts each of these entries moved."""
    rows = (
        Posting.objects.using(using)
        .filter(entry_id__in=list(entries))
        .exclude(account_id=account)
        .order_by("id")
        .values_list("entry_id", "account_id", "account__code", "sequence")
    )
    found: dict[UUID, tuple[OtherSide, ...]] = {}
    for entry, other, code, sequence in rows:
        side = OtherSide(other, str(code), sequence is not None)
        found[entry] = (*found.get(entry, ()), side)
    return found


def opening_for(account: UUID, *, upto: int, using: str) -> Opening:
    """Return the sum of a customer's account that was written down, if it goes no further than a
    posting; where none was, nothing."""
    snapshots = BalanceSnapshot.objects.using(using)
    found = snapshots.filter(pk=account, is_house=False, sequence__lte=upto).first()
    return Opening(found.sequence or 0, found.balance, found.made_at) if found else Opening()


def opening_at(account: UUID, moment: datetime, *, using: str) -> Opening:
    """Begin with the balance as the last posting before a moment has it."""
    (found,) = queries.balances_at([(account, moment - _INSTANT)], using=using)
    return Opening(found.sequence, found.balance)


def opening_after(account: UUID, sequence: int, *, using: str) -> Opening | None:
    """Begin with the balance as a posting has it; None where the account has no such posting."""
    rows = Posting.objects.using(using).filter(account_id=account, sequence=sequence)
    balance = rows.values_list("balance_after", flat=True).first()
    return None if balance is None else Opening(sequence, balance)


def _debit(kind: str) -> Q:
    return Q(entry__kind=kind, amount__lt=0)


def _lines(
    account: UUID,
    first: int,
    last: int,
    wanted: Wanted,
    using: str,
    *,
    order: str,
    limit: int | None = None,
) -> list[AccountLine]:
    if last < first:
        return []
    rows = Posting.objects.using(using).filter(
        wanted.condition(), account_id=account, sequence__gte=first, sequence__lte=last
    )
    columns = (
        "sequence",
        "entry_id",
        "entry__kind",
        "entry__reference",
        "entry__channel",
        "amount",
        "balance_after",
        "version",
        "posted_at",
        "entry__value_date",
    )
    found = rows.order_by(order).values_list(*columns)[:limit]
    return [
        AccountLine(
            sequence or 0, entry, kind, reference, channel, amount, after or 0, version or 0, *days
        )
        for sequence, entry, kind, reference, channel, amount, after, version, *days in found
    ]
