"""Exports, statements that were issued, and who gets one each month."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.http.response import FileResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, NoForm, ReasonForm, StaffAct
from wallet_project.kit.admin import NOTHING, coloured, money, money_column
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.links import row_link
from wallet_project.kit.staff_names import NamesStaff, staff_column
from wallets.exports import issuing, jobs, monthly, worker
from wallets.exports.errors import ExportNotReady
from wallets.exports.formats import known
from wallets.exports.models import (
    ExportJob,
    ExportStatus,
    Format,
    IssuedStatement,
    Kind,
    MonthlyStatements,
)

REQUEST = "exports.request_exportjob"
DOWNLOAD = "exports.download_exportjob"
_COLOURS = {
    "PENDING": "info",
    "RUNNING": "info",
    "DONE": "success",
    "FAILED": "danger",
    "CANCELLED": "warning",
    "EXPIRED": "warning",
}


class _OfWallet(NamesClients, ActingAdmin):
    """Rows about a wallet, found by their own id or by its."""

    search_fields = ("id", "wallet")
    search_help_text = "Exact id of the row or of a wallet"

    def exact_matches(self, term: str) -> Q:
        """Find a row, or a wallet's rows: each by its own index, not by both at once."""
        try:
            found = self.model._meta.pk.to_python(term)
        except ValidationError:
            return Q(pk__in=[])
        is_row = self.model._base_manager.using(PRIMARY).filter(pk=found).exists()
        return Q(pk=found) if is_row else Q(wallet=found)

    @admin.display(description="Wallet")
    def wallet_link(self, row: Any) -> SafeString | str:
        return row_link("wallets.wallet", row.wallet)

    @admin.display(description="Client")
    def client_link(self, row: Any) -> SafeString | str:
        return client_cell(row)


@admin.register(ExportJob)
class ExportJobAdmin(NamesStaff, _OfWallet):
    """Files that are made in the background, and how far they are."""

    list_display = (
        *("id", "wallet_link", "kind", "format", "status_label", "progress", "by_whom"),
        *("created_at", "expires_at"),
    )
    staff_columns = ("requested_by",)
    by_whom = staff_column("requested_by", "Asked by")
    empty_text = "Nobody has asked for an export. A wallet's statement page offers them."
    fields = (
        ("id", "status_label"),
        ("wallet_link", "client_link"),
        ("kind", "format"),
        ("since", "before"),
        ("progress", "error"),
        ("by_whom", "reason"),
        ("statement_link", "file_link"),
        ("size", "file_hash"),
        ("created_at", "finished_at", "expires_at"),
    )
    readonly_fields = (
        *("status_label", "wallet_link", "client_link", "progress", "statement_link"),
        *("file_link", "file_hash", "by_whom"),
    )
    acts = (
        StaffAct("cancel", "Cancel the export", REQUEST, is_grave=True),
        StaffAct("retry", "Make it again", REQUEST, hint="Of the same movements as before."),
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the file."""
        view = self.admin_site.admin_view(require_safe(self.file_view))
        own = path("<uuid:export_id>/file/", view, name="exports_exportjob_file")
        return [own, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Remember who looks: only some may fetch the file."""
        if obj is not None:
            obj.may_fetch = request.user.has_perm(DOWNLOAD)
        return super().get_fields(request, obj)

    def file_view(self, request: HttpRequest, export_id: Any) -> HttpResponseBase:
        """Send the file; note who fetched it.

        :raises PermissionDenied: without the right.
        :raises Http404: where there is none, or none any more.
        """
        if not request.user.has_perm(DOWNLOAD) or not self.has_view_permission(request):
            raise PermissionDenied
        job = self._row(str(export_id))
        if not jobs.is_offered(job):
            raise Http404
        jobs.note_download(job, audit.actor_of(request))
        writer = known.WRITERS[Kind(job.kind), Format(job.format)]
        name = f"{job.kind}-{job.pk}.{writer.suffix}"
        return FileResponse(
            worker.storage().open(job.file, "rb"), as_attachment=True, filename=name
        )

    def offers(self, act: StaffAct, row: ExportJob) -> bool:
        """Offer to cancel what has not ended, and to make again what ended without a file."""
        return row.status in (jobs.UNFINISHED if act.name == "cancel" else jobs.AGAIN)

    def do_cancel(self, request: HttpRequest, row: ExportJob, asked: Asked) -> str:
        """Cancel the export."""
        jobs.cancel(export=row.pk, by=audit.actor_of(request), reason=asked["reason"])
        return "The export is cancelled."

    def do_retry(self, request: HttpRequest, row: ExportJob, asked: Asked) -> str:
        """Have it made again."""
        jobs.retry(export=row.pk, by=audit.actor_of(request), reason=asked["reason"])
        return "The export is made again."

    @coloured(_COLOURS)
    @admin.display(description="Status")
    def status_label(self, job: ExportJob) -> str:
        return job.status

    @admin.display(description="Progress")
    def progress(self, job: ExportJob) -> str:
        done, of = jobs.progress(job)
        if job.status == ExportStatus.DONE or not of:
            return f"{job.lines} lines"
        return f"{100 * done // of} %, {done} of {of} steps"

    @admin.display(description="Statement")
    def statement_link(self, job: ExportJob) -> SafeString | str:
        return row_link("exports.issuedstatement", job.statement)

    @admin.display(description="File")
    def file_link(self, job: ExportJob) -> SafeString | str:
        if not jobs.is_offered(job) or not getattr(job, "may_fetch", False):
            return NOTHING
        url = reverse("admin:exports_exportjob_file", args=[job.pk])
        return format_html('<a class="text-primary-600" href="{}">Download</a>', url)

    @admin.display(description="SHA-256 of the file")
    def file_hash(self, job: ExportJob) -> str:
        return bytes(job.sha256).hex() if job.sha256 else NOTHING


@admin.register(IssuedStatement)
class IssuedStatementAdmin(_OfWallet):
    """What statements said when they were issued. Never changed."""

    list_display = (
        *("id", "wallet_link", "since", "before", "lines", "opening_money", "closing_money"),
        *("issued_at", "issued_by"),
    )
    empty_text = "No statement was issued yet: GET /wallets/{id}/statement issues the first one."
    fields = (
        ("id", "issued_at", "issued_by"),
        ("wallet_link", "client_link", "currency"),
        ("since", "before"),
        ("first", "last", "lines"),
        ("opening_money", "credits_money", "debits_money", "closing_money"),
        "hash",
    )
    readonly_fields = (
        *("wallet_link", "client_link", "lines", "opening_money", "credits_money"),
        *("debits_money", "closing_money", "hash"),
    )
    acts = (
        StaffAct(
            "verify",
            "Verify",
            "exports.verify_issuedstatement",
            form=NoForm,
            hint="Walks the books again and compares the hashes. Long ones: verify_statement.",
        ),
    )

    def do_verify(self, request: HttpRequest, row: IssuedStatement, asked: Asked) -> str:
        """Compare the statement with the books."""
        if row.lines > settings.STATEMENT_LINES_MAX:
            raise ExportNotReady(
                f"It has {row.lines} lines; run manage.py verify_statement {row.pk}."
            )
        differences = issuing.verify(row)
        detail = {"differences": len(differences)}
        with transaction.atomic(using=PRIMARY):
            subject = "exports.issuedstatement"
            act = audit.Act("statement.verify", subject, str(row.pk), detail=detail)
            audit.record(audit.actor_of(request), act)
        if differences:
            raise ExportNotReady("It does not hold: " + " ".join(differences[:5]))
        return f"It holds: the books make the same hash of its {row.lines} lines."

    @money_column("Opening")
    def opening_money(self, row: IssuedStatement) -> str:
        return money(row.opening, row.currency)

    @money_column("Closing")
    def closing_money(self, row: IssuedStatement) -> str:
        return money(row.closing, row.currency)

    @money_column("Credits")
    def credits_money(self, row: IssuedStatement) -> str:
        return money(row.credits, row.currency)

    @money_column("Debits")
    def debits_money(self, row: IssuedStatement) -> str:
        return money(row.debits, row.currency)

    @admin.display(description="SHA-256")
    def hash(self, row: IssuedStatement) -> str:
        return bytes(row.sha256).hex()


class _MonthlyForm(ReasonForm):
    """Whose wallets get statements."""

    client = forms.CharField(
        max_length=40, widget=UnfoldAdminTextInputWidget(), help_text="The client's name."
    )
    format = forms.ChoiceField(
        choices=[(one.value, one.label) for one in Format], widget=UnfoldAdminSelectWidget()
    )
    field_order = ("client", "format", "reason")


@admin.register(MonthlyStatements)
class MonthlyStatementsAdmin(ActingAdmin):
    """Clients whose wallets get a statement of each month, when it is over where they are."""

    list_display = ("client_link", "format", "is_active", "month")
    list_select_related = ("client",)
    search_fields = ("id",)
    search_help_text = "Exact number"
    empty_text = "No client gets monthly statements."
    fields = (("client_link", "format"), ("is_active", "month"))
    readonly_fields = ("client_link",)
    list_acts = (
        StaffAct(
            "start",
            "Start monthly statements",
            "exports.manage_monthlystatements",
            form=_MonthlyForm,
            hint="From the present month on, for every wallet that has ever moved money.",
        ),
    )
    acts: ClassVar = (StaffAct("stop", "Stop", "exports.manage_monthlystatements", is_grave=True),)

    @admin.display(description="Client")
    def client_link(self, row: MonthlyStatements) -> SafeString | str:
        return row_link("wallets.client", row.client_id, str(row.client))

    def offers(self, act: StaffAct, row: MonthlyStatements) -> bool:
        """Offer to stop what goes on."""
        return row.is_active

    def do_start(self, request: HttpRequest, asked: Asked) -> str:
        """Start them."""
        monthly.switch(
            client=asked["client"],
            format_=Format(asked["format"]),
            active=True,
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        return f"{asked['client']} gets monthly statements."

    def do_stop(self, request: HttpRequest, row: MonthlyStatements, asked: Asked) -> str:
        """Stop them."""
        monthly.switch(
            client=str(row.client),
            format_=Format(row.format),
            active=False,
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        return f"{row.client} gets no monthly statements any more."
