"""What every format has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, TypeVar

from ledger.statement_verifier import Line
from wallets.exports.figures import Movement

Row = TypeVar("Row", Line, Movement)

_FORMULAS: Final = ("=", "+", "-", "@", "|", "%", *"\uff1d\uff0b\uff0d\uff20")
"""What spreadsheets take for the beginning of a formula or of a command, full-width forms too."""


class Document(ABC):
    """A kind of file."""

    media_type: ClassVar[str]
    suffix: ClassVar[str]


class TextDocument(Document, Generic[Row]):
    """A file that is made by adding to its end: whoever has half of it can go on."""

    @abstractmethod
    def begin(self) -> bytes:
        """Write what stands before the lines."""

    @abstractmethod
    def add(self, rows: Sequence[Row], *, after: int) -> bytes:
        """Write lines, after so many that stand there already."""

    @abstractmethod
    def end(self) -> bytes:
        """Write what stands after the lines."""


class BookDocument(Document, Generic[Row]):
    """A file that is whole only when it is finished."""

    @abstractmethod
    def __init__(self, about: Any, path: Path) -> None:
        """Begin the file."""

    @abstractmethod
    def add(self, rows: Sequence[Row]) -> None:
        """Write lines."""

    @abstractmethod
    def end(self) -> None:
        """Finish the file."""


def guarded(text: str) -> str:
    """Keep a spreadsheet from taking a caller's text for a formula; `unguarded` takes it back."""
    starts = text.lstrip().startswith(_FORMULAS) or text.startswith(("'", "\t", "\r", "\n"))
    return f"'{text}" if starts else text
