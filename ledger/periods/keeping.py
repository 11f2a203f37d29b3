"""Whether closed months are still what they were when they were closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ledger import rolling
from ledger.periods import adding, figures
from ledger.periods.figures import Figure
from ledger.periods.models import Close, ClosingFigure
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class Kept:
    """A close, and what is wrong with it."""

    client: int
    month: date
    version: int
    is_in_force: bool
    """False: the month was opened again later."""
    figures_hash: str
    findings: tuple[str, ...]


def look(client: int | None = None) -> list[Kept]:
    """Hold every close against its own hash, and those in force against the books; by client and
    month. Changes nothing but the sums over the books, which it brings up to date."""
    rolling.roll_up()
    adding.add()
    rows = Close.objects.using(PRIMARY).select_related("reopening")
    if client is not None:
        rows = rows.filter(client=client)
    # In the order in which they were made, so that each comes behind the one its hash covers.
    found: list[Kept] = []
    last: dict[int, bytes] = {}
    for close in rows.order_by("client", "pk"):
        is_in_force = not hasattr(close, "reopening")
        frozen = frozen_figures(close)
        wrong = _broken(close, frozen, last.get(close.client))
        if is_in_force:
            wrong += _moved(frozen, figures.of_month(close.client, close.month))
        last[close.client] = bytes(close.figures_hash)
        found.append(
            Kept(
                close.client,
                close.month,
                close.version,
                is_in_force,
                bytes(close.figures_hash).hex(),
                tuple(wrong),
            )
        )
    return sorted(found, key=lambda one: (one.client, one.month, one.version))


def frozen_figures(close: Close) -> list[Figure]:
    """Return what a month came to when it was closed."""
    return [
        Figure(
            row.currency,
            row.account_class,
            row.opening,
            row.debits,
            row.credits,
            row.closing,
            row.postings,
        )
        for row in ClosingFigure.objects.using(PRIMARY).filter(close=close).order_by("pk")
    ]


def _broken(close: Close, frozen: Sequence[Figure], previous: bytes | None) -> list[str]:
    kept = None if close.previous_hash is None else bytes(close.previous_hash)
    wrong = [] if kept == previous else ["the close before it is another one"]
    made = figures.digest(close.client, close.month, close.version, frozen, kept)
    if made != bytes(close.figures_hash):
        wrong.append("the figures do not have the hash of the close")
    return wrong


def _moved(frozen: Sequence[Figure], now: Sequence[Figure]) -> list[str]:
    """Compare class by class; one that has had nothing yet may be missing on either side."""
    then = {(one.currency, one.account_class): one for one in frozen}
    today = {(one.currency, one.account_class): one for one in now}
    return [
        f"{account_class} in {currency}: frozen {then.get((currency, account_class))}, "
        f"by the books {today.get((currency, account_class))}"
        for currency, account_class in sorted(then.keys() | today.keys())
        if then.get((currency, account_class)) != today.get((currency, account_class))
    ]
