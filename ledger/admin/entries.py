"""Entries, each with its lines and with everything they are linked to."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from ledger import queries
from ledger.admin import links
from ledger.admin.clients import names_of
from ledger.admin.columns import BooksAdmin, signed_money, utc
from ledger.models import JournalEntry, Posting
from ledger.periods import calendars
from wallet_project.kit import audit
from wallet_project.kit.admin import money
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.staff_names import NamesStaff, named, staff_column

_REVERSALS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A posting as the page shows it."""

    posting: Posting
    account_url: str
    posting_url: str
    amount: str
    balance_after: str
    wallet_url: str
    """Empty where the account is nobody's wallet; so is the next one."""
    event_url: str


@dataclass(frozen=True, slots=True)
class Total:
    """What the lines of a currency sum to."""

    currency: str
    amount: str
    is_zero: bool


@dataclass(frozen=True, slots=True)
class Linked:
    """Another entry: one that this one takes back, or that takes this one back."""

    id: Any
    url: str
    kind: str
    posted: str
    value_date: str


@admin.register(JournalEntry)
class JournalEntryAdmin(NamesStaff, NamesClients, BooksAdmin):
    """Entries, the last one made first."""

    list_display = ("id", "kind", "client_link", "reference", "channel", "by", "posted")
    staff_columns = ("actor",)
    by = staff_column("actor", "By")
    search_fields = ("id", "idempotency_key")
    search_help_text = "Exact id, or digest of the key in hex"
    empty_text = "No money has moved yet. An entry appears with the first deposit."
    change_form_template = "admin/ledger/journalentry/change_form.html"

    @admin.display(description="Client")
    def client_link(self, entry: JournalEntry) -> str:
        return client_cell(entry)

    @admin.display(description="Posted at")
    def posted(self, entry: JournalEntry) -> str:
        return utc(entry.posted_at)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """Show the entry by a page of our own, which has no form."""
        if obj is not None:
            context |= _page(obj) | _people(obj, request)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _page(entry: JournalEntry) -> dict[str, Any]:
    # Everything from the database that had the entry: it was written by one transaction.
    using = entry._state.db or PRIMARY
    rows = Posting.objects.using(using).filter(entry=entry.pk)
    postings = list(rows.select_related("account").order_by("pk"))
    return {
        "title": f"{entry.kind.replace('_', ' ').capitalize()} of {utc(entry.posted_at)}",
        "entry": entry,
        "posted": utc(entry.posted_at),
        "value_day": _value_day(entry, using),
        "client_url": links.client_url(entry.client),
        "client_name": names_of([entry.client]).get(entry.client, "client"),
        "key": bytes(entry.idempotency_key).hex(),
        "metadata": json.dumps(entry.metadata, ensure_ascii=False) if entry.metadata else "",
        "note_hash": bytes(entry.note_hash).hex() if entry.note_hash else "",
        "lines": [_line(posting) for posting in postings],
        "totals": _totals(postings),
        "reverses": _entries(using, pk=entry.reverses) if entry.reverses else [],
        "approval_url": links.approval_url(entry.reference) if _is_approved(entry) else "",
        "belongs_to": _belonging(entry, using),
        "requests_url": links.requests_url(entry.pk),
        "ask_url": links.ask_url(entry.pk),
        "adjust_url": links.adjust_url(entry.pk, _only_wallet(postings)),
        "corrects": _corrected(entry, using),
        "corrected_by": _entries(using, pk__in=queries.corrections_of(entry.pk, using=using)),
        "can_be_reversed": entry.reverses is None and not _is_approved(entry),
        "reversed_by": _entries(using, pk__in=queries.reversals_of(entry.pk, using=using)),
    }


def _people(entry: JournalEntry, request: HttpRequest) -> dict[str, str]:
    """Name who asked for an entry; of what was approved, also who approved it."""
    if not _is_approved(entry):
        return {"asked_by": named([entry.actor], request.user)[entry.actor], "approved_by": ""}
    asker = audit.last_actor("approval.request", "approvals.approval", entry.reference) or "unknown"
    names = named([asker, entry.actor], request.user)
    return {"asked_by": names[asker], "approved_by": names[entry.actor]}


def _is_approved(entry: JournalEntry) -> bool:
    """Tell whether staff made the entry as was approved: its reference is the request's id."""
    return entry.actor.startswith("staff:") and _id(entry.reference) is not None


def _belonging(entry: JournalEntry, using: str) -> list[Linked]:
    """Find the movement for whose reversal the entry covers what was spent already."""
    taken_back = _id((entry.metadata or {}).get("takesBack"))
    return [] if taken_back is None else _entries(using, pk=taken_back)


def _corrected(entry: JournalEntry, using: str) -> list[Linked]:
    """Find the entry that this one puts right."""
    corrected = queries.corrected_by(entry.pk, using=using)
    return [] if corrected is None else _entries(using, pk=corrected)


def _only_wallet(postings: list[Posting]) -> UUID | None:
    """Name the wallet that an entry moved, where it moved one."""
    wallets = [one.account_id for one in postings if one.version is not None]
    return wallets[0] if len(wallets) == 1 else None


def _id(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _value_day(entry: JournalEntry, using: str) -> str:
    """Write the value date, and whether the month it is in is closed."""
    barred = calendars.barred_through([entry.client], using=using).get(entry.client)
    is_closed = barred is not None and entry.value_date <= barred
    return f"{entry.value_date} (closed month)" if is_closed else f"{entry.value_date}"


def _line(posting: Posting) -> Line:
    account, currency = posting.account_id, posting.account.currency
    # Only accounts of wallets count versions.
    is_wallet = posting.version is not None
    return Line(
        posting=posting,
        account_url=links.account_url(account),
        posting_url=links.posting_url(posting.pk),
        amount=signed_money(posting.amount, currency),
        balance_after=money(posting.balance_after, currency),
        wallet_url=links.wallet_url(account) if is_wallet else "",
        event_url=links.event_url(account, posting.version or 0) if is_wallet else "",
    )


def _totals(postings: list[Posting]) -> list[Total]:
    sums: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.account.currency] += posting.amount
    return [
        Total(currency, money(total, currency), total == 0)
        for currency, total in sorted(sums.items())
    ]


def _entries(using: str, **wanted: Any) -> list[Linked]:
    rows = JournalEntry.objects.using(using).filter(**wanted).order_by("pk")
    found = rows.values_list("pk", "kind", "posted_at", "value_date")[:_REVERSALS_SHOWN]
    return [
        Linked(pk, links.entry_url(pk), kind, utc(at), day.isoformat())
        for pk, kind, at, day in found
    ]
