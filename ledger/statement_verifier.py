"""Prove a statement of a wallet: its file against its hash, and against an export of the ledger.

Needs Python 3.11 and this one file; no database, no network, no package:

    python statement_verifier.py [--sha256 HEX] [--export EXPORT_DIR] FILE

FILE is a statement as JSON or CSV. HEX is its hash as it was kept elsewhere: another format, or
`GET /statements/{id}`. Without it the file proves only that it is whole, for who changes a file can
make its hash anew. EXPORT_DIR was made by `manage.py export_ledger`; `offline_verifier.py` proves
that against heads.

Exit 0: all holds. Exit 2: differences, each with its line. Exit 1: it could not look.

The first half of this file is what a statement's hash is, byte by byte; the service makes it by
this. `docs/statements.md` says the same in words.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

FORMAT: Final = "wallet-statement/1"
EXPORT_FORMAT: Final = "ledger-export/1"
MARK_DIGITS: Final = 8
COLUMNS: Final = (
    *("record", "sequence", "posted_at", "value_date", "transaction_id", "type", "reference"),
    *("credit", "debit", "balance", "currency", "mark"),
)
"""The columns of a statement as CSV. A row is a fact, whose name is its type and whose value its
reference, or a line."""
HEAD_FACTS: Final = (
    *("statement", "wallet", "currency", "from", "to", "issued_at", "first", "last", "opening"),
)
TAIL_FACTS: Final = ("closing", "lines", "credits", "debits")
JSON_HEAD: Final = (
    *("statementId", "walletId", "currency", "from", "to", "issuedAt"),
    *("firstSequence", "lastSequence", "openingBalance"),
)
JSON_LINE: Final = ("postingSequence", "createdAt", "valueDate", "transactionId", "type")
JSON_TAIL: Final = ("closingBalance", "lineCount", "totalCredits", "totalDebits")


class Head(NamedTuple):
    """What a statement says before its lines. Amounts are printed: `-12.30`, `0.00`; times RFC 3339
    in UTC with microseconds and `Z`; ids UUIDs in lower case; numbers decimal."""

    number: str
    """The statement's id."""
    wallet: str
    currency: str
    since: str | None
    """The first moment it covers; None: the wallet's beginning."""
    before: str | None
    """The first moment that it does not cover any more; None: it has all there was."""
    issued_at: str
    first: str
    """Sequence of its first posting."""
    last: str
    """Of its last one; one below `first` where it has none."""
    opening: str


class Line(NamedTuple):
    """One posting of a statement."""

    sequence: str
    posted_at: str
    value_date: str
    transaction: str
    type: str
    reference: str
    """As the caller gave it; empty where he gave none."""
    amount: str
    """Credits are positive, debits begin with `-`."""
    balance: str
    """After it."""


class Tail(NamedTuple):
    """What a statement says after its lines."""

    closing: str
    lines: str
    credits: str
    debits: str
    """The sum of all debits, without sign."""


def packed(texts: Iterable[str | None]) -> bytes:
    """Write texts so that no two lists look alike: `<bytes>:<UTF-8>,` each, `-,` for None."""
    raws = (None if text is None else text.encode() for text in texts)
    return b"".join(b"-," if raw is None else b"%d:%b," % (len(raw), raw) for raw in raws)


def leaf(line: Line) -> bytes:
    """Digest a line."""
    return hashlib.sha256(packed(line)).digest()


def mark(leaf_: bytes) -> str:
    """Shorten a line's digest to what is printed beside it, to find out which line differs."""
    return leaf_.hex()[:MARK_DIGITS]


def begin(head: Head) -> bytes:
    """Digest what stands before the lines: the first link of the chain."""
    return hashlib.sha256(packed((FORMAT, *head))).digest()


def chain(link: bytes, leaf_: bytes) -> bytes:
    """Digest a line together with all before it: the next link of the chain."""
    return hashlib.sha256(link + leaf_).digest()


def finish(link: bytes, tail: Tail) -> str:
    """Digest the last link together with what stands after the lines: the statement's hash."""
    return hashlib.sha256(link + packed(tail)).hexdigest()


def minor(amount: str) -> int:
    """Read a printed amount as a whole number of its smallest unit: all decimals are printed."""
    return int(amount.replace(".", "", 1))


class CannotLook(Exception):
    """The file or the export cannot be read, so nothing is known about the statement."""


@dataclass
class Statement:
    """A statement as its file has it."""

    head: Head
    lines: list[tuple[Line, str]]
    """Each with the mark beside it."""
    tail: Tail
    sha256: str
    differences: list[str] = field(default_factory=list)

    def say(self, subject: str, detail: str) -> None:
        """Tell a difference."""
        self.differences.append(f"{subject}: {detail}.")

    def check(self, kept: str | None) -> None:
        """Hold the file against its own marks, sums and hash, and against a hash kept elsewhere."""
        link, balance = begin(self.head), minor(self.head.opening)
        sums, expected = [0, 0], int(self.head.first)
        for number, (line, mark_) in enumerate(self.lines, start=1):
            name, leaf_ = named(number, line), leaf(line)
            link = chain(link, leaf_)
            if mark(leaf_) != mark_:
                self.say(name, "it does not fit the mark beside it; one of them was changed")
            if line.sequence != str(expected):
                self.say(name, f"its sequence is {line.sequence}, {expected} was expected")
            amount = minor(line.amount)
            sums[amount < 0] += abs(amount)
            balance += amount
            if minor(line.balance) != balance:
                self.say(name, f"the balance after it is {line.balance}, its amount makes another")
                balance = minor(line.balance)
            expected += 1
        self._check_end(balance, sums, expected)
        made = finish(link, self.tail)
        if made != self.sha256:
            self.say("hash", f"the file says {self.sha256}, what it holds makes {made}")
        if kept is not None and kept.strip().lower() != made:
            self.say("hash", f"what the file holds makes {made}, not the {kept} kept elsewhere")

    def _check_end(self, balance: int, sums: Sequence[int], expected: int) -> None:
        tail = self.tail
        if minor(tail.closing) != balance:
            self.say("closing balance", f"it is {tail.closing}, the lines make another")
        if tail.lines != str(len(self.lines)) or int(self.head.last) != expected - 1:
            self.say("count", f"{tail.lines} lines were stated, there are {len(self.lines)}")
        for name, printed, total in zip(TAIL_FACTS[2:], tail[2:], sums, strict=True):
            if minor(printed) != total:
                self.say(name, f"they are {printed}, the lines make another sum")


def named(number: int, line: Line) -> str:
    """Name a line so that a person finds it."""
    return f"line {number} (sequence {line.sequence}, transaction {line.transaction})"


def read_statement(file: Path) -> Statement:
    """Read a statement from JSON or CSV, whichever it is.

    :raises CannotLook: if it is no statement.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        found = _from_json(json.loads(text)) if text.lstrip()[:1] == "{" else _from_csv(text)
        minor(found.head.opening)
        return found
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise CannotLook(f"{file} is no statement: {error!r}") from error


def _from_json(said: dict[str, Any]) -> Statement:
    if said["format"] != FORMAT:
        raise ValueError(f"its format is {said['format']}")
    values = (said[name] for name in JSON_HEAD)
    head = Head._make(None if value is None else str(value) for value in values)
    lines = [(_json_line(one), str(one["mark"])) for one in said["lines"]]
    tail = Tail._make(str(said[name]) for name in JSON_TAIL)
    return Statement(head, lines, tail, said["sha256"])


def _json_line(one: dict[str, Any]) -> Line:
    sign = {"CREDIT": "", "DEBIT": "-"}[one["direction"]]
    facts = [str(one[name]) for name in JSON_LINE]
    return Line._make([*facts, one["referenceId"] or "", sign + one["amount"], one["balance"]])


def _from_csv(text: str) -> Statement:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError("its columns are not those of a statement")
    facts: dict[str, str] = {}
    lines: list[tuple[Line, str]] = []
    for row in rows:
        if row["record"] == "line":
            lines.append((_csv_line(row), row["mark"]))
        elif row["record"] == "fact":
            facts[row["type"]] = row["reference"]
        else:
            raise ValueError(f"a row is a {row['record']!r}")
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {facts['format']}")
    head = Head._make(facts[name] for name in HEAD_FACTS)
    head = head._replace(since=head.since or None, before=head.before or None)
    tail = Tail._make(facts[name] for name in TAIL_FACTS)
    return Statement(head, lines, tail, facts["sha256"])


def _csv_line(row: dict[str, str]) -> Line:
    if bool(row["credit"]) == bool(row["debit"]):
        raise ValueError(f"the row of sequence {row['sequence']} is neither credit nor debit")
    facts = [row[name] for name in COLUMNS[1:6]]
    amount = row["credit"] or "-" + row["debit"]
    return Line._make([*facts, unguarded(row["reference"]), amount, row["balance"]])


def unguarded(text: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from taking a text for a formula."""
    return text[1:] if text.startswith("'") else text


class Books:
    """What an export of the ledger has of one wallet."""

    def __init__(self, export: Path) -> None:
        self._export = export
        self._manifest = _manifest(export)
        self.changed: list[str] = []
        """Files that are not as they were exported."""

    def compare(self, statement: Statement) -> None:
        """Hold a statement against the export's postings, line by line.

        :raises CannotLook: if the export cannot be read or does not reach as far as the statement.
        """
        head = statement.head
        first, last = int(head.first), int(head.last)
        account = self._account(head.wallet)
        if account is None:
            raise CannotLook(f"The export has no wallet {head.wallet}.")
        if account != head.currency:
            statement.say("currency", f"it is {head.currency}, the books have {account}")
        wanted = {int(line.sequence): (n, line) for n, (line, _) in enumerate(statement.lines, 1)}
        furthest, seen = 0, set()
        for posting, entry in self._postings(head.wallet):
            sequence = int(posting[5])
            furthest = max(furthest, sequence)
            if sequence == first - 1 and int(posting[4]) != minor(head.opening):
                statement.say("opening balance", f"it is {head.opening}, the books have another")
            if first <= sequence <= last:
                seen.add(sequence)
                number, line = wanted.get(sequence, (0, None))
                if line is None:
                    statement.say(f"posting {posting[0]}", f"sequence {sequence} is not stated")
                    continue
                for what in _unlike(line, posting, entry):
                    statement.say(named(number, line), what)
        if furthest < last:
            raise CannotLook(
                f"The export ends at posting {furthest} of the wallet, the statement at {last}."
            )
        for sequence in sorted(wanted.keys() - seen):
            statement.say(named(*wanted[sequence]), "the books have no such posting")
        for name in self.changed:
            statement.say(f"export, {name}", "it is not as it was exported: its SHA-256 differs")

    def _account(self, wallet: str) -> str | None:
        found = [row[3] for _, *row in self._lines("accounts.jsonl.gz") if row[0] == wallet]
        return str(found[0]) if found else None

    def _postings(self, wallet: str) -> Iterator[tuple[list[Any], list[Any] | None]]:
        for name in self._manifest["files"]:
            if not name.startswith("ledger-"):
                continue
            entries: dict[str, list[Any]] = {}
            for kind, *row in self._lines(name):
                if kind == "entry":
                    entries[row[0]] = row
                elif kind == "seal":
                    entries.clear()
                elif row[2] == wallet:
                    yield row, entries.get(row[1])

    def _lines(self, name: str) -> Iterator[list[Any]]:
        try:
            with gzip.open(self._export.joinpath(name), "rb") as file:
                seen = hashlib.sha256()
                for line in file:
                    seen.update(line)
                    yield json.loads(line)
        except (OSError, EOFError, ValueError) as error:
            raise CannotLook(f"{name} cannot be read: {error}") from error
        if seen.hexdigest() != self._manifest["files"].get(name) and name not in self.changed:
            self.changed.append(name)


def _unlike(line: Line, posting: list[Any], entry: list[Any] | None) -> Iterator[str]:
    """Tell where a line is not what the books have."""
    said = [
        ("amount", str(minor(line.amount)), posting[3]),
        ("balance", str(minor(line.balance)), posting[4]),
        ("transaction", line.transaction, posting[1]),
        ("time", line.posted_at, posting[7]),
    ]
    if entry is None:
        yield "the books have no entry for it"
    else:
        said += [
            ("type", kind_of(line.type), entry[1]),
            ("reference", line.reference, entry[6]),
            ("value date", line.value_date, entry[11]),
        ]
    for name, stated, booked in said:
        if stated != booked:
            yield f"its {name} is {stated}, the books have {booked}"


def kind_of(type_: str) -> str:
    """Name the kind of entry that a type stands for: a transfer has two, by its direction."""
    return type_.removesuffix("_IN").removesuffix("_OUT").lower()


def _manifest(export: Path) -> dict[str, Any]:
    try:
        found = json.loads(export.joinpath("manifest.json").read_bytes())
    except (OSError, ValueError) as error:
        raise CannotLook(f"The manifest of the export cannot be read: {error}") from error
    if found.get("format") != EXPORT_FORMAT:
        raise CannotLook(f"This is no {EXPORT_FORMAT}: {found.get('format')}")
    return dict(found)


def main(arguments: Sequence[str]) -> int:
    """Verify a statement and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="the statement, as JSON or CSV")
    parser.add_argument("--sha256", help="its hash as it was kept elsewhere")
    parser.add_argument("--export", type=Path, help="folder made by `manage.py export_ledger`")
    options = parser.parse_args(arguments)
    out, err = sys.stdout.write, sys.stderr.write
    try:
        statement = read_statement(options.file)
        statement.check(options.sha256)
        if options.export is not None:
            Books(options.export).compare(statement)
    except (CannotLook, KeyError, IndexError, TypeError, ValueError) as error:
        err(f"Nothing is proven: {error}\n")
        return 1
    found = statement.differences
    for difference in found:
        out(f"{difference}\n")
    if options.sha256 is None and options.export is None:
        err("No hash kept elsewhere and no export was given: the file proves only itself.\n")
    verdict = f"{len(found)} difference{'s'[: len(found) != 1]}" if found else "all holds"
    out(f"Statement {statement.head.number}, {len(statement.lines)} lines: {verdict}.\n")
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
