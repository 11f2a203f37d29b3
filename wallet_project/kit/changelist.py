"""The admin's lists, page by page along a key, and the actions on what a page shows."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import ActionForm
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from wallet_project.kit import keyset


class KeysetPaginator(InfinitePaginator):  # type: ignore[misc]
    """Draws the links; it never counts, and cuts nothing out of the list."""

    template_name = "admin/keyset_pagination.html"


class PageActionForm(ActionForm):  # type: ignore[misc]
    """Asks which action; it is for the rows that were ticked and never for all there are."""

    select_across = None

    def clean(self) -> dict[str, Any]:
        """Answer the question that the page no longer asks."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["select_across"] = False
        return cleaned


class KeysetChangeList(ChangeList):  # type: ignore[misc]
    """A list whose pages are `?after=` and `?before=` a row."""

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """Apply filters and search; the place in the list is no filter."""
        for name in keyset.PARAMETERS:
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        found: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        return found

    def apply_select_related(self, qs: QuerySet[Any]) -> QuerySet[Any]:
        """Read parents by a statement of their own.

        Joined with a table of few rows, such as clients, MySQL takes those into a buffer, which
        loses the order of the key: it would sort the whole list for each page.
        """
        named = self.list_select_related
        if isinstance(named, list | tuple):
            return qs.prefetch_related(*named)
        shown = {field.name for field in self.lookup_opts.fields if field.many_to_one}
        return qs.prefetch_related(*[name for name in self.list_display if name in shown])

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """Return the list's own order, whatever the address asks for."""
        wanted = self.model_admin.get_ordering(request) or self._get_default_ordering()
        self.order = keyset.Order(self.model, wanted)
        return self.order.names()

    def get_results(self, request: HttpRequest) -> None:
        """Read one page.

        :raises IncorrectLookupParameters: for a place that is none.
        """
        try:
            page = keyset.read(
                self.queryset, self.order, request.GET.dict(), size=self.list_per_page
            )
        except keyset.BadCursor as error:
            raise IncorrectLookupParameters(error) from error
        self.result_list = page.rows
        self.result_count = len(page.rows)
        # Alike, so that no page says "50 results" of a list that goes on.
        self.full_result_count = self.result_count
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, page.rows, self.list_per_page)
        self.previous_url = self._url(page.previous)
        self.next_url = self._url(page.next)

    def _url(self, place: dict[str, str] | None) -> str:
        return "" if place is None else str(self.get_query_string(place))
