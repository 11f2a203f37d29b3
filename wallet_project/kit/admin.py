"""The admin of tables that nobody may change there, superusers included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from wallet_project.kit import audit
from wallet_project.kit.admin_filters import ExactLookups
from wallet_project.kit.changelist import KeysetChangeList, KeysetPaginator, PageActionForm
from wallet_project.kit.keyset import PARAMETERS, parse
from wallet_project.kit.money import format_minor

NOTHING: Final = "-"
"""What a column shows where there is nothing to show."""

# An amount and its currency stay on one line.
_SPACE: Final = "\N{NO-BREAK SPACE}"

_NO_FILTERS: Final = frozenset({*PARAMETERS, *IGNORED_PARAMS, ERROR_FLAG})
_NOTED: Final = 100
_NOTED_FILTERS: Final = 20

_Column = TypeVar("_Column", bound=Callable[..., str])


def coloured(colours: Mapping[str, str]) -> Callable[[_Column], _Column]:
    """Show a column's text as a label in the theme's colour for it."""

    def paint(column: _Column) -> _Column:
        column.label = dict(colours)  # type: ignore[attr-defined]
        return column

    return paint


def money(minor: int | None, currency: str) -> str:
    """Write minor units for people: `1,234.56 USD`; a dash where there is no amount."""
    if minor is None:
        return NOTHING
    whole, point, rest = format_minor(abs(minor), currency).partition(".")
    sign = "-" if minor < 0 else ""
    return f"{sign}{int(whole):,}{point}{rest}{_SPACE}{currency}"


def amount(text: str) -> SafeString:
    """Show an amount: on one line, at the right edge of its column, in digits of one width."""
    return format_html('<span class="money">{}</span>', text)


def money_column(description: str) -> Callable[[Callable[..., str]], Callable[..., SafeString]]:
    """Show what a method returns, such as `money(...)`, as a column of amounts."""

    def decorate(column: Callable[..., str]) -> Callable[..., SafeString]:
        @wraps(column)
        def shown(*args: Any) -> SafeString:
            return amount(column(*args))

        return admin.display(description=description)(shown)

    return decorate


class _NobodyWrites:
    """Permissions that no group and no superuser can have."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(_NobodyWrites, ExactLookups, ModelAdmin):  # type: ignore[misc]
    """Shows rows. The search box finds exact values of `search_fields` only: index look-ups.

    Lists are never counted, never sorted by another column than the key, and go from page to page
    along it, because anything else would walk through the whole table. Who opens a row or searches
    for some is noted in the audit log.
    """

    actions: ClassVar[Sequence[str] | None] = None
    action_form = PageActionForm
    paginator = KeysetPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    ordering: ClassVar[Sequence[str]] = ("-pk",)
    """Columns that are never NULL, in an order that an index serves."""
    sortable_by: ClassVar[Sequence[str]] = ()
    list_per_page = 50
    list_disable_select_all = True
    empty_text = ""
    """What to tell where the table is empty: what puts rows there."""

    class Media:
        css: ClassVar = {"all": ["kit/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        """Return the class that reads the lists."""
        return KeysetChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; note what was searched for, and by which filters."""
        asked = _asked(request)
        if asked:
            self._note(request, "search", "", asked)
        return super().changelist_view(request, extra_context)  # type: ignore[no-any-return]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row; note who looked at it."""
        if self.has_view_permission(request):
            self._note(request, "view", object_id[:64], {})
        return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]

    def _note(self, request: HttpRequest, verb: str, subject: str, detail: dict[str, Any]) -> None:
        meta = self.model._meta
        act = audit.Act(f"{meta.model_name}.{verb}", meta.label_lower, subject, detail=detail)
        audit.record_look(audit.actor_of(request), act)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows where one of the search fields is exactly the text typed."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(self.exact_matches(term)), False

    def exact_matches(self, term: str) -> Q:
        """Make the condition for a term, leaving out fields that could never hold it."""
        found = Q(pk__in=[])
        for name in self.search_fields:
            try:
                value = parse(self.model._meta.get_field(name), term)
            except (ValidationError, ValueError):
                continue
            found |= Q(**{name: value})
        return found


class ReadOnlyInline(_NobodyWrites, TabularInline):  # type: ignore[misc]
    """Shows rows inside their parent's page."""

    extra = 0
    can_delete = False
    show_change_link = False
    hide_title = True


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Tell what a list was asked for; the place in it says nothing."""
    term = request.GET.get("q", "").strip()[:_NOTED]
    given = [name for name in request.GET if name not in _NO_FILTERS]
    filters = {
        name[:_NOTED]: ",".join(request.GET.getlist(name))[:_NOTED]
        for name in given[:_NOTED_FILTERS]
    }
    return ({"term": term} if term else {}) | ({"filters": filters} if filters else {})
