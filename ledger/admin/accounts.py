"""The chart of accounts: its list, the page of an account, the tree and the trial balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from ledger.admin import account_page, clients, report_pages, reports
from ledger.admin import balances as sums
from ledger.admin.asked import Asked, BadQuestion, read
from ledger.admin.clients import names_of
from ledger.admin.columns import BooksAdmin, utc
from ledger.models import Account
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallet_project.kit.time_limit import TooSlow

_CLIENTS_ON_A_PAGE: Final = 20
_TOO_SLOW: Final = (
    "This takes longer than a page may. As of now: the roll-up lies behind, run "
    "manage.py snapshot_balances. At a past moment: each wallet is looked up by itself, so choose "
    "a client, or run manage.py trial_balance."
)


@admin.register(Account)
class AccountAdmin(NamesClients, BooksAdmin):
    """Accounts, the last one opened first."""

    list_display = ("code", "client_link", "currency", "normal_side", "opened")
    search_fields = ("id", "code")
    search_help_text = "Exact id or code"
    empty_text = "There is no account yet. One is opened with each wallet and each payment rail."
    list_before_template = "admin/ledger/account/reports.html"
    change_form_template = "admin/ledger/account/change_form.html"

    @admin.display(description="Client")
    def client_link(self, account: Account) -> SafeString | str:
        return client_cell(account)

    @admin.display(description="Opened at")
    def opened(self, account: Account) -> str:
        return utc(account.created_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the reports over all accounts."""
        view = self.admin_site.admin_view
        own = [
            path("tree/", view(self.tree_view), name="ledger_account_tree"),
            path(
                "trial-balance/", view(self.trial_balance_view), name="ledger_account_trial_balance"
            ),
        ]
        own += report_pages.urls(self.admin_site)
        return self.only_reads(own) + super().get_urls()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """Show the account by a page of our own, which has no form."""
        if obj is not None:
            context |= account_page.context(obj, request.GET.dict())
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[no-any-return]

    def tree_view(self, request: HttpRequest) -> HttpResponse:
        """Show all accounts of a client, or of some clients, by currency and group."""

        def show(asked: Asked) -> dict[str, Any]:
            found = sums.now(asked.client)
            clients = sorted({one.client for one in found if one.client > asked.after})
            shown = set(clients[:_CLIENTS_ON_A_PAGE])
            return {
                "clients": reports.tree(
                    [one for one in found if one.client in shown], names_of(shown)
                ),
                "next_after": max(shown) if len(clients) > len(shown) else None,
            }

        return self._report(request, "tree", "Tree of accounts", show)

    def trial_balance_view(self, request: HttpRequest) -> HttpResponse:
        """Show or send the trial balance of a client, or of all, now or at a moment."""

        def show(asked: Asked) -> dict[str, Any]:
            at, client = asked.at, asked.client
            if asked.by_value:
                lines = sums.by_value_date(asked.moment.date(), client)
            else:
                lines = sums.now(client) if at is None else sums.at(at, client)
            names = names_of({one.client for one in lines})
            if asked.as_file:
                return {"csv": reports.as_csv(lines, names, asked.moment)}
            tables = (
                reports.trial_balance_of_all(lines, names, asked.at_text)
                if asked.client is None
                else reports.trial_balance(lines)
            )
            return {
                "tables": tables,
                "balanced": all(table.is_balanced for table in tables),
                "client_name": names.get(asked.client or 0, ""),
                "as_of": f"value date {asked.moment:%Y-%m-%d}"
                if asked.by_value
                else utc(asked.moment),
            }

        return self._report(request, "trial_balance", "Trial balance", show)

    def _report(
        self,
        request: HttpRequest,
        name: str,
        title: str,
        show: Callable[[Asked], dict[str, Any]],
    ) -> HttpResponse:
        """Read the question, make the report, and note who looked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked, found, trouble = Asked(), {}, ""
        try:
            asked = read(request.GET, clients.number_of)
            found = show(asked)
        except BadQuestion as error:
            trouble = str(error)
        except TooSlow:
            trouble = _TOO_SLOW
        except sums.TooManyAccounts:
            trouble = "There are more accounts than fit on a page. Choose a client."
        self._note(request, name, "", asked.told())
        if "csv" in found:
            return _file(found["csv"], asked)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": title,
            "asked": asked,
            "trouble": trouble,
            "choices": clients.choices() if name == "trial_balance" else [],
            **found,
        }
        return TemplateResponse(
            request, f"admin/ledger/account/{name}.html", context, status=422 if trouble else 200
        )


def _file(text: str, asked: Asked) -> HttpResponse:
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    whose = "all" if asked.client is None else str(asked.client)
    name = f"trial-balance-{whose}-{asked.moment:%Y%m%dT%H%M%SZ}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
