"""Runs: what was matched by which rule, and what is left."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, StaffAct
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.links import row_link
from wallet_project.kit.staff_names import NamesStaff, staff_column
from wallets.reconciliation.admin import pages, tables
from wallets.reconciliation.admin.columns import DeskColumns
from wallets.reconciliation.admin.forms import RunForm
from wallets.reconciliation.models import Run, StatementFile
from wallets.reconciliation.operations.reconcile import reconcile


@admin.register(Run)
class RunAdmin(NamesStaff, DeskColumns, ActingAdmin):
    """Runs, newest first."""

    list_display = ("ended", "client_link", "channel", "leftovers", "file_link", "by_whom")
    staff_columns = ("by",)
    by_whom = staff_column("by", "By")
    search_fields = ("client", "id")
    search_help_text = "Exact number of a client or id of a run"
    empty_text = "Nothing was reconciled yet. Loading a file does it, and the button above."
    fields = (
        ("client_link", "channel"),
        ("started_at", "ended_at"),
        ("leftovers", "by_whom"),
        "file_link",
    )
    readonly_fields = ("client_link", "file_link", "by_whom")
    change_form_outer_after_template = "admin/reconciliation/run.html"
    list_acts = (
        StaffAct(
            "run",
            "Reconcile a channel",
            "reconciliation.run_reconciliation",
            form=RunForm,
            hint="Reads on what the books have posted, and applies the channel's rules to "
            "everything that is open. Loading a file does it by itself.",
        ),
    )

    @admin.display(description="Ended")
    def ended(self, row: Run) -> str:
        return f"{row.ended_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="File")
    def file_link(self, row: Run) -> SafeString | str:
        return row_link("reconciliation.statementfile", row.file, "the file")

    def do_run(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        """Reconcile a channel and show what came out."""
        channel = pages.channel_of(asked["setup"])
        done = reconcile(channel=channel, by=audit.actor_of(request))
        return HttpResponseRedirect(reverse("admin:reconciliation_run_change", args=[done.run]))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the figures below the row."""
        run = kwargs.get("obj")
        if run is not None:
            listed = reverse("admin:reconciliation_item_changelist")
            more = f"{listed}?client={run.client}&channel={run.channel}&status__exact=OPEN"
            context["sections"] = [
                *_of_file(run),
                tables.matched(run.result),
                tables.left(run.result, more),
                tables.doubts(run.result, _match_page),
            ]
        return super().render_change_form(request, context, *args, **kwargs)


def _of_file(run: Run) -> list[Any]:
    file = StatementFile.objects.using(PRIMARY).filter(pk=run.file).first() if run.file else None
    return [] if file is None else [tables.sums(file.sums)]


def _match_page(item: str) -> str:
    return reverse("admin:reconciliation_item_match", args=[item])
