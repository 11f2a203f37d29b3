"""The kinds of error every app's catalogue is made of.

A leaf class lives in the `errors.py` of the app that raises it: one sentence, a stable `code`,
and the numbers a caller needs. It never names an HTTP status: `wallet_project/exception_handler.py`
turns the six kinds into statuses, and it is the only place that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

Fact = str | int | None


class DomainError(Exception):
    """An expected way for an act to end without its effect."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, field: str = "", **data: Fact) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        """The field of the request that is to blame, as the caller spelled it; else empty."""
        self.data: Mapping[str, Fact] = data
        """Facts for the answer: amounts are integer minor units, named as the answer names them."""

    def add_facts(self, **data: Fact) -> Self:
        """Add facts that only a caller further out knows, such as a command's place in a list."""
        self.data = {**self.data, **data}
        return self


class Invalid(DomainError):
    """The request cannot be understood; sending it again unchanged never helps."""


class NotFound(DomainError):
    """Nothing of that name belongs to the caller."""


class Forbidden(DomainError):
    """The caller is known and may not do this."""


class Refused(DomainError):
    """Understood and turned down by the state of things. Final for its idempotency key."""


class Conflict(DomainError):
    """Another resource already stands where this one should go."""


class Unavailable(DomainError):
    """Not now. Sending the same request with the same key later is safe and may work."""

    retry_after_seconds: ClassVar[int] = 1
