"""What the admin's lists may be narrowed by, and filters that several of them share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BinaryField, Model, QuerySet, UniqueConstraint
from django.http import HttpRequest

EVERYTHING: Final = "all"

# What Django's own filters write behind a field's name.
_ENDS: Final = ("__exact", "__id__exact", "__isnull")


class ExactLookups:
    """A list that takes from its address what its filters offer, and look-ups in an index."""

    model: Any

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow what `list_filter` offers, and exact values that together begin an index."""
        filters = () if request is None else self.get_list_filter(request)  # type: ignore[attr-defined]
        offered = [_parameter(one) for one in filters]
        if any(lookup in (name, *(name + end for end in _ENDS)) for name in offered):
            return True
        name, _, rest = lookup.partition("__")
        if rest not in ("", "exact", "id__exact") or _is_binary(self.model, name):
            return False
        given = set() if request is None else {key.partition("__")[0] for key in request.GET}
        return any(
            name in columns and given.issuperset(columns[: columns.index(name)])
            for columns in _indexes(self.model)
        )


class StatusFilter(admin.SimpleListFilter):
    """Shows what waits for someone, unless another status or everything is asked for.

    A subclass names the `states` to choose from, pairs of value and label, and which is `preset`.
    """

    title = "status"
    parameter_name = "status"
    states: ClassVar[list[tuple[str, str]]]
    preset: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*self.states, (EVERYTHING, "All")]

    def value(self) -> str:
        return super().value() or self.preset

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() == EVERYTHING else queryset.filter(status=self.value())


def _parameter(listed: Any) -> str:
    """Name the parameter of an entry of `list_filter`: a field, a field and its class, a class."""
    named = listed[0] if isinstance(listed, tuple | list) else listed
    return named if isinstance(named, str) else str(named.parameter_name)


def _is_binary(model: type[Model], name: str) -> bool:
    """Tell whether a column holds bytes, which no text of an address can be compared with."""
    try:
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return isinstance(field, BinaryField)


def _indexes(model: type[Model]) -> list[list[str]]:
    """List the columns of each index of a table, in order."""
    meta = model._meta
    found = [[one.name] for one in meta.fields if one.unique or getattr(one, "db_index", False)]
    found += [[name.lstrip("-") for name in index.fields] for index in meta.indexes]
    unique = [one for one in meta.constraints if isinstance(one, UniqueConstraint)]
    return [["pk"], *found, *(list(one.fields) for one in unique)]
