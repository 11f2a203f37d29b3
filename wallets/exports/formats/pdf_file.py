"""Statements as PDF, for people: a table over pages, in an embedded font of many scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from ledger.statement_verifier import FORMAT, Line, leaf, mark
from wallets.exports.formats import scripts
from wallets.exports.formats.document import BookDocument
from wallets.exports.formats.scripts import BOLD, FONT
from wallets.exports.issuing import Issued

_PAGE: Final = landscape(A4)
_MARGIN: Final = 36
_SIZE: Final = 7
_LEADING: Final = 9
_TOTAL: Final = "pages"
"""The form that tells the number of pages; it is known when the last one is drawn."""
_LEFT: Final = {
    "No.": 36,
    "Posted (UTC)": 74,
    "Value date": 172,
    "Type": 218,
    "Transaction": 300,
    "Reference": 446,
}
_RIGHT: Final = {"Credit": 636, "Debit": 696, "Balance": 766}
_MARK: Final = 772
_REFERENCE_WIDTH: Final = 128


class StatementPdf(BookDocument[Line]):
    """A statement: who and when, sums, the table, and how to prove it."""

    media_type = "application/pdf"
    suffix = "pdf"

    def __init__(self, about: Issued, path: Path) -> None:
        scripts.load_fonts()
        self._about = about
        # invariant: the same statement is the same file, byte for byte.
        self._canvas = Canvas(str(path), pagesize=_PAGE, invariant=1, pageCompression=1)
        self._canvas.setTitle(f"Statement {about.head.number}")
        self._canvas.setSubject(f"{FORMAT} sha256 {about.sha256}")
        self._pages = 0
        self._y: int = 0
        self._begin_page()
        self._introduce()
        self._columns()

    def add(self, rows: Sequence[Line]) -> None:
        """Draw lines."""
        for line in rows:
            self._line(line)

    def end(self) -> None:
        """Draw the end of the table and the last page's foot; finish the file."""
        tail, canvas = self._about.tail, self._canvas
        self._room(6 * _LEADING)
        self._rule()
        for name, amount in (
            ("Credits", tail.credits),
            ("Debits", tail.debits),
            ("Closing balance", tail.closing),
        ):
            self._sum(name, amount)
        self._end_page()
        canvas.beginForm(_TOTAL, 0, 0, 60, 12)
        canvas.setFont(FONT, _SIZE)
        canvas.drawString(0, 3, f"of {self._pages}")
        canvas.endForm()
        canvas.save()

    def _introduce(self) -> None:
        about, head, tail = self._about, self._about.head, self._about.tail
        canvas = self._canvas
        canvas.setFont(BOLD, 15)
        canvas.drawString(_MARGIN, self._y - 8, "Statement")
        self._y -= 30
        since, before = head.since or "the beginning", head.before or "all until it was issued"
        facts = [
            ("Number", head.number),
            ("Wallet", f"{head.wallet}  {about.reference or ''}"),
            ("Currency", head.currency),
            ("From (UTC)", since),
            ("Before (UTC)", before),
            ("Issued (UTC)", head.issued_at),
            ("Lines", f"{tail.lines}, sequences {head.first} to {head.last}"),
            ("SHA-256", about.sha256),
        ]
        for name, text in facts:
            canvas.setFont(BOLD, 8)
            canvas.drawString(_MARGIN, self._y, name)
            canvas.setFont(FONT, 8)
            canvas.drawString(_MARGIN + 80, self._y, text)
            self._y -= 12
        self._y -= 4
        self._sum("Opening balance", head.opening)

    def _columns(self) -> None:
        canvas = self._canvas
        canvas.setFont(BOLD, _SIZE)
        for name, x in _LEFT.items():
            canvas.drawString(x, self._y, name)
        for name, right in _RIGHT.items():
            canvas.drawRightString(right, self._y, name)
        canvas.drawString(_MARK, self._y, "Mark")
        self._y -= 3
        self._rule()

    def _line(self, line: Line) -> None:
        pieces = scripts.lines_of(line.reference, _SIZE, _REFERENCE_WIDTH)
        self._room(len(pieces) * _LEADING)
        canvas, is_debit = self._canvas, line.amount.startswith("-")
        canvas.setFont(FONT, _SIZE)
        texts = (line.sequence, line.posted_at, line.value_date, line.type)
        for x, text in zip(_LEFT.values(), texts, strict=False):
            canvas.drawString(x, self._y, text)
        canvas.drawString(_LEFT["Transaction"], self._y, line.transaction)
        amount = line.amount.removeprefix("-")
        canvas.drawRightString(_RIGHT["Debit" if is_debit else "Credit"], self._y, amount)
        canvas.drawRightString(_RIGHT["Balance"], self._y, line.balance)
        canvas.drawString(_MARK, self._y, mark(leaf(line)))
        for piece in pieces:
            drawn = canvas.beginText(_LEFT["Reference"], self._y)
            for run in piece:
                drawn.setFont(run.font, _SIZE)
                drawn.textOut(run.text)
            canvas.drawText(drawn)
            self._y -= _LEADING

    def _sum(self, name: str, amount: str) -> None:
        self._canvas.setFont(BOLD, 8)
        self._canvas.drawString(_MARGIN, self._y, name)
        text = f"{amount} {self._about.head.currency}"
        self._canvas.drawRightString(_RIGHT["Balance"], self._y, text)
        self._y -= 14

    def _rule(self) -> None:
        self._canvas.setLineWidth(1)
        self._canvas.line(_MARGIN, self._y, _PAGE[0] - _MARGIN, self._y)
        self._y -= 10

    def _room(self, needed: int) -> None:
        """Go on on another page where this one has too little room left."""
        if self._y - needed < _MARGIN + 16:
            self._end_page()
            self._begin_page()
            self._columns()

    def _begin_page(self) -> None:
        self._pages += 1
        self._y = int(_PAGE[1]) - _MARGIN

    def _end_page(self) -> None:
        canvas, head = self._canvas, self._about.head
        canvas.setFont(FONT, _SIZE)
        canvas.drawString(_MARGIN, _MARGIN - 10, f"Statement {head.number}, {head.currency}")
        page = f"Page {self._pages}"
        canvas.drawString(_PAGE[0] - _MARGIN - 70, _MARGIN - 10, page)
        canvas.saveState()
        width = pdfmetrics.stringWidth(page + " ", FONT, _SIZE)
        canvas.translate(_PAGE[0] - _MARGIN - 70 + width, _MARGIN - 13)
        canvas.doForm(_TOTAL)
        canvas.restoreState()
        canvas.showPage()
