"""User names beside `staff:<number>`, for those who may see who is on the staff."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse

from wallet_project.kit.admin import NOTHING
from wallet_project.kit.database import PRIMARY

_STAFF: Final = "staff:"
_RIGHTS: Final = ("auth.view_user", "approvals.view_approval")
"""The queue of requests names people, too."""


def may_see(user: Any) -> bool:
    """Tell whether somebody may see the names of staff."""
    return any(user.has_perm(right) for right in _RIGHTS)


def named(actors: Collection[str], user: Any) -> Mapping[str, str]:
    """Write actors for people: `carol (staff:3)`; whoever is not on the staff stays as he is."""
    numbers = {actor: _number(actor) for actor in actors}
    wanted = {number for number in numbers.values() if number is not None}
    names: dict[int, str] = {}
    if wanted and may_see(user):
        rows = get_user_model()._default_manager.using(PRIMARY).filter(pk__in=wanted)
        names = dict(rows.values_list("pk", "username"))
    return {
        actor: f"{names[number]} ({actor})" if number is not None and number in names else actor
        for actor, number in numbers.items()
    }


def staff_column(column: str, description: str) -> Callable[[Any, Any], str]:
    """Show a column of actors as `NamesStaff` has named them."""

    @admin.display(description=description)
    def shown(_: Any, row: Any) -> str:
        actor = getattr(row, column)
        return getattr(row, "staff_names", {}).get(actor, actor) or NOTHING

    return shown


class NamesStaff:
    """An admin whose rows say who did something: the names of a page are asked for at once."""

    staff_columns: tuple[str, ...] = ()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Name whom the rows of a page name by number."""
        changes = super().get_changelist_instance(request)  # type: ignore[misc]
        self._name(changes.result_list, request)
        return changes

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Name whom the row names by number."""
        if kwargs.get("obj") is not None:
            self._name([kwargs["obj"]], request)
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc,no-any-return]

    def _name(self, rows: Iterable[Any], request: HttpRequest) -> None:
        rows = list(rows)
        actors = {getattr(row, column) for row in rows for column in self.staff_columns}
        names = named(actors, request.user)
        for row in rows:
            row.staff_names = names


def _number(actor: str) -> int | None:
    kind, _, number = (actor or "").partition(":")
    return int(number) if f"{kind}:" == _STAFF and number.isascii() and number.isdigit() else None
