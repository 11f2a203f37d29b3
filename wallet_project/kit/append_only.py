"""Rows that are only ever inserted: the model's own refusal, first of four lines of defence.

The others are triggers (see `triggers.py`), the grants of the application's database user
(`manage.py grant_app_user`) and an admin without a single write.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self

from django.db import models


class AppendOnlyViolation(TypeError):
    """Code tried to change or remove a row that may only be inserted. A bug, not a user's fault."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """A queryset that reads and inserts, nothing else."""

    def _refuse(self, verb: str) -> NoReturn:
        raise AppendOnlyViolation(
            f"{self.model._meta.label} is append-only: {verb} is not possible."
        )

    def update(self, **kwargs: Any) -> NoReturn:
        self._refuse("update")

    def delete(self) -> NoReturn:
        self._refuse("delete")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("bulk_update")

    def update_or_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("update_or_create")

    def select_for_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        # It needs the UPDATE grant on MySQL, which the application does not have here.
        self._refuse("select_for_update")


class AppendOnlyModel(models.Model):
    """Base of every table whose rows are facts."""

    redactable_columns: ClassVar[tuple[str, ...]] = ()
    """Columns that personal-data erasure may set to NULL, the only change the triggers allow."""

    purgeable: ClassVar[bool] = False
    """Whether a scheduled task may remove rows that are past their keeping time, by raw SQL."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyViolation(
                f"{self._meta.label} is append-only: a row cannot be saved twice."
            )
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyViolation(f"{self._meta.label} is append-only: a row cannot be deleted.")

    @classmethod
    def every_model(cls) -> list[type[Self]]:
        """List the concrete append-only models of the project, by table name."""
        found = [m for m in _subclasses(cls) if not m._meta.abstract]
        return sorted(found, key=lambda model: model._meta.db_table)


def _subclasses(cls: type[Any]) -> list[type[Any]]:
    return [s for child in cls.__subclasses__() for s in (child, *_subclasses(child))]
