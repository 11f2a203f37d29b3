"""Take what the books have posted on a channel's accounts over as items to be matched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from ledger import account_feed
from ledger import queries as books
from ledger.account_feed import FedPosting
from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import currencies
from wallets import chart
from wallets.chart import House, Kind
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus, Progress, Side

_LATE: Final = timedelta(seconds=60)
"""No transaction lives that long, so nothing is committed further behind what was read."""
_ROWS_A_STATEMENT: Final = 500


def read_postings(*, client: int, client_name: str, channel: str) -> int:
    """Store an item for each posting that has none yet; return how many were new.

    Safe to be run twice, and by two at once: a posting is one item.
    """
    found = 0
    for code, items in _accounts(client, client_name, channel):
        for page, upto in items:
            made = Item.objects.using(PRIMARY)
            before = set(
                made.filter(posting__in=[item.posting for item in page]).values_list(
                    "posting", flat=True
                )
            )
            fresh = [item for item in page if item.posting not in before]
            made.bulk_create(fresh, ignore_conflicts=True, batch_size=_ROWS_A_STATEMENT)
            found += len(fresh)
            Progress.objects.using(PRIMARY).update_or_create(
                code=code, defaults={"upto": upto - _LATE}
            )
    return found


def unread(*, client: int, client_name: str, channel: str) -> Iterator[Item]:
    """Make the items that `read_postings` would store, and store none."""
    for _, items in _accounts(client, client_name, channel):
        for page, _ in items:
            known = Item.objects.using(PRIMARY).filter(posting__in=[one.posting for one in page])
            before = set(known.values_list("posting", flat=True))
            yield from (item for item in page if item.posting not in before)


def _accounts(
    client: int, client_name: str, channel: str
) -> Iterator[tuple[str, Iterator[tuple[list[Item], datetime]]]]:
    codes = {
        (
            chart.house_code(client_name, House.SUSPENSE, currency)
            if channel == SUSPENSE
            else chart.external_code(client_name, channel, currency)
        ): currency
        for currency in currencies()
    }
    read_upto = dict(
        Progress.objects.using(PRIMARY).filter(code__in=list(codes)).values_list("code", "upto")
    )
    for code, account in sorted(account_feed.accounts_by_code(list(codes)).items()):
        pages = account_feed.postings_since(account, read_upto.get(code))
        yield code, _items(pages, client, channel, codes[code])


def _items(
    pages: Iterator[list[FedPosting]], client: int, channel: str, currency: str
) -> Iterator[tuple[list[Item], datetime]]:
    # A rail's account grows by debits: money that came in is below zero in the books.
    sign = 1 if channel == SUSPENSE else -1
    for page in pages:
        moment = clock.now()
        cleared = _cleared(page, channel)
        items = [
            Item(
                id=uuid7(),
                **_waiting(one, channel),
                side=Side.POSTING,
                client=client,
                channel=channel,
                currency=currency,
                amount=sign * one.amount,
                day=one.value_date,
                reference=" ".join(cleared.get(one.entry, one.reference).split()),
                posting=one.id,
                entry=one.entry,
                made_at=moment,
            )
            for one in page
        ]
        yield items, page[-1].posted_at


def _cleared(page: list[FedPosting], channel: str) -> dict[UUID, str]:
    """Let an adjustment that names the entry it takes from suspense stand there under that one's
    reference: so it is cleared by itself."""
    if channel != SUSPENSE:
        return {}
    return books.corrected_references([one.entry for one in page])


def _waiting(posting: FedPosting, channel: str) -> dict[str, Any]:
    """Keep the rail's side of a difference for the items it was posted for: its entry's reference
    is the request, and no rule may take it before they are matched."""
    if channel == SUSPENSE or posting.kind not in (Kind.TO_SUSPENSE, Kind.FROM_SUSPENSE):
        return {}
    return {"status": ItemStatus.ASKED, "difference": UUID(posting.reference)}
