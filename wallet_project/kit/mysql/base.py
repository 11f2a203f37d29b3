"""Django's MySQL backend with two round trips less for each transaction.

Django switches autocommit off before a transaction and on again after it. Here BEGIN travels with
the transaction's first statement, and nothing has to be switched back.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError
from django.db.backends.mysql import base
from MySQLdb import OperationalError


class DatabaseWrapper(base.DatabaseWrapper):
    """MySQL or MariaDB whose transactions begin with their first statement."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.begin_is_due = False

    def create_cursor(self, name: str | None = None) -> Any:
        """Make a cursor that begins a transaction where one is due."""
        return _Cursor(self.connection.cursor(), self)

    # Django calls this, where a backend has it, instead of switching autocommit off.
    def _start_transaction_under_autocommit(self) -> None:
        self.begin_is_due = True

    def _commit(self) -> None:
        if not self._forget_begin():
            super()._commit()  # type: ignore[misc]

    def _rollback(self) -> None:
        if not self._forget_begin():
            super()._rollback()  # type: ignore[misc]

    def _close(self) -> None:
        self._forget_begin()
        super()._close()  # type: ignore[misc]

    def _forget_begin(self) -> bool:
        """Tell whether the transaction never came to a statement; it need not begin any more."""
        was_due, self.begin_is_due = self.begin_is_due, False
        return was_due


class _Cursor(base.CursorWrapper):
    def __init__(self, cursor: Any, connection: DatabaseWrapper) -> None:
        super().__init__(cursor)
        self._connection = connection

    def execute(self, query: Any, args: Any = None) -> Any:
        if not self._connection.begin_is_due:
            return super().execute(query, args)
        self._connection.begin_is_due = False
        super().execute(f"BEGIN; {query}", args)
        return self.nextset()  # from BEGIN's own to that of the statement

    def nextset(self) -> Any:
        """Go on to the next statement of those that were sent together.

        :raises django.db.Error: if it failed; the ones after it were not executed.
        """
        try:
            return self.cursor.nextset()
        except OperationalError as error:
            if error.args[0] in self.codes_for_integrityerror:
                raise IntegrityError(*error.args) from error
            raise

    def close(self) -> None:
        """Let go of what was not read.

        Django closes a cursor also when a statement has failed; on a connection that is lost that
        fails as well, and must not hide that the database did.

        :raises django.db.Error: if the connection is lost.
        """
        with self._connection.wrap_database_errors:
            self.cursor.close()

    def executemany(self, query: Any, args: Any) -> Any:
        if self._connection.begin_is_due:
            self._connection.begin_is_due = False
            super().execute("BEGIN", None)
        return super().executemany(query, args)
