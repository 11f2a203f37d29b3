"""Files: brought, looked at, loaded; and their lines for ever."""

from __future__ import annotations

import zlib
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin
from wallet_project.kit.admin import ReadOnlyAdmin, money
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.links import list_link, row_link
from wallet_project.kit.staff_names import NamesStaff, staff_column
from wallets.reconciliation.admin import pages, tables
from wallets.reconciliation.admin.columns import DeskColumns
from wallets.reconciliation.admin.forms import UploadForm
from wallets.reconciliation.errors import FileTooLarge
from wallets.reconciliation.models import (
    ChannelSetup,
    FileContent,
    StatementFile,
    StatementLine,
    Upload,
)
from wallets.reconciliation.operations.keep_upload import forget_upload, keep_upload, uploaded
from wallets.reconciliation.operations.load_file import (
    FILE_BYTES_MAX,
    Package,
    read_package,
    sums_of,
)
from wallets.reconciliation.operations.reconcile import FileGiven, preview, reconcile

_LOAD = "reconciliation.load_file"
_VIEW = "reconciliation.view_statementfile"
_LINES_MAX = 20_000


@admin.register(StatementFile)
class StatementFileAdmin(NamesStaff, DeskColumns, ActingAdmin):
    """Files that were loaded, newest first."""

    list_display = (
        *("name", "client_link", "channel", "format", "lines", "repeats", "days"),
        *("loaded_at", "by_whom"),
    )
    staff_columns = ("loaded_by",)
    by_whom = staff_column("loaded_by", "Loaded by")
    search_fields = ("client", "id")
    search_help_text = "Exact number of a client or id of a file"
    empty_text = "No file was loaded yet. Set up a channel first, then load its files here."
    list_before_template = "admin/reconciliation/files.html"
    fields = (
        ("name", "format"),
        ("client_link", "channel"),
        ("lines", "repeated_lines"),
        "sums_in_words",
        ("days", "size"),
        "digest_text",
        ("loaded_at", "by_whom"),
        ("lines_link", "download"),
    )
    readonly_fields = (
        *("client_link", "days", "digest_text", "sums_in_words", "repeated_lines"),
        *("lines_link", "download", "by_whom"),
    )

    @admin.display(description="Days")
    def days(self, row: StatementFile) -> str:
        return f"{row.first_day} to {row.last_day}"

    @admin.display(description="SHA-256")
    def digest_text(self, row: StatementFile) -> SafeString:
        return format_html('<code class="verbatim">{}</code>', bytes(row.digest).hex())

    @admin.display(description="Known before")
    def repeated_lines(self, row: StatementFile) -> str:
        numbers = ", ".join(map(str, row.repeated[:50]))
        return f"{row.repeats}: lines {numbers}" if row.repeats else "none"

    @admin.display(description="Sums")
    def sums_in_words(self, row: StatementFile) -> SafeString:
        return format_html_join(
            "", "<div>{}</div>", ((_sum(code, one),) for code, one in row.sums.items())
        )

    @admin.display(description="Lines")
    def lines_link(self, row: StatementFile) -> SafeString:
        return list_link("reconciliation.statementline", f"file__id__exact={row.pk}", "Its lines")

    @admin.display(description="Evidence")
    def download(self, row: StatementFile) -> SafeString:
        url = reverse("admin:reconciliation_statementfile_bytes", args=[row.pk])
        return format_html('<a class="text-link" href="{}">The file as it was loaded</a>', url)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of a file that is brought, and the bytes of one that was loaded."""
        wrap, base = self.admin_site.admin_view, "reconciliation_statementfile"
        own = [
            path("upload/", wrap(self.upload), name=f"{base}_upload"),
            path("upload/<uuid:upload>/", wrap(self.look), name=f"{base}_look"),
            path("<uuid:file>/bytes/", wrap(self.bytes_of), name=f"{base}_bytes"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; offer to bring a file to those who may."""
        more = {"may_load": request.user.has_perm(_LOAD)}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, and keep it to be looked at.

        :raises PermissionDenied: without the right to load files.
        """
        pages.need(request, _VIEW, _LOAD)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                return self._keep(request, form.cleaned_data)
            except DomainError as error:
                form.add_error("file", error.detail)
        status = 400 if request.method == "POST" else 200
        context = {"title": "Load a file", "opts": self.model._meta, "form": form}
        return pages.show(self.admin_site, request, "upload", context, status=status)

    def _keep(self, request: HttpRequest, asked: dict[str, Any]) -> HttpResponse:
        if asked["file"].size > FILE_BYTES_MAX:
            raise FileTooLarge(f"At most {FILE_BYTES_MAX} bytes are loaded at once.")
        channel = pages.channel_of(asked["setup"])
        package = read_package(
            client=channel.client,
            channel=channel.name,
            name=asked["file"].name,
            content=asked["file"].read(),
        )
        kept = keep_upload(package=package, by=audit.actor_of(request))
        return HttpResponseRedirect(_look_at(kept))

    def look(self, request: HttpRequest, upload: UUID) -> HttpResponse:
        """Show what a file says and what would come of it; load it when that is sent.

        :raises PermissionDenied: without the right to load files.
        """
        pages.need(request, _VIEW, _LOAD)
        actor = audit.actor_of(request)
        try:
            row, content = uploaded(upload=upload, by=actor)
            if request.method == "POST":
                return self._load(request, row, content, actor)
            package = read_package(
                client=row.client, channel=row.channel, name=row.name, content=content
            )
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:reconciliation_statementfile_changelist"))
        return self._looked(request, upload, package)

    def _load(
        self, request: HttpRequest, row: Upload, content: bytes, actor: audit.Actor
    ) -> HttpResponse:
        channel = pages.channel_of(_setup_of(row).pk)
        done = reconcile(channel=channel, by=actor, file=FileGiven(row.name, content))
        forget_upload(upload=row.pk)
        self.message_user(request, f"{row.name} is loaded.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:reconciliation_run_change", args=[done.run]))

    def _looked(self, request: HttpRequest, upload: UUID, package: Package) -> HttpResponse:
        contents, setup = package.contents, package.setup
        troubles = [str(trouble) for trouble in contents.troubles]
        if len(contents.lines) > _LINES_MAX:
            troubles.append(
                f"It has {len(contents.lines)} lines. More than {_LINES_MAX} take longer than a "
                "page may: load it by manage.py reconcile."
            )
        context: dict[str, Any] = {
            "title": package.name,
            "opts": self.model._meta,
            "channel": str(setup),
            "format": setup.get_format_display(),
            "setup_url": reverse("admin:reconciliation_channelsetup_change", args=[setup.pk]),
            "troubles": troubles,
            "lines": tables.lines(contents.lines),
        }
        if not troubles:
            given = FileGiven(package.name, package.content)
            try:
                told = preview(channel=pages.channel_of(setup.pk), file=given)
            except DomainError as error:
                troubles.append(error.detail)
            else:
                context["sums"] = tables.sums(sums_of(contents))
                context["matched"] = tables.matched(told.result)
                context["left"] = tables.left(told.result)
                context["loaded"] = told.loaded
        return pages.show(self.admin_site, request, "look", context)

    def bytes_of(self, request: HttpRequest, file: UUID) -> HttpResponse:
        """Hand the file out as it was loaded; who took it is noted.

        :raises PermissionDenied: without the right to see files.
        """
        pages.need(request, _VIEW)
        row = StatementFile.objects.using(PRIMARY).filter(pk=file).first()
        content = FileContent.objects.using(PRIMARY).filter(pk=file).first()
        if row is None or content is None:
            raise Http404
        act = audit.Act("statementfile.download", "reconciliation.statementfile", str(file))
        audit.record_look(audit.actor_of(request), act)
        answer = HttpResponse(zlib.decompress(bytes(content.packed)), "application/octet-stream")
        answer["Content-Disposition"] = f'attachment; filename="statement-{file}"'
        return answer


@admin.register(StatementLine)
class StatementLineAdmin(DeskColumns, ReadOnlyAdmin):
    """Lines of files, as the bank or provider wrote them."""

    list_display = (
        *("external_reference", "file_link", "number", "booked_on", "amount_money"),
        *("reference", "text"),
    )
    search_fields = ("id",)
    search_help_text = "Exact id"
    empty_text = "No line was loaded yet."
    fields = (
        ("external_reference", "file_link", "number"),
        ("client_link", "channel"),
        ("amount_money", "booked_on", "value_date"),
        ("reference", "text"),
        "item_link",
    )
    readonly_fields = ("file_link", "client_link", "amount_money", "item_link")

    @admin.display(description="File")
    def file_link(self, row: StatementLine) -> SafeString | str:
        return row_link("reconciliation.statementfile", row.file_id)

    @admin.display(description="Item")
    def item_link(self, row: StatementLine) -> SafeString | str:
        return row_link("reconciliation.item", row.pk, "Whether it is matched")


def _look_at(upload: UUID) -> str:
    return reverse("admin:reconciliation_statementfile_look", args=[upload])


def _setup_of(row: Upload) -> ChannelSetup:
    rows = ChannelSetup.objects.using(PRIMARY)
    return rows.get(client=row.client, channel=row.channel)


def _sum(currency: str, one: dict[str, Any]) -> str:
    told = f"{one['lines']} lines, net {money(int(one['net']), currency)}"
    if "opening" in one:
        opening, closing = (money(int(one[name]), currency) for name in ("opening", "closing"))
        told = f"{told}; opening {opening}, closing {closing}"
    return told
