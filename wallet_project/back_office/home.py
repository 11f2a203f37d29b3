"""The home page: how money, books and queues are doing, from sums and look-ups by index.

What it shows is read once in a few seconds for everybody; each person sees what he may open.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import Error
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from ledger import rollups
from ledger.rollups import Flow, TrialBalance
from wallet_project.back_office import tiles
from wallet_project.back_office.tiles import UNKNOWN, CurrencyBooks, State, Tile
from wallet_project.kit import clock
from wallet_project.kit.admin import money
from wallet_project.kit.database import is_transient
from wallet_project.kit.money import format_minor

DAYS: Final = 30
CACHED_SECONDS: Final = 5
_CACHE_KEY: Final = "back_office.home"
_BOOKS: Final = "ledger.view_account"

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile stands: its words, who may see it, and the page behind it."""

    title: str
    icon: str
    permission: str
    """Empty: everybody who may open the page."""
    pages: tuple[str, ...]
    """Names of URLs; the first that exists is the page behind the tile."""
    query: str = ""


PLACES: Final[dict[str, Place]] = {
    "trial_balance": Place(
        "Trial balance",
        "balance",
        _BOOKS,
        ("admin:ledger_account_trial_balance", "admin:ledger_account_changelist"),
    ),
    "safeguarding": Place(
        "Safeguarding",
        "shield",
        _BOOKS,
        ("admin:ledger_account_safeguarding", "admin:ledger_account_tree"),
    ),
    "proof": Place(
        "Last ledger proof",
        "verified",
        "ledger.view_ledgerproof",
        ("admin:ledger_ledgerproof_changelist",),
    ),
    "dependencies": Place("Dependencies", "lan", "", ()),
    "outbox": Place(
        "Outbox", "outbox", "events.view_outboxevent", ("admin:events_outboxevent_changelist",)
    ),
    "dead_letters": Place(
        "Dead letters", "report", "events.view_deadletter", ("admin:events_deadletter_changelist",)
    ),
    "fraud_alerts": Place(
        "Open fraud alerts",
        "gpp_maybe",
        "fraud.view_fraudalert",
        ("admin:fraud_fraudalert_changelist",),
    ),
    "approvals": Place(
        "Waiting for approval",
        "approval",
        "approvals.view_approval",
        ("admin:approvals_approval_changelist",),
    ),
    "operations": Place(
        "Accepted operations",
        "sync_alt",
        "wallets.view_operation",
        ("admin:wallets_operation_changelist",),
    ),
    "payouts": Place(
        "Open payouts", "payments", "wallets.view_payout", ("admin:wallets_payout_changelist",)
    ),
    "suspense": Place(
        "Open on suspense",
        "hourglass_bottom",
        "reconciliation.view_item",
        ("admin:reconciliation_item_suspense",),
    ),
}
"""In the order in which they are shown."""

_READERS: Final[dict[str, Callable[[], Tile]]] = {
    "proof": tiles.last_proof,
    "outbox": tiles.outbox,
    "dead_letters": tiles.dead_letters,
    "fraud_alerts": tiles.fraud_alerts,
    "approvals": tiles.approvals,
    "operations": tiles.operations,
    "payouts": tiles.payouts,
}

_VARIANTS: Final = {
    State.GOOD: "success",
    State.NOTE: "warning",
    State.ALARM: "danger",
    State.UNKNOWN: "default",
}


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the page can show."""

    at: datetime
    tiles: dict[str, Tile]
    books: list[CurrencyBooks] | None
    """None: not known."""
    flows: list[Flow] | None
    position: rollups.Position | None


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the admin's first page; Unfold calls it."""
    board = read()
    shown = [
        _shown(PLACES[name], board.tiles[name])
        for name in PLACES
        if _may(request, PLACES[name].permission)
    ]
    context |= {"title": "Home", "tiles": shown, "board": board}
    context["has_no_role"] = not any(
        place.permission and _may(request, place.permission) for place in PLACES.values()
    )
    context["may_see_books"] = _may(request, _BOOKS)
    if context["may_see_books"]:
        context |= _books(board)
        context |= _flows(board, request.GET.get("currency", ""))
    return context


def read() -> Board:
    """Read what everybody is shown, at most once in some seconds."""
    board = cache.get(_CACHE_KEY)
    if not isinstance(board, Board):
        board = _Reading().board()
        cache.set(_CACHE_KEY, board, CACHED_SECONDS)
    return board


class _Reading:
    """One look at everything. Behind the first part that hangs nobody waits for another."""

    def __init__(self) -> None:
        self._is_away = False

    def board(self) -> Board:
        """Read all parts; what cannot be read is unknown."""
        today = clock.now().date()
        since = today - timedelta(days=DAYS - 1)
        told = self._ask(rollups.trial_balance_now)
        books = None if told is None else tiles.books_by_currency(told)
        found = {name: self._ask(reader) or UNKNOWN for name, reader in _READERS.items()}
        found |= _of_books(told, books)
        lines = None if told is None else told.lines
        open_ = None if lines is None else self._ask(lambda: tiles.suspense(lines))
        found["suspense"] = open_ or UNKNOWN
        found["dependencies"] = tiles.dependencies()
        flows = self._ask(lambda: rollups.by_day(None, since, today))
        position = None if told is None else told.position
        return Board(clock.now(), found, books, flows, position)

    def _ask(self, question: Callable[[], T]) -> T | None:
        if self._is_away:
            return None
        try:
            return question()
        except Error as error:
            self._is_away = is_transient(error)
            logger.warning("home.unknown", extra={"reason": str(error)})
            return None


def _of_books(told: TrialBalance | None, books: list[CurrencyBooks] | None) -> dict[str, Tile]:
    if told is None or books is None:
        return {"trial_balance": UNKNOWN, "safeguarding": UNKNOWN}
    return {
        "trial_balance": tiles.trial_balance(books, told),
        "safeguarding": tiles.safeguarding(books),
    }


def _shown(place: Place, tile: Tile) -> dict[str, Any]:
    return {
        "title": place.title,
        "icon": place.icon,
        "link": _link(place),
        "value": tile.value,
        "detail": tile.detail,
        "state": tile.state.value,
        "variant": _VARIANTS[tile.state],
    }


def _link(place: Place) -> str:
    for name in place.pages:
        try:
            return reverse(name) + place.query
        except NoReverseMatch:
            continue
    return ""


def _may(request: HttpRequest, permission: str) -> bool:
    return not permission or request.user.has_perm(permission)


def _books(board: Board) -> dict[str, Any]:
    return {
        "is_new": board.books == [],
        "books": [
            {
                "currency": one.currency,
                "customers": money(one.customers, one.currency),
                "at_rails": money(one.at_rails, one.currency),
                "in_transit": money(one.in_transit, one.currency),
                "cover": money(one.cover, one.currency),
                "is_short": one.cover < 0,
                "difference": money(one.difference or 0, one.currency),
                "is_off": bool(one.difference),
                "is_known": one.difference is not None,
            }
            for one in board.books or []
        ],
    }


def _flows(board: Board, wanted: str) -> dict[str, Any]:
    """Prepare the chart of one currency, the choice among them, and the same figures as a table."""
    flows = board.flows or []
    currencies = sorted(
        {flow.currency for flow in flows} | {one.currency for one in board.books or []}
    )
    if not currencies:
        return {"currencies": []}
    usual = settings.DEFAULT_CURRENCY if settings.DEFAULT_CURRENCY in currencies else currencies[0]
    chosen = wanted if wanted in currencies else usual
    by_day = {flow.day: flow for flow in flows if flow.currency == chosen}
    first = board.at.date() - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return {
        "currency": chosen,
        "currencies": [
            {"title": one, "link": f"?currency={one}", "active": one == chosen}
            for one in currencies
        ],
        "chart": _chart(days, by_day, chosen),
        "days": [
            {
                "day": day,
                "money_in": money(by_day[day].money_in, chosen),
                "money_out": money(by_day[day].money_out, chosen),
            }
            for day in reversed(days)
            if day in by_day
        ],
        "total_in": money(sum(flow.money_in for flow in by_day.values()), chosen),
        "total_out": money(sum(flow.money_out for flow in by_day.values()), chosen),
    }


def _chart(days: list[date], by_day: dict[date, Flow], currency: str) -> str:
    """Write the chart's data as JSON: exact decimals as text, which the chart reads as numbers.

    What went out points down, because the theme draws the bars of a day over each other.
    """

    def amounts(pick: Callable[[Flow], int]) -> list[str]:
        return [format_minor(pick(by_day[day]) if day in by_day else 0, currency) for day in days]

    return json.dumps(
        {
            "labels": [f"{day:%d %b}" for day in days],
            "datasets": [
                {
                    "label": f"In, {currency}",
                    "data": amounts(lambda flow: flow.money_in),
                    "backgroundColor": "var(--color-primary-600)",
                    "displayYAxis": True,
                    "suffixYAxis": currency,
                    "maxTicksXLimit": 10,
                    "maxBarThickness": 10,
                },
                {
                    "label": f"Out, {currency}",
                    "data": amounts(lambda flow: -flow.money_out),
                    "backgroundColor": "var(--color-base-400)",
                    "maxBarThickness": 10,
                },
            ],
        }
    )
