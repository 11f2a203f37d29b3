"""Readers: exact amounts, days as written, and nothing believed that a file does not say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reconciling import DAY, Booked, as_camt, as_mt940
from wallet_project.kit.money import format_minor
from wallets.reconciliation.errors import SetupInvalid
from wallets.reconciliation.files import reading
from wallets.reconciliation.files.amounts import minor_of
from wallets.reconciliation.files.lines import Contents, Unreadable
from wallets.reconciliation.mapping import CsvMapping, read_mapping


def read_csv(content: str | bytes, **mapping: Any) -> Contents:
    raw = content.encode() if isinstance(content, str) else content
    return reading.read(raw, "CSV", mapping=CsvMapping(**mapping), currency="USD")


def read(content: bytes, format: str) -> Contents:
    return reading.read(content, format, mapping=CsvMapping())


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "minor"),
    [
        ("12.34", ".", "", 1234),
        ("-12.34", ".", "", -1234),
        ("12.34-", ".", "", -1234),
        ("+5", ".", "", 500),
        ("5.", ".", "", 500),
        ("10.0000", ".", "", 1000),
        ("1.234,56", ",", ".", 123456),
        ("1'234.5", ".", "'", 123450),
        ("1 234,56", ",", "", 123456),
        ("0,07", ",", "", 7),
        ("90071992547409.93", ".", "", 9007199254740993),
    ],
)
def test_amounts_are_read_exactly(text: str, decimal: str, thousands: str, minor: int) -> None:
    assert minor_of(text, "USD", decimal=decimal, thousands=thousands) == minor


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("", ".", ""),
        ("1e3", ".", ""),
        ("NaN", ".", ""),
        ("--1", ".", ""),
        ("-1-", ".", ""),
        ("1.234", ".", ""),
        ("1,23", ".", ""),
        ("1.23", ",", ""),
        ("12,34.56", ".", ","),
        ("1234,567.00", ".", ","),
        ("1,23", ".", ","),
        ("١", ".", ""),
        ("99999999999999999999", ".", ""),
        ("1" * 41, ".", ""),
    ],
)
def test_what_is_no_amount_is_refused(text: str, decimal: str, thousands: str) -> None:
    with pytest.raises(Unreadable):
        minor_of(text, "USD", decimal=decimal, thousands=thousands)


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from(["USD", "JPY", "KWD"]))
def test_every_amount_that_the_books_can_hold_comes_back(minor: int, currency: str) -> None:
    assert minor_of(format_minor(minor, currency), currency) == minor


def test_a_european_file_with_debit_and_credit_columns() -> None:
    content = (
        "Kontoauszug;;;\nTag;Soll;Haben;Zweck\n"
        "10.03.2026;1.234,50;;Miete f\xfcr M\xe4rz\n11.03.2026;;7,00;x\n"
    )
    found = read_csv(
        content.encode("iso-8859-1"),
        day="Tag",
        amount="",
        debit="Soll",
        credit="Haben",
        text="Zweck",
        encoding="iso-8859-1",
        delimiter=";",
        skip=1,
        date_format="%d.%m.%Y",
        decimal=",",
        thousands=".",
    )
    assert found.troubles == []
    assert [(one.number, one.amount, one.booked_on, one.text) for one in found.lines] == [
        (3, -123450, date(2026, 3, 10), "Miete f\xfcr M\xe4rz"),
        (4, 700, date(2026, 3, 11), "x"),
    ]


def test_a_sign_in_a_column_and_columns_by_number() -> None:
    found = read_csv(
        "2026-03-10,5.00,D,EUR\n2026-03-10,6.00,C,JPY\n2026-03-10,6,C,JPY\n",
        day="1",
        amount="2",
        sign="3",
        currency="4",
        has_headings=False,
    )
    assert [(one.amount, one.currency) for one in found.lines] == [
        (-500, "EUR"),
        (6, "JPY"),
        (6, "JPY"),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("date,sum\n", "The column 'amount' is not there. The headings are: date, sum."),
        ("date,amount,amount\n", "The column 'amount' is twice."),
        ("date,amount\n", "It has no line."),
        ("", "The headings are: nothing."),
        ("date,amount\n2026-03-10\n", "Line 2: It has 1 columns"),
        ("date,amount\n2026-13-10,1\n", "Line 2: '2026-13-10' is no day"),
        ("date,amount\n2026-03-10,0\n", "Line 2: Its amount is zero."),
        ('date,amount\n2026-03-10,"1\n', "it is no CSV"),
        (b"date,amount\n\xff,1\n", "It is not written in utf-8: byte 12"),
    ],
)
def test_what_is_wrong_with_a_csv_is_told_by_line(content: str | bytes, told: str) -> None:
    found = read_csv(content)
    assert any(told in str(trouble) for trouble in found.troubles), found.troubles


@pytest.mark.parametrize(
    "mapping",
    [
        {"amount": "a", "debit": "b", "credit": "c"},
        {"amount": ""},
        {"amount": "", "debit": "b"},
        {"encoding": "rot13"},
        {"delimiter": "x"},
        {"decimal": ".", "thousands": "."},
        {"has_headings": False},
        {"skip": -1},
        {"unknown": "x"},
    ],
)
def test_a_mapping_that_reads_nothing_is_refused(mapping: dict[str, Any]) -> None:
    with pytest.raises(SetupInvalid):
        read_mapping(mapping)


@pytest.mark.parametrize("writer", [as_camt, as_mt940])
def test_a_statement_that_does_not_add_up_is_refused(writer: Any) -> None:
    content = writer([Booked("b1", 10_00, "a"), Booked("b2", -3_00, "b")], opening=1_00)
    format = "CAMT053" if writer is as_camt else "MT940"
    sound = read(content, format)
    assert sound.troubles == []
    assert [(one.opening, one.closing) for one in sound.balances] == [(1_00, 8_00)]
    broken = content.replace(b"10.00", b"10.01").replace(b"C10,00", b"C10,01")
    (trouble,) = read(broken, format).troubles
    assert "It does not add up" in str(trouble)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<Document><BkToCstmrStmt><Stmt>&b;</Stmt></BkToCstmrStmt></Document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<Document><BkToCstmrStmt><Stmt>&a;</Stmt></BkToCstmrStmt></Document>"""
DTD = b"""<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://localhost/a.dtd"><Document/>"""


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, DTD])
def test_entities_and_document_types_are_refused_unread(content: bytes) -> None:
    found = read(content, "CAMT053")
    assert [str(trouble) for trouble in found.troubles] == [
        "It has a document type or entities, which a statement has not."
    ]
    assert found.lines == []


@pytest.mark.parametrize("content", [b"", b"<a/>", b"<a", b"\x00\x01", b":20:x\n:61:rubbish\n"])
@pytest.mark.parametrize("format", ["CAMT053", "MT940"])
def test_what_is_no_statement_is_told_so(content: bytes, format: str) -> None:
    assert read(content, format).troubles


def test_entries_that_are_not_booked_yet_are_left_out() -> None:
    content = as_camt([Booked("b1", 1_00, "a")]).replace(b"BOOK", b"PDNG")
    content = content.replace(b"CLBD", b"XXXX")
    assert [str(one) for one in read(content, "CAMT053").troubles] == ["It has no line."]


def test_a_file_named_like_a_path_is_not_opened(tmp_path: Any) -> None:
    """The MT940 library takes a text for a file's name where there is such a file."""
    kept = tmp_path / "statement"
    kept.write_bytes(as_mt940([Booked("b1", 1_00)]))
    assert read(str(kept).encode(), "MT940").lines == []


@given(st.lists(st.integers(-(10**12), 10**12).filter(bool), min_size=1, max_size=20))
def test_all_formats_read_the_same(amounts: list[int]) -> None:
    booked = [Booked(f"b{n}", amount, f"r{n}") for n, amount in enumerate(amounts)]
    for content, format in ((as_camt(booked), "CAMT053"), (as_mt940(booked), "MT940")):
        found = read(content, format)
        assert found.troubles == []
        assert [
            (one.external_reference, one.amount, one.reference, one.booked_on)
            for one in found.lines
        ] == [(one.id, one.amount, one.reference, DAY) for one in booked]
