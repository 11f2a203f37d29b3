"""What the templates of a wallet's pages are given."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from ledger.account_lines import Opening
from wallets import explanation as explaining
from wallets import staff_queries, statements
from wallets.admin import chart, sections, status
from wallets.admin.cells import (
    IN_OUR_TIME,
    Cell,
    Links,
    Section,
    amount,
    short,
    signed,
    titles,
    utc,
)
from wallets.explanation import Explanation, Step
from wallets.models import Wallet
from wallets.staff_queries import WalletFacts

STEPS: Final = 100
"""How many postings of an explanation a page shows."""
HOLDS: Final = 50
_PAGES: Final = (
    ("overview", "Overview", "wallets_wallet_change"),
    ("statement", "Statement", "wallets_wallet_statement"),
    ("explain", "Explain this balance", "wallets_wallet_explain"),
)


def frame(request: HttpRequest, facts: WalletFacts, page: str) -> dict[str, Any]:
    """Make what stands around every page of a wallet."""
    wallet, currency = facts.row, facts.row.currency
    return {
        "title": wallet.reference or str(wallet.pk),
        "page_name": page,
        "object": wallet,
        "wallet": wallet,
        "client_url": Links(request).row("wallets", "client", wallet.client_id),
        "client_name": wallet.client.name,
        "status_tone": sections.STATUS_TONES.get(wallet.status, "info"),
        "money": [
            ("Balance", amount(wallet.balance, currency).text),
            ("Held", amount(facts.held, currency).text),
            ("Available", amount(facts.available, currency).text),
            ("Overdraft limit", amount(wallet.overdraft_limit, currency).text),
        ],
        "facts": [
            ("Id", str(wallet.pk)),
            ("User", wallet.user_id or "not named"),
            ("Version", str(wallet.version)),
            ("Postings", str(wallet.posting_sequence)),
            ("Created", utc(wallet.created_at)),
            ("Last movement", utc(wallet.last_posted_at) if wallet.last_posted_at else "never"),
        ],
        # Pairs: a template would take a key named "items" for the method.
        "metadata": list(wallet.metadata.items()),
        "as_of": utc(facts.true_at),
        "pages": [
            {
                "title": title,
                "link": reverse(f"admin:{name}", args=[wallet.pk]),
                "active": key == page,
            }
            for key, title, name in _PAGES
        ],
        "acts": [
            (act, reverse(f"admin:wallets_wallet_{act.name}", args=[wallet.pk]))
            for act in status.offered(wallet, request)
        ],
    }


def spans(chosen: chart.Span) -> list[dict[str, Any]]:
    """List the times a curve can show."""
    return [
        {"title": span.title, "link": f"?chart={span.name}", "active": span == chosen}
        for span in chart.SPANS
    ]


class SinceForm(forms.Form):
    """From which moment on a balance is explained."""

    since = forms.DateTimeField(
        label="Start at (UTC)",
        required=False,
        validators=IN_OUR_TIME,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"}),
    )


def explanation(request: HttpRequest, facts: WalletFacts) -> dict[str, Any]:
    """Make what the page that explains a balance shows."""
    form = SinceForm(request.GET)
    since = form.cleaned_data["since"] if form.is_valid() else None
    found = explaining.explain(facts, since=since)
    wallet, currency = facts.row, facts.row.currency
    after = _after(request)
    shown = [step for step in found.steps if step.line.sequence > after][:STEPS]
    links = Links(request)
    last = found.steps[-1].line.sequence if found.steps else 0
    return {
        "form": form,
        "explained": found,
        "opening_words": _opening_words(found.opening, is_later=found.is_later),
        "sums": [
            ("Opening balance", amount(found.opening.balance, currency).text),
            ("Credits since", signed(found.credits, currency).text),
            ("Debits since", signed(-found.debits, currency).text),
            ("The postings make", amount(found.computed, currency).text),
            ("The wallet says", amount(facts.row.balance, currency).text),
        ],
        "available_sums": [
            ("Balance", amount(facts.row.balance, currency).text),
            ("Held by active holds", signed(-facts.held, currency).text),
            ("Overdraft limit", signed(facts.row.overdraft_limit, currency).text),
            ("Available", amount(facts.available, currency).text),
        ],
        "expired": amount(facts.expired, currency).text if facts.expired else "",
        "steps": _steps(shown, links, wallet),
        "first": shown[0].line.sequence if shown else 0,
        "last": shown[-1].line.sequence if shown else 0,
        "next": _next(request, shown, last),
        "fault_url": _fault_url(request, found),
        "holds": _active_holds(facts, links),
    }


def _opening_words(opening: Opening, *, is_later: bool) -> str:
    if not opening.sequence:
        return "It starts from nothing, before the first posting."
    if opening.taken_at is not None:
        return (
            f"It starts from the balance that was written down at {utc(opening.taken_at)}, "
            f"after posting {opening.sequence}."
        )
    words = f"It starts from the balance after posting {opening.sequence}, as that posting has it."
    if is_later:
        words += (
            f" There are more than {explaining.POSTINGS_MAX} postings; the whole history is proved "
            "by manage.py verify_ledger."
        )
    return words


def _steps(shown: list[Step], links: Links, wallet: Wallet) -> Section:
    rows = [
        (
            Cell(str(step.line.sequence)),
            Cell(utc(step.line.posted_at)),
            Cell(
                statements.type_of(step.line),
                links.entry(step.line.entry),
                hint=step.line.reference,
            ),
            signed(step.line.amount, wallet.currency),
            amount(step.sum, wallet.currency),
            amount(step.line.balance_after, wallet.currency, tone="" if step.agrees else "danger"),
        )
        for step in shown
    ]
    return Section(
        "Postings since",
        titles("No.", "Posted", "Type, reference", "Amount#", "Sum so far#", "Posting says#"),
        rows,
        "Nothing was posted since.",
    )


def _active_holds(facts: WalletFacts, links: Links) -> Section | None:
    if not links.may("wallets.view_hold"):
        return None
    holds = staff_queries.active_holds(facts.row.pk, facts.true_at, limit=HOLDS)
    rows = [
        (
            Cell(short(hold.id), links.row("wallets", "hold", hold.id)),
            Cell(hold.status, tone="info" if hold.status == "ACTIVE" else "warning"),
            amount(hold.amount, hold.currency),
            Cell(utc(hold.created_at)),
            Cell(utc(hold.expires_at) if hold.expires_at else "never"),
        )
        for hold in holds
    ]
    return Section(
        f"Active holds ({facts.active_holds})",
        titles("Hold", "Status", "Amount#", "Placed", "Expires"),
        rows,
        "Nothing is set aside.",
        links.list("wallets", "hold", q=str(facts.row.pk)),
    )


def _after(request: HttpRequest) -> int:
    text = request.GET.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _next(request: HttpRequest, shown: list[Step], last: int) -> str:
    if not shown or shown[-1].line.sequence >= last:
        return ""
    return _address(request, shown[-1].line.sequence)


def _fault_url(request: HttpRequest, found: Explanation) -> str:
    """Return the address of the page on which the chain breaks."""
    if found.first_fault is None or len(found.steps) <= STEPS:
        return ""
    return _address(request, max(found.first_fault - 1, 0))


def _address(request: HttpRequest, after: int) -> str:
    asked = {"after": str(after)}
    if request.GET.get("since"):
        asked["since"] = request.GET["since"]
    return f"?{urlencode(asked)}"
