"""Statements and transactions as JSON, a line of text for each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ledger.statement_verifier import FORMAT, JSON_HEAD, JSON_TAIL, Line, leaf, mark
from wallets.exports.figures import Movement, Range
from wallets.exports.formats.document import TextDocument
from wallets.exports.issuing import Issued

_NUMBERS = frozenset({"firstSequence", "lastSequence", "lineCount"})


class StatementJson(TextDocument[Line]):
    """A statement: one object, its lines in the middle, its hash at the end."""

    media_type = "application/json"
    suffix = "json"

    def __init__(self, issued: Issued) -> None:
        self._issued = issued

    def begin(self) -> bytes:
        """Write what is known before the lines."""
        head = {"format": FORMAT} | _named(JSON_HEAD, self._issued.head)
        return msgspec.json.encode(head)[:-1] + b',"lines":['

    def add(self, rows: Sequence[Line], *, after: int) -> bytes:
        """Write lines."""
        return _joined((_line(line) for line in rows), after)

    def end(self) -> bytes:
        """Write what follows from the lines, and the hash."""
        tail = _named(JSON_TAIL, self._issued.tail) | {"sha256": self._issued.sha256}
        return b"]," + msgspec.json.encode(tail)[1:]


class MovementsJson(TextDocument[Movement]):
    """Transactions as `GET /wallets/{id}/transactions` shows them, oldest first."""

    media_type = "application/json"
    suffix = "json"

    def __init__(self, within: Range) -> None:
        self._within = within

    def begin(self) -> bytes:
        """Begin the list."""
        return b'{"walletId":"%b","items":[' % str(self._within.wallet).encode()

    def add(self, rows: Sequence[Movement], *, after: int) -> bytes:
        """Write transactions."""
        return _joined((_item(one, self._within.currency) for one in rows), after)

    def end(self) -> bytes:
        """End the list."""
        return b"]}"


def _named(names: Sequence[str], values: Sequence[str | None]) -> dict[str, Any]:
    return {
        name: int(value) if name in _NUMBERS and value is not None else value
        for name, value in zip(names, values, strict=True)
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "postingSequence": int(line.sequence),
        "createdAt": line.posted_at,
        "valueDate": line.value_date,
        "transactionId": line.transaction,
        "type": line.type,
        "referenceId": line.reference or None,
        "direction": "DEBIT" if line.amount.startswith("-") else "CREDIT",
        "amount": line.amount.removeprefix("-"),
        "balance": line.balance,
        "mark": mark(leaf(line)),
    }


def _item(one: Movement, currency: str) -> dict[str, Any]:
    told = _line(one.line)
    del told["mark"]
    return told | {
        "currency": currency,
        "counterpartyWalletId": None if one.counterparty is None else str(one.counterparty),
        "description": one.description,
        "metadata": one.metadata,
        "channel": one.channel,
    }


def _joined(rows: Iterable[dict[str, Any]], after: int) -> bytes:
    text = b",\n".join(map(msgspec.json.encode, rows))
    return b",\n" + text if after and text else b"\n" + text
