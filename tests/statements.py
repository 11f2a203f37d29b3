"""Reads statements back from every format, by readers that are not ours."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import openpyxl
from pypdf import PdfReader

_CAMT = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"
_ROW = re.compile(
    r"(\d+) \S+Z \d{4}-\d\d-\d\d [A-Z_]+ ([0-9a-f-]{36}) (-?[\d.]+) (-?[\d.]+) [0-9a-f]{8}\b"
)


@dataclass(frozen=True)
class Told:
    """What a statement tells, whatever its format."""

    number: UUID
    sha256: str
    opening: Decimal
    closing: Decimal
    credits: Decimal
    debits: Decimal
    lines: list[tuple[int, UUID, Decimal, Decimal]]
    """Sequence, transaction, signed amount, balance."""


def from_json(body: bytes) -> Told:
    """Read JSON."""
    said = json.loads(body)
    signs = {"CREDIT": 1, "DEBIT": -1}
    return Told(
        number=UUID(said["statementId"]),
        sha256=said["sha256"],
        opening=Decimal(said["openingBalance"]),
        closing=Decimal(said["closingBalance"]),
        credits=Decimal(said["totalCredits"]),
        debits=Decimal(said["totalDebits"]),
        lines=[
            (
                one["postingSequence"],
                UUID(one["transactionId"]),
                signs[one["direction"]] * Decimal(one["amount"]),
                Decimal(one["balance"]),
            )
            for one in said["lines"]
        ],
    )


def from_csv(body: bytes) -> Told:
    """Read comma separated values."""
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    facts = {row["type"]: row["reference"] for row in rows if row["record"] == "fact"}
    return Told(
        number=UUID(facts["statement"]),
        sha256=facts["sha256"],
        opening=Decimal(facts["opening"]),
        closing=Decimal(facts["closing"]),
        credits=Decimal(facts["credits"]),
        debits=Decimal(facts["debits"]),
        lines=[
            (
                int(row["sequence"]),
                UUID(row["transaction_id"]),
                Decimal(row["credit"] or "-" + row["debit"]),
                Decimal(row["balance"]),
            )
            for row in rows
            if row["record"] == "line"
        ],
    )


def from_xlsx(body: bytes) -> Told:
    """Read a workbook."""
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True)
    rows = [list(row) for row in book.active.iter_rows(values_only=True)]
    facts = {row[0]: row[1] for row in rows if len(row) > 1}
    first = next(place for place, row in enumerate(rows) if row and row[0] == "No.") + 1
    return Told(
        number=UUID(facts["Statement"]),
        sha256=facts["SHA-256"],
        opening=_exact(facts["Opening balance"]),
        closing=_exact(facts["Closing balance"]),
        credits=_exact(facts["Credits"]),
        debits=_exact(facts["Debits"]),
        lines=[
            (
                int(row[0]),
                UUID(row[4]),
                _exact(row[6]) if row[6] is not None else -_exact(row[7]),
                _exact(row[8]),
            )
            for row in rows[first:]
        ],
    )


def from_camt(body: bytes) -> Told:
    """Read camt.053."""
    statement = ET.fromstring(body).find(f"{_CAMT}BkToCstmrStmt/{_CAMT}Stmt")
    assert statement is not None
    balances = {
        _text(one, "Tp/CdOrPrtry/Cd"): _signed(one) for one in statement.findall(f"{_CAMT}Bal")
    }
    told = re.search(r"([0-9a-f]{64})", _text(statement, "AddtlStmtInf"))
    assert told is not None
    lines = []
    for entry in statement.findall(f"{_CAMT}Ntry"):
        said = re.search(r"balance (-?[\d.]+)", _text(entry, "AddtlNtryInf"))
        assert said is not None
        lines.append(
            (
                int(_text(entry, "NtryRef")),
                UUID(_text(entry, "AcctSvcrRef")),
                _signed(entry),
                Decimal(said[1]),
            )
        )
    return Told(
        UUID(_text(statement, "Id")),
        told[1],
        balances["OPBD"],
        balances["CLBD"],
        Decimal(_text(statement, "TxsSummry/TtlCdtNtries/Sum")),
        Decimal(_text(statement, "TxsSummry/TtlDbtNtries/Sum")),
        lines,
    )


def from_pdf(body: bytes) -> Told:
    """Read the text of a PDF. Whether an amount is a credit is told by where it stands."""
    text = " ".join(pdf_text(body).split())
    sums = re.findall(r"(Opening balance|Closing balance|Credits|Debits) (-?[\d.]+) [A-Z]{3}", text)
    said = {name: Decimal(amount) for name, amount in sums}
    lines, before = [], said["Opening balance"]
    for sequence, transaction, amount, after in _ROW.findall(text):
        balance = Decimal(after)
        signed = Decimal(amount) if balance > before else -Decimal(amount)
        lines.append((int(sequence), UUID(transaction), signed, balance))
        before = balance
    number = re.search(r"Number ([0-9a-f-]{36})", text)
    sha256 = re.search(r"SHA-256 ([0-9a-f]{64})", text)
    assert number is not None
    assert sha256 is not None
    return Told(
        number=UUID(number[1]),
        sha256=sha256[1],
        opening=said["Opening balance"],
        closing=said["Closing balance"],
        credits=said["Credits"],
        debits=said["Debits"],
        lines=lines,
    )


def pdf_text(body: bytes) -> str:
    """Read the text of all pages of a PDF."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


READERS = {
    "json": from_json,
    "csv": from_csv,
    "xlsx": from_xlsx,
    "camt053": from_camt,
    "pdf": from_pdf,
}


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))


def _signed(element: Any) -> Decimal:
    sign = {"CRDT": 1, "DBIT": -1}[_text(element, "CdtDbtInd")]
    return sign * Decimal(_text(element, "Amt"))


def _text(element: Any, path: str) -> str:
    found = element.find("/".join(f"{_CAMT}{step}" for step in path.split("/")))
    assert found is not None, path
    return found.text or ""
