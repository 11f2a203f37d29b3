"""What a month came to, by classes of accounts; and the hash over it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from ledger.groups import group_of, place_of
from ledger.periods import sums
from ledger.periods.calendars import end_of


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """A class of accounts in a currency; minor units by value date, balances credit positive."""

    currency: str
    account_class: str
    opening: int
    debits: int
    credits: int
    closing: int
    postings: int


def of_month(client: int, month: date) -> list[Figure]:
    """Sum a client's month from the sums by value date, without the postings behind them."""
    found = sums.by_value_date(client, end_of(month), since=month, with_tail=False)
    codes = sums.codes_of(found.lines)
    totals: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for line, passed in found.lines.items():
        group, _ = group_of(codes[line])
        total = totals[line.currency, group]
        for place, number in enumerate(
            (passed.opening, passed.during.debits, passed.during.credits, passed.during.postings)
        ):
            total[place] += number
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], place_of(item[0][1])))
    return [
        Figure(currency, group, opening, debits, credits_, opening + credits_ - debits, postings)
        for (currency, group), (opening, debits, credits_, postings) in ordered
    ]


def digest(
    client: int, month: date, version: int, found: Sequence[Figure], previous: bytes | None
) -> bytes:
    """Hash the figures of a close: SHA-256 over JSON with sorted keys and no blanks."""
    told = {
        "client": client,
        "month": month.isoformat(),
        "version": version,
        "previous": None if previous is None else previous.hex(),
        "figures": [asdict(one) for one in sorted(found)],
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def imbalances(found: Iterable[Figure]) -> dict[str, tuple[int, int, int]]:
    """Tell by currency where opening, movements or closing do not sum to zero; minor units."""
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in found:
        total = totals[one.currency]
        total[0] += one.opening
        total[1] += one.credits - one.debits
        total[2] += one.closing
    return {
        currency: (total[0], total[1], total[2]) for currency, total in totals.items() if any(total)
    }
