"""Pages of a long table, found by the values of the row at their edge.

An OFFSET walks over everything it leaves out, and a COUNT over everything there is. Here a page
begins behind a row that was on the page before, which an index finds at once at any depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import quote, unquote

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db.models import BinaryField, Field, ForeignKey, Model, Q, QuerySet

AFTER: Final = "after"
BEFORE: Final = "before"
PARAMETERS: Final = (AFTER, BEFORE)

_SEPARATOR: Final = ","

Row = TypeVar("Row", bound=Model)


class BadCursor(ValueError):
    """The text is no row's place in this order."""


@dataclass(frozen=True, slots=True)
class _Column:
    field: Any
    descending: bool

    @property
    def name(self) -> str:
        return str(self.field.attname)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in order, and where the pages beside them begin."""

    rows: list[Row]
    previous: dict[str, str] | None
    """What to ask for the page before this one; None on the first."""
    next: dict[str, str] | None
    """What to ask for the page after this one; None on the last."""


class Order:
    """An order in which no two rows have the same place.

    An index must serve it, or each page sorts the table.
    """

    def __init__(self, model: type[Model], ordering: Sequence[Any]) -> None:
        """Complete an ordering such as `("-created_at",)` by the primary key.

        :raises ImproperlyConfigured: for a column that can be NULL or is not the model's own.
        """
        self._columns: list[_Column] = []
        for part in (*ordering, "-pk"):
            column = _column(model, part)
            if column.field not in [known.field for known in self._columns]:
                self._columns.append(column)
            if column.field.primary_key:
                break

    @property
    def newest_first(self) -> bool:
        """Tell whether the order begins with the highest value."""
        return self._columns[0].descending

    def names(self, *, backwards: bool = False) -> list[str]:
        """Write the order as Django reads it."""
        return [
            f"-{column.name}" if column.descending is not backwards else column.name
            for column in self._columns
        ]

    def cursor(self, row: Model) -> str:
        """Write the place of a row, for a URL."""
        values = (getattr(row, column.name) for column in self._columns)
        return _SEPARATOR.join(quote(_text(value), safe=":+") for value in values)

    def beyond(self, cursor: str, *, backwards: bool = False) -> Q:
        """Make the condition for the rows behind a place, or before it.

        :raises BadCursor: if it is none of this order.
        """
        texts = cursor.split(_SEPARATOR)
        if len(texts) != len(self._columns):
            raise BadCursor(cursor)
        condition: Q | None = None
        for column, text in reversed(list(zip(self._columns, texts, strict=True))):
            sign = "lt" if column.descending is not backwards else "gt"
            value = _value(column, unquote(text))
            passed = Q(**{f"{column.name}__{sign}": value})
            if condition is not None:
                # The first half is a range that an index can begin at; OR alone is not.
                reached = Q(**{f"{column.name}__{sign}e": value})
                passed = reached & (passed | condition)
            condition = passed
        return cast("Q", condition)


def read(rows: QuerySet[Row], order: Order, asked: Mapping[str, str], *, size: int) -> Page[Row]:
    """Read the page that is asked for by `after` or `before`; the first one by neither.

    :raises BadCursor: if what is asked for is no place in this order.
    """
    after, before = asked.get(AFTER, ""), asked.get(BEFORE, "")
    backwards = bool(before) and not after
    if after or before:
        rows = rows.filter(order.beyond(after or before, backwards=backwards))
    # One row more than is shown tells whether there is another page.
    found = list(rows.order_by(*order.names(backwards=backwards))[: size + 1])
    more = len(found) > size
    shown = found[:size]
    if backwards:
        shown.reverse()
    return _page(
        shown, order, has_previous=bool(after) or (backwards and more), has_next=backwards or more
    )


def _page(shown: list[Row], order: Order, *, has_previous: bool, has_next: bool) -> Page[Row]:
    if not shown:
        # Nothing lies beyond the place: the way back is the first page.
        return Page([], {} if has_previous or has_next else None, None)
    return Page(
        shown,
        {BEFORE: order.cursor(shown[0])} if has_previous else None,
        {AFTER: order.cursor(shown[-1])} if has_next else None,
    )


def _column(model: type[Model], part: Any) -> _Column:
    name = part.lstrip("-") if isinstance(part, str) else ""
    try:
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        raise ImproperlyConfigured(f"{model.__name__}: no pages in the order {part!r}.") from None
    if getattr(field, "null", False):
        raise ImproperlyConfigured(f"{model.__name__}: {name} can be NULL and orders no pages.")
    return _Column(field, descending=part.startswith("-"))


def parse(field: Any, text: str) -> Any:
    """Read a text as a value of a field.

    :raises ValidationError, ValueError: if it can be none.
    """
    if isinstance(field, ForeignKey):
        field = field.target_field
    if isinstance(field, BinaryField):
        return bytes.fromhex(text)
    return cast("Field[Any, Any]", field).to_python(text)


def _value(column: _Column, text: str) -> Any:
    try:
        value = parse(column.field, text)
    except (ValidationError, ValueError):
        raise BadCursor(text) from None
    if value is None:
        raise BadCursor(text)
    return value


def _text(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
