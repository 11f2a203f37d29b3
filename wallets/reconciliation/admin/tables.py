"""Results in tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from wallets.admin.cells import Cell, Section, amount, titles
from wallets.reconciliation.files.lines import FileLine
from wallets.reconciliation.models import RuleName

LINES_SHOWN: Final = 20


def matched(result: Mapping[str, Any]) -> Section:
    """Show what each rule has matched."""
    return Section(
        "Matched",
        titles("Rule", "Currency", "Matches#", "Lines#", "Postings#", "Amount#"),
        [
            [
                Cell(RuleName(rule).label),
                Cell(currency),
                *(_count(one[name]) for name in ("matches", "lines", "postings")),
                amount(int(one["amount"]), currency),
            ]
            for rule, by_currency in result["matched"].items()
            for currency, one in by_currency.items()
        ],
        "No rule has matched anything.",
    )


def left(result: Mapping[str, Any], more: str = "") -> Section:
    """Show what is left on both sides, and how far they are apart."""
    return Section(
        "Left over",
        titles("Currency", "Lines#", "Sum of lines#", "Postings#", "Sum of postings#", "Apart#"),
        [
            [
                Cell(currency),
                _count(one["lines"]),
                amount(int(one["lines_sum"]), currency),
                _count(one["postings"]),
                amount(int(one["postings_sum"]), currency),
                amount(int(one["difference"]), currency),
            ]
            for currency, one in result["left"].items()
        ],
        "Nothing is left over: everything has its counterpart.",
        more,
    )


def doubts(result: Mapping[str, Any], address: Any) -> Section:
    """Show what may belong together in more than one way.

    :param address: gives the page on which an item is matched by hand, or nothing.
    """
    return Section(
        "In doubt",
        titles("Why", "Rule", "Currency", "Lines", "Postings"),
        [
            [
                Cell(one["why"]),
                Cell(RuleName(one["rule"]).label),
                Cell(one["currency"]),
                _ids(one["lines"], address),
                _ids(one["postings"], address),
            ]
            for one in result["doubts"]
        ],
        "The rules hesitate about nothing.",
    )


def sums(told: Mapping[str, Any]) -> Section:
    """Show what a file sums to, between opening and closing balance where it names them."""
    return Section(
        "What the file sums to",
        titles("Currency", "Lines#", "Opening#", "In#", "Out#", "Closing#"),
        [
            [
                Cell(currency),
                _count(one["lines"]),
                _stated(one, "opening", currency),
                amount(int(one["in"]), currency),
                amount(int(one["out"]), currency),
                _stated(one, "closing", currency),
            ]
            for currency, one in told.items()
        ],
        "It has no line.",
    )


def lines(some: Iterable[FileLine]) -> Section:
    """Show the first lines of a file as they were understood."""
    return Section(
        f"The first {LINES_SHOWN} lines as they were understood",
        titles("Line#", "Booked", "Value date", "Amount#", "Reference", "Bank's reference", "Text"),
        [
            [
                _count(one.number),
                Cell(one.booked_on.isoformat()),
                Cell(one.value_date.isoformat()),
                amount(one.amount, one.currency),
                Cell(one.reference),
                Cell(_short(one.external_reference)),
                Cell(_short(one.text)),
            ]
            for one in list(some)[:LINES_SHOWN]
        ],
        "No line could be read.",
    )


def _count(number: int) -> Cell:
    return Cell(f"{number:,}", is_amount=True)


def _stated(one: Mapping[str, Any], name: str, currency: str) -> Cell:
    return amount(int(one[name]) if name in one else None, currency)


def _ids(ids: list[str], address: Any) -> Cell:
    first = ids[0] if ids else ""
    others = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
    return Cell(f"…{first[-12:]}{others}" if first else "-", address(first) if first else "")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
