"""What the page of one account shows: its balance, its days, its postings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import QuerySet

from ledger import rollups
from ledger.admin import links
from ledger.admin.clients import names_of
from ledger.admin.columns import signed_money, utc
from ledger.groups import group_of
from ledger.models import Account, DayTotal, NormalSide, Posting
from wallet_project.kit import keyset
from wallet_project.kit.admin import money
from wallet_project.kit.database import PRIMARY

_POSTINGS_SHOWN: Final = 50
_DAYS_SHOWN: Final = 31
_YEARS: Final = range(1970, 2201)


class _ByTime(keyset.Order):
    """Newest first. House accounts have no sequence, but the index has its column before the id."""

    def names(self, *, backwards: bool = False) -> list[str]:
        """Write the order as the index has it, or no index serves it."""
        sign = "" if backwards else "-"
        return [f"{sign}{column}" for column in ("posted_at", "sequence", "pk")]


_ORDER: Final = _ByTime(Posting, ("-posted_at",))


@dataclass(frozen=True, slots=True)
class Line:
    """A posting of the account."""

    id: int
    url: str
    posted: str
    entry_url: str
    entry: Any
    amount: str
    balance_after: str


@dataclass(frozen=True, slots=True)
class Day:
    """What went through a house account on a day."""

    day: str
    url: str
    debits: str
    credits: str
    postings: int
    is_chosen: bool


def context(account: Account, asked: Mapping[str, str]) -> dict[str, Any]:
    """Collect what the page of an account shows; it is asked by `day`, `after` and `before`."""
    postings: QuerySet[Posting] = Posting.objects.using(PRIMARY).filter(account=account.pk)
    last = postings.order_by("-sequence").first()
    is_house = account.normal_side == NormalSide.DEBIT if last is None else last.sequence is None
    group, name = group_of(account.code) if is_house else ("Wallet", "")
    shared = {
        "title": account.code,
        "account": account,
        "opened": utc(account.created_at),
        "group": group if name in ("", account.code, group.lower()) else f"{group}: {name}",
        "client_url": links.client_url(account.client),
        "client_name": names_of([account.client]).get(account.client, ""),
        "is_house": is_house,
    }
    return shared | (_house(account, postings, asked) if is_house else _wallet(account, postings))


def _wallet(account: Account, postings: QuerySet[Posting]) -> dict[str, Any]:
    """Show the last postings; the wallet's own page has the whole statement."""
    rows = list(postings.order_by("-sequence")[:_POSTINGS_SHOWN])
    balance = rows[0].balance_after if rows else 0
    return {
        "balance": money(balance, account.currency),
        "wallet_url": links.wallet_url(account.pk),
        "lines": [_line(row, account.currency) for row in rows],
    }


def _house(
    account: Account, postings: QuerySet[Posting], asked: Mapping[str, str]
) -> dict[str, Any]:
    day = _day(asked.get("day", ""))
    rows = postings
    if day is not None:
        begins = datetime.combine(day, time(), UTC)
        rows = rows.filter(posted_at__gte=begins, posted_at__lt=begins + timedelta(days=1))
    try:
        page = keyset.read(rows, _ORDER, asked, size=_POSTINGS_SHOWN)
    except keyset.BadCursor:
        page = keyset.read(rows, _ORDER, {}, size=_POSTINGS_SHOWN)
    minor = rollups.balances([account.pk])[account.pk]
    side = " debit" if minor < 0 else " credit" if minor else ""
    return {
        "balance": f"{money(abs(minor), account.currency)}{side}",
        "day": "" if day is None else day.isoformat(),
        "days": _days(account, day),
        "lines": [_line(row, account.currency) for row in page.rows],
        "newer_url": _address(day, page.previous),
        "older_url": _address(day, page.next),
    }


def _days(account: Account, chosen: date | None) -> list[Day]:
    rows = DayTotal.objects.using(PRIMARY).filter(account=account.pk).order_by("-day")
    return [
        Day(
            day=row.day.isoformat(),
            url=_address(row.day, {}),
            debits=money(row.debits, account.currency),
            credits=money(row.credits, account.currency),
            postings=row.postings,
            is_chosen=row.day == chosen,
        )
        for row in rows[:_DAYS_SHOWN]
    ]


def _line(posting: Posting, currency: str) -> Line:
    return Line(
        id=posting.pk,
        url=links.posting_url(posting.pk),
        posted=utc(posting.posted_at),
        entry_url=links.entry_url(posting.entry_id),
        entry=posting.entry_id,
        amount=signed_money(posting.amount, currency),
        balance_after=money(posting.balance_after, currency),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def _address(day: date | None, place: Mapping[str, str] | None) -> str:
    if place is None:
        return ""
    chosen = {} if day is None else {"day": day.isoformat()}
    return f"?{urlencode(chosen | dict(place))}"
