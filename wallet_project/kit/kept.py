"""Rows that stay for ever, and change only in some columns: requests, decisions, runs.

As with rows that are only inserted, the model's refusal is the first line of defence; triggers,
and the grants of the application's database user, stand behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, Self

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel, AppendOnlyViolation


class KeptQuerySet(models.QuerySet[Any]):
    """A queryset that removes nothing and changes only what may change."""

    def update(self, **kwargs: Any) -> int:
        frozen = sorted(set(kwargs) - set(self.model.changing_columns))
        if frozen:
            raise AppendOnlyViolation(f"{self.model._meta.label}: {', '.join(frozen)} is frozen.")
        return super().update(**kwargs)

    def delete(self) -> NoReturn:
        raise AppendOnlyViolation(f"{self.model._meta.label}: no row can be deleted.")


class KeptModel(models.Model):
    """Base of tables whose rows are never removed, and frozen but for some columns."""

    changing_columns: ClassVar[tuple[str, ...]] = ()
    """Columns that may change; its triggers say when. All others are as they were inserted."""

    objects = KeptQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def every_model(cls) -> list[type[Self]]:
        """List the concrete models of the project whose rows are kept, by table name."""
        found = [model for model in cls.__subclasses__() if not model._meta.abstract]
        return sorted(found, key=lambda model: model._meta.db_table)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A table that triggers and grants guard."""

    table: str
    changing: tuple[str, ...]
    """The columns that may change."""
    purgeable: bool


def guarded_tables() -> list[Guarded]:
    """List the tables whose rows are only inserted, and those whose rows are kept."""
    return [
        *(
            Guarded(model._meta.db_table, model.redactable_columns, model.purgeable)
            for model in AppendOnlyModel.every_model()
        ),
        *(
            Guarded(model._meta.db_table, model.changing_columns, purgeable=False)
            for model in KeptModel.every_model()
        ),
    ]
