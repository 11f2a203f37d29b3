"""Database columns that decide identity by bytes, small and without a collation.

Under MySQL's default collation `Key-A`, `key-a` and `kéy-a` are one key, and a `CHAR(32)` UUID
takes twice the space of the sixteen bytes it stands for. These fields store bytes on every engine.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class BinaryUUIDField(models.UUIDField):  # type: ignore[type-arg]
    """A UUID in sixteen bytes: BINARY(16) on MySQL and MariaDB, a blob on SQLite."""

    def get_internal_type(self) -> str:
        # Not "UUIDField": the backends convert that one from its text form.
        return "BinaryUUIDField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "binary(16)" if connection.vendor == "mysql" else "blob"

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str:
        return self.db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> bytes | None:
        if value is None or isinstance(value, bytes):
            return value
        found: uuid.UUID = self.to_python(value)
        return found.bytes

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> uuid.UUID | None:
        return None if value is None else uuid.UUID(bytes=bytes(value))


class DigestField(models.BinaryField):  # type: ignore[type-arg]
    """A SHA-256 digest: BINARY(32), so that it can be a unique index and compares by bytes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 32
        super().__init__(*args, **kwargs)

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "binary(32)" if connection.vendor == "mysql" else "blob"


class ByteTextField(models.CharField):  # type: ignore[type-arg]
    """Text that is equal only when its UTF-8 bytes are: VARBINARY on MySQL. Exact look-ups only."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return f"varbinary({4 * int(self.max_length or 0)})"  # UTF-8 takes up to four bytes
        return super().db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        if connection.vendor == "mysql" and isinstance(value, str):
            return value.encode()
        return value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return value.decode() if isinstance(value, bytes) else value


class WideIntegerField(models.Field):  # type: ignore[type-arg]
    """A whole number for sums of amounts: DECIMAL(38,0), which no sum of BIGINTs outgrows.

    Django's DecimalField reads fifteen digits from SQLite. There the column is a BIGINT, which
    refuses what it cannot hold.
    """

    def get_internal_type(self) -> str:
        return "WideIntegerField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "numeric(38, 0)" if connection.vendor == "mysql" else "bigint"

    def to_python(self, value: Any) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> int | None:
        return self.to_python(super().get_prep_value(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)
