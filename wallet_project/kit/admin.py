"""The admin of tables that nobody may change there, superusers included, and of staff accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar, cast

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import BinaryField, Field, ForeignKey, Model, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.paginator import InfinitePaginator

from wallet_project.kit.money import format_minor

NOTHING: Final = "-"
"""What a column shows where there is nothing to show."""

# An amount and its currency stay on one line.
_SPACE: Final = "\N{NO-BREAK SPACE}"

_Column = TypeVar("_Column", bound=Callable[..., str])


def coloured(colours: Mapping[str, str]) -> Callable[[_Column], _Column]:
    """Show a column's text as a label in the theme's colour for it."""

    def paint(column: _Column) -> _Column:
        column.label = dict(colours)  # type: ignore[attr-defined]
        return column

    return paint


def money(minor: int | None, currency: str) -> str:
    """Write minor units for people: `12.34 USD`; a dash where there is no amount."""
    return NOTHING if minor is None else f"{format_minor(minor, currency)}{_SPACE}{currency}"


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

    Lists are never counted and never sorted by another column than the key, because both would
    walk through the whole table.
    """

    actions: ClassVar = None
    paginator = InfinitePaginator
    show_full_result_count = False
    ordering: ClassVar[Sequence[str]] = ("-pk",)
    sortable_by: ClassVar[Sequence[str]] = ()
    list_per_page = 50

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
                value = _parse(self.model._meta.get_field(name), term)
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


def _parse(field: Any, term: str) -> Any:
    """Read a term as a value of a field.

    :raises ValidationError, ValueError: if it can be none.
    """
    if isinstance(field, ForeignKey):
        field = field.target_field
    if isinstance(field, BinaryField):
        return bytes.fromhex(term)
    return cast("Field[Any, Any]", field).to_python(term)


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Staff accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles of staff."""
