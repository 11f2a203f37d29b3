"""Reads of the reconciliation desk. The write path's own are asked of the primary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import Count, DecimalField, Field, Q, Sum
from django.db.models.functions import Cast

from wallet_project.kit.database import PRIMARY
from wallets.reconciliation.errors import NotSetUp
from wallets.reconciliation.models import (
    SUSPENSE,
    ChannelSetup,
    Item,
    ItemStatus,
    MatchEnd,
    MatchPart,
    Side,
)
from wallets.reconciliation.rules import Candidate

AGES: Final = (
    ("0-1 days", 0, 1),
    ("2-7 days", 2, 7),
    ("8-30 days", 8, 30),
    ("over 30 days", 31, None),
)
"""How long something has been open: a name, and from how many days to how many."""
_ROWS_A_STATEMENT: Final = 500
_EXACT: Final[Field[object, object]] = DecimalField(max_digits=38, decimal_places=0)


@dataclass(slots=True)
class Sheet:
    """What is open in one currency of a channel."""

    lines: list[Candidate] = field(default_factory=list)
    postings: list[Candidate] = field(default_factory=list)

    def add(self, side: str, candidate: Candidate) -> None:
        """Put a candidate on its side."""
        (self.lines if side == Side.LINE else self.postings).append(candidate)


@dataclass(frozen=True, slots=True)
class Aged:
    """What is open on suspense in one currency for so long, and with one person."""

    currency: str
    age: str
    owner: str
    """Empty: nobody's."""
    items: int
    amount: int
    """Minor units, credit positive."""
    oldest: date


def setup_of(client: int, channel: str) -> ChannelSetup:
    """Return how a channel's files are read and matched.

    :raises NotSetUp: if nobody has said so yet.
    """
    rows = ChannelSetup.objects.using(PRIMARY)
    found = rows.filter(client=client, channel=channel).first()
    if found is None:
        raise NotSetUp(
            f"Nobody has set up how files of the channel {channel} are read. Do it under "
            "Reconciliation, Channels.",
            field="channel",
        )
    return found


def open_sheets(client: int, channel: str) -> dict[str, Sheet]:
    """Load what is open in a channel, by currency."""
    rows = Item.objects.using(PRIMARY).filter(
        client=client, channel=channel, status=ItemStatus.OPEN
    )
    sheets: dict[str, Sheet] = defaultdict(Sheet)
    columns = ("currency", "side", "id", "amount", "day", "reference")
    for currency, side, *rest in rows.values_list(*columns).iterator(2000):
        sheets[currency].add(side, Candidate(*rest))
    return sheets


def taken_apart(client: int, channel: str) -> set[frozenset[UUID]]:
    """List the sets of open items that were matched once and taken apart again by somebody."""
    rows = Item.objects.using(PRIMARY).filter(
        client=client, channel=channel, status=ItemStatus.OPEN, turn__gt=0
    )
    ids = list(rows.values_list("pk", flat=True))
    matches: set[UUID] = set()
    for some in _chunks(ids):
        parts = MatchPart.objects.using(PRIMARY).filter(item__in=some)
        matches |= set(parts.values_list("match_id", flat=True))
    members: dict[UUID, set[UUID]] = defaultdict(set)
    for some in _chunks(list(matches)):
        ended = MatchEnd.objects.using(PRIMARY).filter(pk__in=some).values_list("pk", flat=True)
        for match, item in (
            MatchPart.objects.using(PRIMARY)
            .filter(match__in=list(ended))
            .values_list("match_id", "item_id")
        ):
            members[match].add(item)
    return {frozenset(one) for one in members.values()}


def suspense_ages(today: date, *, client: int | None = None) -> list[Aged]:
    """Sum what is open on suspense by currency, age and owner."""
    rows = Item.objects.using(PRIMARY).filter(
        channel=SUSPENSE, status__in=[ItemStatus.OPEN, ItemStatus.ASKED]
    )
    if client is not None:
        rows = rows.filter(client=client)
    by_day = (
        rows.order_by()
        .values("currency", "owner", "day")
        .annotate(items=Count("pk"), amount=Sum(Cast("amount", _EXACT)))
    )
    found: dict[tuple[str, int, str], Aged] = {}
    for one in by_day:
        place = place_of((today - one["day"]).days)
        key = one["currency"], place, one["owner"]
        so_far = found.get(key)
        found[key] = Aged(
            currency=one["currency"],
            age=AGES[place][0],
            owner=one["owner"],
            items=one["items"] + (so_far.items if so_far else 0),
            amount=int(one["amount"]) + (so_far.amount if so_far else 0),
            oldest=min(one["day"], so_far.oldest) if so_far else one["day"],
        )
    return [found[key] for key in sorted(found)]


def oldest_on_suspense(limit: int) -> list[Item]:
    """List what has been open on suspense for longest."""
    rows = Item.objects.using(PRIMARY).filter(
        channel=SUSPENSE, status__in=[ItemStatus.OPEN, ItemStatus.ASKED]
    )
    return list(rows.order_by("day", "pk")[:limit])


def place_of(days: int) -> int:
    """Tell which of the ages so many days are."""
    return next(place for place, (_, _, most) in enumerate(AGES) if most is None or days <= most)


def counterparts(item: Item, *, days: int, limit: int) -> list[Item]:
    """List what may be an item's counterpart: open, of the same channel and currency, near in
    time; what has its amount or reference first, then the nearest amounts."""
    rows = Item.objects.using(PRIMARY).filter(
        client=item.client,
        channel=item.channel,
        status=ItemStatus.OPEN,
        currency=item.currency,
    )
    if item.channel != SUSPENSE:
        alike = Q(amount=item.amount)
        if item.reference:
            alike |= Q(reference=item.reference)
        nearby = Q(day__range=(_shift(item.day, -days), _shift(item.day, days)))
        rows = rows.filter(alike | nearby)
    found = list(rows.exclude(pk=item.pk).order_by("-pk")[:2000])
    found.sort(key=lambda one: _likeness(item, one))
    return found[:limit]


def _likeness(item: Item, other: Item) -> tuple[bool, bool, bool, int, int]:
    wanted = -item.amount if item.side == other.side else item.amount
    return (
        not (item.reference and other.reference == item.reference),
        other.amount != wanted,
        other.side == item.side,
        abs((other.day - item.day).days),
        abs(other.amount - wanted),
    )


def _shift(day: date, days: int) -> date:
    return date.fromordinal(max(day.toordinal() + days, 1))


def _chunks(ids: list[UUID]) -> Iterable[Collection[UUID]]:
    return (ids[at : at + _ROWS_A_STATEMENT] for at in range(0, len(ids), _ROWS_A_STATEMENT))
