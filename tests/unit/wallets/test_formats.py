"""How statements are written: no formulas, no growing memory, nothing lost."""

from __future__ import annotations

import csv
import io
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics

from ledger.statement_verifier import Head, Line, Tail, kind_of, unguarded
from tests.statements import pdf_text
from wallets.chart import CHART
from wallets.exports.formats import scripts
from wallets.exports.formats.camt_file import StatementCamt
from wallets.exports.formats.csv_file import StatementCsv
from wallets.exports.formats.document import guarded
from wallets.exports.formats.json_file import StatementJson
from wallets.exports.formats.pdf_file import StatementPdf
from wallets.exports.formats.xlsx_file import StatementXlsx
from wallets.exports.issuing import Issued

NUMBER = "01932f4e-7c1a-7b2e-9d54-0a6f5f1c2b3d"
FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "|calc", "%x"),
    *("=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example","x")', "\uff1d1", "\uff0b1", "'=1"),
]


def issued(currency: str = "USD") -> Issued:
    head = Head(NUMBER, NUMBER, currency, None, None, "2026-01-01T00:00:00.000000Z", "1", "1", "0")
    return Issued(head, Tail("0.00", "1", "0.00", "0.00"), "00" * 32, "alice")


def line(reference: str = "", amount: str = "1.00", sequence: int = 1) -> Line:
    when = "2026-01-01T00:00:00.000000Z"
    return Line(str(sequence), when, when[:10], NUMBER, "DEPOSIT", reference, amount, amount)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_of_a_caller_is_a_formula(text: str, tmp_path: Path) -> None:
    written = StatementCsv(issued()).add([line(text)], after=0).decode()
    (row,) = csv.reader(io.StringIO(written, newline=""))
    assert row[6] == f"'{text}"
    assert unguarded(row[6]) == text

    path = tmp_path / "a.xlsx"
    book = StatementXlsx(issued(), path)
    book.add([line(text)])
    book.end()
    cells = [cell for row in openpyxl.load_workbook(path).active for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]


@given(st.text(max_size=20))
def test_what_is_guarded_comes_back_as_it_was(text: str) -> None:
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    "amount", ["92233720368547758.07", "-92233720368547758.08", "999999999999.99"]
)
def test_no_digit_of_a_large_amount_is_lost_in_a_workbook(amount: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = StatementXlsx(issued(), path)
    book.add([line("x", amount)])
    book.end()
    rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert str(rows[-1][8]) == amount


@given(st.text(max_size=255))
def test_camt_is_well_formed_whatever_a_reference_holds(reference: str) -> None:
    document = StatementCamt(issued())
    body = document.begin() + document.add([line(reference)], after=0) + document.end()
    found = ET.fromstring(body)
    for name in ("EndToEndId", "Ustrd"):
        for element in found.iter(f"{{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}}{name}"):
            assert 1 <= len(element.text or "") <= (35 if name == "EndToEndId" else 140)


def test_a_pdf_has_pages_with_numbers_and_texts_of_many_scripts(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    book = StatementPdf(issued(), path)
    book.add([line("Grüße Ελλάδα Привет", "1.00", number) for number in range(1, 121)])
    book.end()
    text = pdf_text(path.read_bytes())
    for word in ("Grüße", "Ελλάδα", "Привет", NUMBER, "Page 1", "Page 3", "of 3"):
        assert word in text, word
    again = tmp_path / "b.pdf"
    second = StatementPdf(issued(), again)
    second.add([line("Grüße Ελλάδα Привет", "1.00", number) for number in range(1, 121)])
    second.end()
    assert path.read_bytes() == again.read_bytes()


HAN, HANGUL = "STSong-Light", "HYSMyeongJo-Medium"


@pytest.mark.parametrize(
    ("reference", "runs"),
    [
        ("Zoë Ελ", [("FiraGO", "Zoë Ελ")]),
        ("漢字かな繁體", [(HAN, "漢字かな繁體")]),
        ("no. 한글 中", [("FiraGO", "no. "), (HANGUL, "한글"), ("FiraGO", " "), (HAN, "中")]),
        ("שלום", [("FiraGO", "םולש")]),
        ("سلام", [("FiraGO", "م\ufe8e\ufee0\ufeb3")]),
        # Joined, and in the order in which it is seen.
        ("عين 12", [("FiraGO", "12 \ufee6\ufef4\ufecb")]),
        ("paid \U0001f600\U00020000\ue000", [("FiraGO", "paid ▯▯▯")]),
        ("", []),
    ],
)
def test_each_letter_is_drawn_by_a_font_that_has_it(
    reference: str, runs: list[tuple[str, str]]
) -> None:
    (found,) = scripts.lines_of(reference, 7, 128)
    assert [(run.font, run.text) for run in found] == runs


ODD = [
    *("漢" * 255, "W" * 255, " " * 255, "", "الله" * 60, "한글 😀"),
    "e\u0301 \u200f\u200d\ufeff\ufffd",
]


@pytest.mark.parametrize("reference", ODD)
def test_a_pdf_takes_whatever_a_caller_has_written(tmp_path: Path, reference: str) -> None:
    made = []
    for name in ("a.pdf", "b.pdf"):
        book = StatementPdf(issued(), tmp_path / name)
        book.add([line(reference, "1.00", number) for number in range(1, 4)])
        book.end()
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert pdf_text(made[0]).count(NUMBER) > 2


def test_all_arabic_letters_are_drawn_wherever_they_stand() -> None:
    letters = [chr(code) for code in (*range(0x621, 0x63B), *range(0x641, 0x64B))]
    for letter in letters:
        for word in (letter, letter + "ب", "ب" + letter, "ب" + letter + "ب"):
            ((run,),) = scripts.lines_of(word, 7, 128)
            assert (run.font, len(run.text)) == ("FiraGO", len(word)), word
            assert "▯" not in run.text, word


def test_a_long_reference_stays_in_its_column() -> None:
    """Also one without a blank, which would run over the amounts."""
    for reference in ("W" * 255, "漢" * 255, "한 글" * 85, "ab " * 85, "السلام" * 40):
        lines = scripts.lines_of(reference, 7, 128)
        assert len(lines) > 1
        for runs in lines:
            assert sum(pdfmetrics.stringWidth(one.text, one.font, 7) for one in runs) <= 128
        if reference.isascii():
            drawn = "".join(one.text for runs in lines for one in runs)
            assert drawn.replace(" ", "") == reference.replace(" ", "")


@pytest.mark.parametrize("kind", [StatementCsv, StatementJson, StatementCamt, StatementXlsx])
def test_memory_does_not_grow_with_the_lines(kind: Any, tmp_path: Path) -> None:
    """Six times the lines take no more memory."""
    few, many = (_peak_kib(kind, tmp_path / str(count), count) for count in (1_000, 6_000))
    assert many < few * 1.25 + 200, (few, many)


def test_every_type_names_its_kind_of_entry() -> None:
    """The verifier, which knows no chart, finds the kind of an entry by the type of a line."""
    for kind, rule in CHART.items():
        if rule.wallet_sign:
            shown = {rule.shown_as, rule.shown_by_counterparty or rule.shown_as}
            assert {kind_of(type_) for type_ in shown} == {kind.value}


def _peak_kib(kind: Any, path: Path, count: int) -> float:
    def pieces() -> Iterator[list[Line]]:
        for low in range(1, count + 1, 500):
            yield [line(f"order {number}", "1.00", number) for number in range(low, low + 500)]

    tracemalloc.start()
    try:
        if kind is StatementXlsx:
            book = kind(issued(), path)
            for rows in pieces():
                book.add(rows)
            book.end()
        else:
            document, after = kind(issued()), 0
            with path.open("wb") as file:
                file.write(document.begin())
                for rows in pieces():
                    file.write(document.add(rows, after=after))
                    after += len(rows)
                file.write(document.end())
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()
