"""Months of the books: which are closed, and what they came to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.module_loading import import_string
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from ledger.admin.clients import choices, names_of
from ledger.admin.columns import BooksAdmin, utc
from ledger.periods import calendars, closing
from ledger.periods.models import Calendar, Close, ClosingFigure, Reopening
from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, ReasonForm, StaffAct
from wallet_project.kit.admin import ReadOnlyInline, coloured, money, money_column
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.staff_names import NamesStaff, staff_column

_CLOSES_SHOWN = 36


class MonthForm(ReasonForm):
    """Names a month, with a reason."""

    month = forms.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Such as 2026-01.",
        error_messages={"invalid": "Write it like 2026-01."},
    )
    field_order = ("client", "month", "reason")

    def clean_month(self) -> date:
        """Return its first day."""
        return date.fromisoformat(f"{self.cleaned_data['month']}-01")


class _ClientForm(forms.Form):
    client = forms.TypedChoiceField(
        choices=choices,
        coerce=int,
        widget=UnfoldAdminSelectWidget(),
        error_messages={"invalid_choice": "There is no client %(value)s."},
    )


class FirstMonthForm(_ClientForm, MonthForm):
    """Names a client and a month."""


class ZoneForm(ReasonForm):
    """Names a time zone."""

    time_zone = forms.CharField(
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text="As the IANA database names it, such as Pacific/Auckland.",
    )
    field_order = ("client", "time_zone", "reason")


class FirstZoneForm(_ClientForm, ZoneForm):
    """Names a client and a time zone."""


class ReopeningForm(ReasonForm):
    """Explains why a month is to be opened again."""

    ticket = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Where it was decided, such as FIN-17.",
    )


_CLOSING = (
    "From now on value dates up to the end of the month are refused. It is closed when nothing can "
    "reach it any more, in two to four minutes, and if its books prove."
)


@admin.register(Calendar)
class CalendarAdmin(NamesClients, ActingAdmin):
    """Each client's months: closed through, being closed, and in which zone its days begin."""

    list_display = ("client_link", "closed_through", "state", "time_zone", "trouble")
    search_fields = ("client",)
    search_help_text = "Exact number of the client"
    empty_text = "No month was closed yet: close the first."
    fields = (
        ("client_named", "time_zone"),
        ("closed_through", "barred_through"),
        ("state", "closing_since"),
        ("closing_by", "closing_reason"),
        "trouble",
    )
    readonly_fields = ("client_named", "state")
    change_form_before_template = "admin/ledger/calendar/closes.html"
    list_acts = (
        StaffAct("close_first", "Close a month", "periods.close_period", FirstMonthForm, _CLOSING),
        StaffAct("set_first_zone", "Set a time zone", "periods.set_time_zone", FirstZoneForm),
    )
    acts = (
        StaffAct("close", "Close a month", "periods.close_period", MonthForm, _CLOSING),
        StaffAct(
            "give_up",
            "Give up closing",
            "periods.close_period",
            hint="Value dates of the month are taken again.",
            is_grave=True,
        ),
        StaffAct(
            "reopen",
            "Ask for opening the last month again",
            "periods.request_reopening",
            ReopeningForm,
            "Somebody else has to allow it. The close stays on record.",
            is_grave=True,
        ),
        StaffAct(
            "set_zone",
            "Set the time zone",
            "periods.set_time_zone",
            ZoneForm,
            "Reports by day are told by it from now on, those of the past too. Value dates stay.",
        ),
    )

    @admin.display(description="Client")
    def client_link(self, row: Calendar) -> str:
        return client_cell(row)

    @admin.display(description="Client")
    def client_named(self, row: Calendar) -> str:
        return client_cell(row)

    @coloured({"open": "success", "cannot be closed": "danger"})
    @admin.display(description="State")
    def state(self, row: Calendar) -> str:
        if row.trouble:
            return "cannot be closed"
        if row.closing_since is not None and row.barred_through is not None:
            return f"{row.barred_through:%Y-%m} is being closed"
        return "open" if row.closed_through is None else f"open from {self._next(row):%Y-%m} on"

    def offers(self, act: StaffAct, row: Any) -> bool:
        """Offer to give up what is being closed, and to close what is not."""
        is_closing = row.closing_since is not None
        can_reopen = not is_closing and row.closed_through is not None
        offered = {"give_up": is_closing, "close": not is_closing, "reopen": can_reopen}
        return offered.get(act.name, True)

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Propose the month whose turn it is."""
        if act.name == "close" and row is not None and row.closed_through is not None:
            return {"month": f"{self._next(row):%Y-%m}"}
        return {"time_zone": row.time_zone} if act.name == "set_zone" and row is not None else {}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the closes of the client."""
        row = kwargs.get("obj")
        if row is not None:
            context["closes"] = _closes(row)
        return super().render_change_form(request, context, *args, **kwargs)

    def do_close_first(self, request: HttpRequest, asked: Asked) -> str:
        """Begin to close a month of a client."""
        return self._close(request, asked["client"], asked)

    def do_close(self, request: HttpRequest, row: Calendar, asked: Asked) -> str:
        """Begin to close a month."""
        return self._close(request, row.client, asked)

    def do_give_up(self, request: HttpRequest, row: Calendar, asked: Asked) -> str:
        """Let value dates in again."""
        closing.give_up(client=row.client, by=audit.actor_of(request), reason=asked["reason"])
        return "It is given up; value dates of the month are taken again."

    def do_reopen(self, request: HttpRequest, row: Calendar, asked: Asked) -> HttpResponse:
        """Ask for opening the last closed month again; lead to the request."""
        ask: Callable[..., Any] = import_string(settings.ASK_FOR_REOPENING)
        by = audit.actor_of(request)
        made = ask(client=row.client, by=by, reason=asked["reason"], ticket=asked["ticket"])
        self.message_user(request, "It is asked for. Somebody else has to allow it.")
        return HttpResponseRedirect(reverse("admin:approvals_approval_change", args=[made]))

    def do_set_first_zone(self, request: HttpRequest, asked: Asked) -> str:
        """Set the time zone of a client's days."""
        return self._set_zone(request, asked["client"], asked)

    def do_set_zone(self, request: HttpRequest, row: Calendar, asked: Asked) -> str:
        """Set the time zone of a client's days."""
        return self._set_zone(request, row.client, asked)

    def _close(self, request: HttpRequest, client: int, asked: Asked) -> str:
        month: date = asked["month"]
        by = audit.actor_of(request)
        closing.begin(client=client, month=month, by=by, reason=asked["reason"])
        return (
            f"{month:%Y-%m} is barred: it is closed in some minutes, when nothing can reach it "
            "any more."
        )

    def _set_zone(self, request: HttpRequest, client: int, asked: Asked) -> str:
        by, name = audit.actor_of(request), asked["time_zone"]
        calendars.set_time_zone(client=client, name=name, by=by, reason=asked["reason"])
        return f"Days of {names_of([client]).get(client, client)} begin in {name} now."

    def _next(self, row: Calendar) -> date:
        return calendars.following(row.closed_through or date.min)


class FigureInline(ReadOnlyInline):
    """What a month came to, a line for each class of accounts and currency."""

    model = ClosingFigure
    fields = (
        "account_class",
        "currency",
        "opening_then",
        "debits_then",
        "credits_then",
        "closing_then",
        "postings",
    )
    readonly_fields = ("opening_then", "debits_then", "credits_then", "closing_then")
    ordering = ("pk",)
    verbose_name_plural = "Closing figures by value date, credit positive"
    per_page = 100

    @money_column("Opening")
    def opening_then(self, row: ClosingFigure) -> str:
        return money(row.opening, row.currency)

    @money_column("Debit")
    def debits_then(self, row: ClosingFigure) -> str:
        return money(row.debits, row.currency)

    @money_column("Credit")
    def credits_then(self, row: ClosingFigure) -> str:
        return money(row.credits, row.currency)

    @money_column("Closing")
    def closing_then(self, row: ClosingFigure) -> str:
        return money(row.closing, row.currency)


@admin.register(Close)
class CloseAdmin(NamesStaff, NamesClients, BooksAdmin):
    """Closed months, the last one closed first; also those that were opened again."""

    list_display = (
        "month_named",
        "client_link",
        "version",
        "state",
        "closed",
        "by_whom",
        "postings",
    )
    staff_columns = ("actor",)
    by_whom = staff_column("actor", "Closed by")
    list_select_related = ("reopening",)
    search_fields = ("client",)
    search_help_text = "Exact number of the client"
    empty_text = "No month was closed yet. Months are closed on the page of the client's periods."
    fields = (
        ("month_named", "version"),
        ("client_link", "state"),
        ("closed", "by_whom"),
        "reason",
        ("upto", "postings"),
        "hash_shown",
        "previous_shown",
        "opened_again",
    )
    readonly_fields = (
        *("month_named", "client_link", "state", "closed", "by_whom"),
        *("hash_shown", "previous_shown", "opened_again"),
    )
    inlines = (FigureInline,)

    @admin.display(description="Month")
    def month_named(self, close: Close) -> str:
        return f"{close.month:%Y-%m}"

    @admin.display(description="Client")
    def client_link(self, close: Close) -> str:
        return client_cell(close)

    @coloured({"in force": "success", "opened again": "warning"})
    @admin.display(description="State")
    def state(self, close: Close) -> str:
        return "in force" if _reopening(close) is None else "opened again"

    @admin.display(description="Closed at")
    def closed(self, close: Close) -> str:
        return utc(close.closed_at)

    @admin.display(description="Hash of the figures (SHA-256)")
    def hash_shown(self, close: Close) -> str:
        return bytes(close.figures_hash).hex()

    @admin.display(description="Hash of the close before")
    def previous_shown(self, close: Close) -> str:
        return bytes(close.previous_hash).hex() if close.previous_hash else "-"

    @admin.display(description="Opened again")
    def opened_again(self, close: Close) -> str:
        found = _reopening(close)
        if found is None:
            return "-"
        return (
            f"{utc(found.reopened_at)}, asked for by {found.actor}, allowed by "
            f"{found.approved_by}: {found.reason}"
        )


def _reopening(close: Close) -> Reopening | None:
    found: Reopening | None = getattr(close, "reopening", None)
    return found


def _closes(row: Calendar) -> list[Close]:
    rows = Close.objects.using(PRIMARY).filter(client=row.client).select_related("reopening")
    return list(rows.order_by("-month", "-version")[:_CLOSES_SHOWN])
