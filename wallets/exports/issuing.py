"""Issue statements, and prove later that the books still say what was stated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from ledger import account_lines, statement_verifier
from ledger.statement_verifier import Head, Line, Tail
from wallet_project.kit.clock import now, rfc3339
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import format_minor
from wallets.exports import figures
from wallets.exports.errors import StatementNotFound
from wallets.exports.figures import Range
from wallets.exports.models import IssuedStatement


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement as every format prints it, but for its lines."""

    head: Head
    tail: Tail
    sha256: str
    reference: str | None = None
    """The client's own name for the wallet; not part of the hash."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The hash of a statement as far as it has come: all that is needed to go on."""

    number: UUID
    issued_at: datetime
    link: bytes
    lines: int
    credits: int
    debits: int

    def add(self, lines: Sequence[Line]) -> Proof:
        """Take the next lines in."""
        link, sums = self.link, [self.credits, self.debits]
        for line in lines:
            link = statement_verifier.chain(link, statement_verifier.leaf(line))
            amount = statement_verifier.minor(line.amount)
            sums[amount < 0] += abs(amount)
        return replace(
            self, link=link, lines=self.lines + len(lines), credits=sums[0], debits=sums[1]
        )

    def as_json(self) -> dict[str, Any]:
        """Write it down."""
        return {
            "number": str(self.number),
            "issued_at": rfc3339(self.issued_at),
            "link": self.link.hex(),
            "lines": self.lines,
            "credits": str(self.credits),
            "debits": str(self.debits),
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Proof:
        """Read what `as_json` wrote."""
        return cls(
            UUID(said["number"]),
            datetime.fromisoformat(said["issued_at"]),
            bytes.fromhex(said["link"]),
            int(said["lines"]),
            int(said["credits"]),
            int(said["debits"]),
        )


def issue(within: Range, *, by: str) -> IssuedStatement:
    """Issue the statement of a range, or find the one that was issued of it before.

    :raises PostingsMissing: if the books have a gap there.
    """
    found = issued_before(within)
    if found is not None:
        return found
    proof = begin(within)
    for lines in figures.pieces(within):
        proof = proof.add(lines)
    return keep(within, proof, by=by)


def issued_before(within: Range) -> IssuedStatement | None:
    """Find the statement that was issued of a range."""
    rows = IssuedStatement.objects.using(PRIMARY)
    found: IssuedStatement | None = rows.filter(identity=_identity(within)).first()
    return found


def begin(within: Range) -> Proof:
    """Begin the hash of a new statement."""
    number, moment = uuid7(), now()
    head = _head(within, number, moment)
    return Proof(number, moment, statement_verifier.begin(head), 0, 0, 0)


def keep(within: Range, proof: Proof, *, by: str) -> IssuedStatement:
    """Keep a statement whose lines have all gone into its hash; where another was faster, that
    one is the statement."""
    tail = _tail(within.closing, within.lines, proof.credits, proof.debits, within.currency)
    sha256 = statement_verifier.finish(proof.link, tail)

    def body() -> IssuedStatement:
        with transaction.atomic(using=PRIMARY):
            found = issued_before(within)
            if found is not None:
                return found
            made = IssuedStatement(
                id=proof.number,
                identity=_identity(within),
                wallet=within.wallet,
                client=within.client,
                currency=within.currency,
                since=within.since,
                before=within.before,
                first=within.first,
                last=within.last,
                opening=within.opening,
                closing=within.closing,
                credits=proof.credits,
                debits=proof.debits,
                sha256=bytes.fromhex(sha256),
                issued_at=proof.issued_at,
                issued_by=by,
            )
            made.save(using=PRIMARY)
            return made

    return run_retrying(body, INTERACTIVE, operation="issue_statement")


def printed(row: IssuedStatement, *, reference: str | None = None) -> Issued:
    """Print what was issued."""
    within = range_of(row)
    return Issued(
        _head(within, row.pk, row.issued_at),
        _tail(row.closing, row.lines, row.credits, row.debits, row.currency),
        bytes(row.sha256).hex(),
        reference,
    )


def range_of(row: IssuedStatement) -> Range:
    """Return the range of the books that a statement tells."""
    return Range(
        row.wallet,
        row.client,
        row.currency,
        row.since,
        row.before,
        row.first,
        row.last,
        row.opening,
        row.closing,
    )


def statement(statement_id: UUID, *, client: int | None = None) -> IssuedStatement:
    """Find a statement that was issued, of any client or of one.

    :raises StatementNotFound: if there is none.
    """
    rows = IssuedStatement.objects.using(PRIMARY).filter(pk=statement_id)
    found: IssuedStatement | None = (rows if client is None else rows.filter(client=client)).first()
    if found is None:
        raise StatementNotFound("The statement does not exist.", field="statementId")
    return found


def verify(row: IssuedStatement, *, lines: Iterable[Sequence[Line]] | None = None) -> list[str]:
    """Make a statement anew from the books and tell, a sentence each, where it differs.

    `lines` stand in for those of the books.
    """
    within, said = range_of(row), printed(row)
    differences, balance = _check_opening(row), row.opening
    proof = Proof(row.pk, row.issued_at, statement_verifier.begin(said.head), 0, 0, 0)
    expected = row.first
    try:
        for piece in figures.pieces(within) if lines is None else lines:
            proof = proof.add(piece)
            for line in piece:
                balance += statement_verifier.minor(line.amount)
                if (
                    line.sequence != str(expected)
                    or statement_verifier.minor(line.balance) != balance
                ):
                    name = statement_verifier.named(expected - row.first + 1, line)
                    differences.append(f"{name}: it does not follow from the line before it.")
                    balance = statement_verifier.minor(line.balance)
                expected += 1
    except figures.PostingsMissing as error:
        return [*differences, str(error)]
    for name, stated, booked in (
        ("closing balance", row.closing, balance),
        ("credits", row.credits, proof.credits),
        ("debits", row.debits, proof.debits),
    ):
        if stated != booked:
            amounts = (format_minor(one, row.currency) for one in (stated, booked))
            differences.append("{}: {} was stated, the books have {}.".format(name, *amounts))
    made = statement_verifier.finish(proof.link, said.tail)
    if made != said.sha256:
        differences.append(f"hash: {said.sha256} was issued, the books make {made}.")
    return differences


def _check_opening(row: IssuedStatement) -> list[str]:
    before = None
    if row.first > 1:
        before = account_lines.opening_after(row.wallet, row.first - 1, using=PRIMARY)
    booked = before.balance if before is not None else 0
    if booked == row.opening:
        return []
    stated = format_minor(row.opening, row.currency)
    return [
        f"opening balance: {stated} was stated, the books have "
        f"{format_minor(booked, row.currency)}."
    ]


def _identity(within: Range) -> bytes:
    since, before = (None if one is None else rfc3339(one) for one in (within.since, within.before))
    texts = [str(within.wallet), since, before, str(within.first), str(within.last)]
    return hashlib.sha256(statement_verifier.packed(texts)).digest()


def _head(within: Range, number: UUID, issued_at: datetime) -> Head:
    return Head(
        str(number),
        str(within.wallet),
        within.currency,
        None if within.since is None else rfc3339(within.since),
        None if within.before is None else rfc3339(within.before),
        rfc3339(issued_at),
        str(within.first),
        str(within.last),
        format_minor(within.opening, within.currency),
    )


def _tail(closing: int, lines: int, credits: int, debits: int, currency: str) -> Tail:
    return Tail(
        format_minor(closing, currency),
        str(lines),
        format_minor(credits, currency),
        format_minor(debits, currency),
    )
