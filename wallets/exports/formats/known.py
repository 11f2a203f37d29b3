"""Which kind of export can be written in which format, and how long it may be."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from wallets.exports import figures
from wallets.exports.errors import ExportTooLong
from wallets.exports.figures import Range
from wallets.exports.formats.camt_file import StatementCamt
from wallets.exports.formats.csv_file import MovementsCsv, StatementCsv
from wallets.exports.formats.document import BookDocument, TextDocument
from wallets.exports.formats.json_file import MovementsJson, StatementJson
from wallets.exports.formats.pdf_file import StatementPdf
from wallets.exports.formats.xlsx_file import MovementsXlsx, StatementXlsx
from wallets.exports.issuing import Issued
from wallets.exports.models import Format, Kind

Writer = type[TextDocument[Any]] | type[BookDocument[Any]]

SHEET_LINES_MAX: Final = 1_000_000
"""A sheet has 1,048,576 rows."""
WRITERS: Final[dict[tuple[Kind, Format], Writer]] = {
    (Kind.STATEMENT, Format.JSON): StatementJson,
    (Kind.STATEMENT, Format.CSV): StatementCsv,
    (Kind.STATEMENT, Format.XLSX): StatementXlsx,
    (Kind.STATEMENT, Format.PDF): StatementPdf,
    (Kind.STATEMENT, Format.CAMT053): StatementCamt,
    (Kind.TRANSACTIONS, Format.JSON): MovementsJson,
    (Kind.TRANSACTIONS, Format.CSV): MovementsCsv,
    (Kind.TRANSACTIONS, Format.XLSX): MovementsXlsx,
}


def formats_of(kind: Kind) -> list[Format]:
    """List the formats that a kind of export can have."""
    return [format_ for one, format_ in WRITERS if one == kind]


def check_length(format_: Format, lines: int) -> None:
    """Refuse what the format cannot hold.

    :raises ExportTooLong: then.
    """
    limits = {Format.PDF: settings.EXPORT_PDF_LINES_MAX, Format.XLSX: SHEET_LINES_MAX}
    most = limits.get(format_)
    if most is not None and lines > most:
        raise ExportTooLong(
            f"This time has {lines} movements, {format_.label} holds {most} at most. Choose a "
            "shorter time, or CSV, JSON or camt.053.",
            field="format",
            lines=lines,
            limit=most,
        )


def render(within: Range, issued: Issued, format_: Format) -> tuple[Writer, bytes]:
    """Write a statement of few lines in one go."""
    writer: Any = WRITERS[Kind.STATEMENT, format_]
    if issubclass(writer, TextDocument):
        document = writer(issued)
        parts, after = [document.begin()], 0
        for lines in figures.pieces(within):
            parts.append(document.add(lines, after=after))
            after += len(lines)
        return writer, b"".join([*parts, document.end()])
    with tempfile.TemporaryDirectory(prefix="statement-") as folder:
        path = Path(folder).joinpath(f"statement.{writer.suffix}")
        book = writer(issued, path)
        for lines in figures.pieces(within):
            book.add(lines)
        book.end()
        return writer, path.read_bytes()
