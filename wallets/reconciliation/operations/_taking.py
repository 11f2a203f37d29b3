"""Items are taken under their locks: whoever has one has it alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.database import PRIMARY, update_by_primary_key
from wallets.reconciliation import errors
from wallets.reconciliation.models import Item, ItemStatus, Match, MatchPart, RuleName, Side

_MATCH_COLUMNS = (
    *("id", "client", "channel", "currency", "rule", "run", "total", "evidence", "reason"),
    *("made_at", "made_by"),
)


@dataclass(frozen=True, slots=True)
class NewMatch:
    """A match to be made of items that are locked."""

    id: UUID
    rule: RuleName
    items: Sequence[Item]
    evidence: dict[str, Any]
    run: UUID | None = None
    reason: str = ""


def lock(ids: Collection[UUID], *, needed: ItemStatus = ItemStatus.OPEN) -> list[Item]:
    """Lock items in the order of their ids, to the end of the transaction.

    :raises ItemsUnfit: if one does not exist.
    :raises ItemsTaken: if one is not where it has to be.
    """
    rows = Item.objects.using(PRIMARY).select_for_update().filter(pk__in=list(ids))
    items = list(rows.order_by("pk"))
    if len(items) != len(set(ids)):
        raise errors.ItemsUnfit("An item that was chosen does not exist.")
    taken = [item for item in items if item.status != needed]
    if taken:
        names = ", ".join(str(item) for item in taken[:5])
        raise errors.ItemsTaken(f"Not open any more: {names}. Look again.")
    return items


def sums(items: Iterable[Item]) -> tuple[int, int]:
    """Sum lines and postings; minor units."""
    totals = {Side.LINE.value: 0, Side.POSTING.value: 0}
    for item in items:
        totals[item.side] += item.amount
    return totals[Side.LINE.value], totals[Side.POSTING.value]


def check_fit(items: Sequence[Item]) -> None:
    """Refuse items of several channels or currencies, or a single one.

    :raises ItemsUnfit: as it says.
    """
    if len(items) < 2:
        raise errors.ItemsUnfit("Choose at least two items.")
    if len({(item.client, item.channel, item.currency) for item in items}) > 1:
        raise errors.ItemsUnfit("The items are of different clients, channels or currencies.")


def match(new: Sequence[NewMatch], *, at: datetime, by: str) -> None:
    """Insert matches and close their items, which the caller's transaction has locked.

    :raises SumsDiffer: if the two sides of one are not equal. A rule that proposed it is wrong.
    :raises ItemsTaken: if an item was not open after all.
    """
    rows, parts = [], []
    for one in new:
        ours, theirs = sums(one.items)
        if ours != theirs:
            raise errors.SumsDiffer(
                "The lines and the postings do not sum to the same.", lines=ours, postings=theirs
            )
        first = one.items[0]
        rows.append(
            (
                *(one.id, first.client, first.channel, first.currency, one.rule, one.run),
                *(_total(one.items), one.evidence, one.reason, at, by),
            )
        )
        parts += [(one.id, item.pk, item.turn) for item in one.items]
    insert_rows(Match, _MATCH_COLUMNS, rows)
    insert_rows(MatchPart, ("match_id", "item_id", "turn"), parts)
    move(
        [item.pk for one in new for item in one.items],
        ItemStatus.MATCHED,
        leaves=(ItemStatus.OPEN, ItemStatus.ASKED),
    )


def move(
    ids: Collection[UUID], to: ItemStatus, *, leaves: Collection[ItemStatus], **more: Any
) -> None:
    """Bring items to a status, guarded.

    :raises ItemsTaken: if one was not in any of the statuses it may leave.
    """
    rows = Item.objects.using(PRIMARY).filter(
        pk__in=sorted(ids), status__in=[str(one) for one in leaves]
    )
    values: dict[str, Any] = {"status": to.value, "difference": None, **more}
    if update_by_primary_key(rows, **values) != len(set(ids)):
        raise errors.ItemsTaken("An item is not open any more. Look again.")


def _total(items: Sequence[Item]) -> int:
    """Sum one side: the lines, or, where there are none, what one half of the postings cancels."""
    if any(item.side == Side.LINE for item in items):
        return sums(items)[0]
    return sum(item.amount for item in items if item.amount > 0)
