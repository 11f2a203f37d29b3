"""Wallets, to be found, read and understood; frozen and unfrozen by those who may."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from wallet_project.kit.admin import ReadOnlyAdmin, coloured, money
from wallets import finding, staff_queries
from wallets.admin import chart, exports, pages, sections, statement, status
from wallets.admin.cells import Links, utc
from wallets.models import Client, Wallet
from wallets.staff_queries import WalletFacts


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    """Customers' wallets. Money moves through the API only; staff can stop it and let it go on."""

    list_display = (
        "reference_shown",
        "user_id",
        "client",
        "status_label",
        "balance_money",
        "held_money",
        "available_money",
        "created",
    )
    list_filter = ("client",)
    list_select_related = ("client",)
    search_fields = ("id", "reference", "user_id")
    search_help_text = "Id, reference or user id, exact; abc* begins so"
    empty_text = "Wallets come from the API: POST /api/v1/wallets opens the first one."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add what is still held by holds whose time has passed."""
        return staff_queries.with_expired(super().get_queryset(request))

    def exact_matches(self, term: str) -> Q:
        """Name the clients too: the indexes of reference and user id begin with the client."""
        clients = list(Client.objects.values_list("pk", flat=True))
        if term.endswith("*"):
            return Q(pk__in=finding.beginning_with(clients, term[:-1]))
        found = finding.named(clients, term)
        with suppress(ValidationError):
            found.append(Wallet._meta.pk.to_python(term))
        return Q(pk__in=found)

    @admin.display(description="Reference")
    def reference_shown(self, wallet: Wallet) -> str:
        return wallet.reference or str(wallet.pk)

    @coloured(sections.STATUS_TONES)
    @admin.display(description="Status")
    def status_label(self, wallet: Wallet) -> str:
        return wallet.status

    @admin.display(description="Balance")
    def balance_money(self, wallet: Wallet) -> SafeString:
        return _amount(wallet.balance, wallet.currency)

    @admin.display(description="Held")
    def held_money(self, wallet: Wallet) -> SafeString:
        return _amount(wallet.held - _expired(wallet), wallet.currency)

    @admin.display(description="Available")
    def available_money(self, wallet: Wallet) -> SafeString:
        return _amount(wallet.available + _expired(wallet), wallet.currency)

    @admin.display(description="Created")
    def created(self, wallet: Wallet) -> str:
        return utc(wallet.created_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of one wallet."""

        def page(address: str, view: Any, name: str) -> URLPattern:
            wrapped: Any = self.admin_site.admin_view(view)
            found: URLPattern = path(
                f"<uuid:wallet_id>/{address}", wrapped, name=f"wallets_wallet_{name}"
            )
            return found

        acts = [page(f"{act}/", self._act_view(act), act) for act in status.ACTS]
        return [
            page("statement/", require_safe(self.statement_view), "statement"),
            page("statement.csv", require_safe(self.file_view), "statement_file"),
            page("export/", require_POST(self.export_view), "export"),
            page("explain/", require_safe(self.explain_view), "explain"),
            *acts,
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show everything about one wallet; note who looked at it.

        :raises PermissionDenied: to people without the right, and to every form that is sent.
        """
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        facts = self._looked_at(request, object_id, "view")
        links = Links(request)
        span = chart.span_named(request.GET.get("chart", ""), facts)
        latest = statement.latest(facts.row, links)
        return self._page(
            request,
            facts,
            "overview",
            {
                "spans": pages.spans(span),
                "chart": chart.chart(facts, span),
                "latest": latest,
                "sections": sections.sections(facts, links),
                **(extra_context or {}),
            },
        )

    def statement_view(self, request: HttpRequest, wallet_id: UUID) -> HttpResponse:
        """Show the statement of a wallet."""
        facts = self._looked_at(request, wallet_id, "statement")
        return self._page(request, facts, "statement", statement.context(request, facts.row))

    def file_view(self, request: HttpRequest, wallet_id: UUID) -> HttpResponseBase:
        """Send the statement of a wallet as a file."""
        return statement.file(request, self._looked_at(request, wallet_id, "export").row)

    def export_view(self, request: HttpRequest, wallet_id: UUID) -> HttpResponse:
        """Have a statement, or the transactions of a time, written to a file in the background.

        :raises PermissionDenied: without the right.
        """
        if not request.user.has_perm(exports.REQUEST):
            raise PermissionDenied
        facts = self._facts(request, wallet_id)
        outcome = statement.export(request, facts.row)
        level = messages.SUCCESS if outcome.is_asked else messages.ERROR
        self.message_user(request, outcome.told, level)
        return HttpResponseRedirect(outcome.url)

    def explain_view(self, request: HttpRequest, wallet_id: UUID) -> HttpResponse:
        """Explain the balance of a wallet, posting by posting."""
        facts = self._looked_at(request, wallet_id, "explain")
        return self._page(request, facts, "explain", pages.explanation(request, facts))

    def _act_view(self, name: str) -> Any:
        act = status.ACTS[name]

        def view(request: HttpRequest, wallet_id: UUID) -> HttpResponse:
            return self._take(request, wallet_id, act)

        return view

    def _take(self, request: HttpRequest, wallet_id: UUID, act: status.Act) -> HttpResponse:
        if not request.user.has_perm(act.permission):
            raise PermissionDenied
        if request.method == "POST":
            facts = self._facts(request, wallet_id)
            outcome = status.take(act, facts.row, request)
            if outcome.code == 302:
                level = messages.SUCCESS if outcome.changed else messages.WARNING
                self.message_user(request, outcome.told, level)
                return HttpResponseRedirect(
                    reverse("admin:wallets_wallet_change", args=[wallet_id])
                )
            facts = self._facts(request, wallet_id)
            form, told, code = outcome.form, outcome.told, outcome.code
        else:
            facts = self._looked_at(request, wallet_id, "view")
            form, told, code = act.form(), "", 200
        shown = {
            "act": act,
            "form": form,
            "told": told,
            "is_possible": act.is_possible(facts.row),
            "seen_version": facts.row.version if "version" in form.fields else None,
        }
        return self._page(request, facts, "status", shown, code=code)

    def _page(
        self,
        request: HttpRequest,
        facts: WalletFacts,
        name: str,
        more: dict[str, Any],
        *,
        code: int = 200,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            **pages.frame(request, facts, name),
            **more,
        }
        template = f"admin/wallets/wallet/{name}.html"
        return TemplateResponse(request, template, context, status=code)

    def _looked_at(self, request: HttpRequest, wallet: UUID | str, verb: str) -> WalletFacts:
        facts = self._facts(request, wallet)
        self._note(request, verb, str(facts.row.pk), {})
        return facts

    def _facts(self, request: HttpRequest, wallet: UUID | str) -> WalletFacts:
        """Read the wallet of a page.

        :raises PermissionDenied: without the right to see wallets.
        :raises Http404: where there is no such wallet.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            wallet_id = Wallet._meta.pk.to_python(wallet)
        except ValidationError as error:
            raise Http404 from error
        found = staff_queries.facts(wallet_id)
        if found is None:
            raise Http404
        return found


def _expired(wallet: Any) -> int:
    return int(wallet.expired or 0)


def _amount(minor: int, currency: str) -> SafeString:
    return format_html('<span class="money block text-right">{}</span>', money(minor, currency))
