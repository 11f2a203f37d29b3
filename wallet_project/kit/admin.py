"""The admin of tables that nobody may change there, superusers included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet, UniqueConstraint
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from wallet_project.kit import audit
from wallet_project.kit.changelist import KeysetChangeList, KeysetPaginator, PageActionForm
from wallet_project.kit.keyset import PARAMETERS, parse
from wallet_project.kit.money import format_minor

NOTHING: Final = "-"
"""What a column shows where there is nothing to show."""

# An amount and its currency stay on one line.
_SPACE: Final = "\N{NO-BREAK SPACE}"

# What Django's own filters write behind a field's name.
_FILTER_ENDS: Final = ("__exact", "__id__exact", "__isnull")

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


class ReadOnlyAdmin(_NobodyWrites, ModelAdmin):  # type: ignore[misc]
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

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow what `list_filter` offers, and exact values that together begin an index."""
        filters = () if request is None else self.get_list_filter(request)
        offered = [_parameter(one) for one in filters]
        if any(lookup in (name, *(name + end for end in _FILTER_ENDS)) for name in offered):
            return True
        name, _, rest = lookup.partition("__")
        if rest not in ("", "exact", "id__exact"):
            return False
        given = set() if request is None else {key.partition("__")[0] for key in request.GET}
        return any(
            name in columns and given.issuperset(columns[: columns.index(name)])
            for columns in _indexes(self.model)
        )

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


def _parameter(listed: Any) -> str:
    """Name the parameter of an entry of `list_filter`: a field, a field and its class, a class."""
    named = listed[0] if isinstance(listed, tuple | list) else listed
    return named if isinstance(named, str) else str(named.parameter_name)


def _indexes(model: type[Model]) -> list[list[str]]:
    """List the columns of each index of a table, in order."""
    meta = model._meta
    found = [[one.name] for one in meta.fields if one.unique or getattr(one, "db_index", False)]
    found += [[name.lstrip("-") for name in index.fields] for index in meta.indexes]
    unique = [one for one in meta.constraints if isinstance(one, UniqueConstraint)]
    return [["pk"], *found, *(list(one.fields) for one in unique)]
