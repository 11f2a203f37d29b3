"""Filters of the admin's lists that several apps share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

EVERYTHING: Final = "all"


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
