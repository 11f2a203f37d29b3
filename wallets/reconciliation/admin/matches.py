"""Matches, and what ended them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, StaffAct
from wallet_project.kit.admin import coloured, money, money_column
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.links import row_link
from wallet_project.kit.staff_names import NamesStaff, staff_column
from wallets.reconciliation.admin.columns import DeskColumns
from wallets.reconciliation.models import Item, Match, MatchEnd, MatchPart
from wallets.reconciliation.operations.end_match import end_match

_PARTS_SHOWN = 100


@admin.register(Match)
class MatchAdmin(NamesStaff, DeskColumns, ActingAdmin):
    """Matches, newest first; none is ever removed."""

    list_display = (
        *("made_at", "rule_label", "state", "client_link", "channel_name", "total_money"),
        "by_whom",
    )
    staff_columns = ("made_by",)
    by_whom = staff_column("made_by", "Made by")
    search_fields = ("id", "client")
    search_help_text = "Exact id of a match or number of a client"
    list_select_related = ("ended",)
    empty_text = "Nothing was matched yet."
    fields = (
        ("rule_label", "state"),
        ("client_link", "channel_name", "total_money"),
        "parts_list",
        ("evidence", "reason"),
        ("made_at", "by_whom", "run_link"),
        "end_in_words",
    )
    readonly_fields = (
        *("rule_label", "state", "client_link", "channel_name", "total_money", "parts_list"),
        *("run_link", "end_in_words", "by_whom"),
    )
    acts = (
        StaffAct(
            "end",
            "Take the match apart",
            "reconciliation.end_match",
            hint="Its items are open again. Rules do not put the same items together again.",
            is_grave=True,
        ),
    )

    @admin.display(description="Rule")
    def rule_label(self, row: Match) -> str:
        return str(row.get_rule_display())

    @coloured({"holds": "success", "taken apart": "warning"})
    @admin.display(description="State")
    def state(self, row: Match) -> str:
        return "taken apart" if _end_of(row) else "holds"

    @money_column("Amount")
    def total_money(self, row: Match) -> str:
        return money(row.total, row.currency)

    @admin.display(description="Run")
    def run_link(self, row: Match) -> SafeString | str:
        return row_link("reconciliation.run", row.run, "the run")

    @admin.display(description="Taken apart")
    def end_in_words(self, row: Match) -> str:
        end = _end_of(row)
        return f"{end.at:%Y-%m-%d %H:%M:%S} by {end.by}: {end.reason}" if end else "no"

    @admin.display(description="Items")
    def parts_list(self, row: Match) -> SafeString:
        parts = MatchPart.objects.using(PRIMARY).filter(match=row.pk).order_by("pk")
        ids = list(parts.values_list("item_id", flat=True)[:_PARTS_SHOWN])
        items = Item.objects.using(PRIMARY).filter(pk__in=ids)
        return format_html_join("", "<div>{}</div>", ((_words(item),) for item in items))

    def offers(self, act: StaffAct, row: Any) -> bool:
        """Offer to take apart what holds."""
        return _end_of(row) is None

    def do_end(self, request: HttpRequest, row: Match, asked: Asked) -> str:
        """Take the match apart."""
        count = end_match(match=row.pk, by=audit.actor_of(request), reason=asked["reason"])
        return f"{count} items are open again."


def _end_of(row: Match) -> MatchEnd | None:
    # Joined in lists; where there is none Django raises an error that is an AttributeError, too.
    found: MatchEnd | None = getattr(row, "ended", None)
    return found


def _words(item: Item) -> SafeString | str:
    amount = money(item.amount, item.currency)
    text = f"{item.get_side_display()} {item.day}, {amount} {item.reference}"
    return row_link("reconciliation.item", item.pk, text)
