"""MT940, SWIFT's statement in lines of text, by the library that reads it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import mt940

from wallets.reconciliation.files.amounts import currency_of, minor_of_decimal
from wallets.reconciliation.files.lines import (
    FileLine,
    StatedBalance,
    Trouble,
    Unreadable,
    bank_reference,
    our_reference,
    tidy_text,
)

_OPTIONS: Final = mt940.Options.all()
_ENCODINGS: Final = ("utf-8", "windows-1252")


def read(content: bytes) -> Iterator[FileLine | Trouble | StatedBalance]:
    """Read the transactions and balances of each statement, in their order.

    :raises Unreadable: if it is no MT940.
    """
    number = 0
    for statement in _statements(content):
        opening = statement.data.get("final_opening_balance") or statement.data.get(
            "intermediate_opening_balance"
        )
        closing = statement.data.get("final_closing_balance") or statement.data.get(
            "intermediate_closing_balance"
        )
        if opening is None or closing is None:
            raise Unreadable("A statement has no opening or no closing balance (:60F:, :62F:).")
        currency = currency_of(str(opening.amount.currency))
        for transaction in statement:
            number += 1
            try:
                yield _line(number, transaction.data, currency)
            except Unreadable as error:
                yield Trouble(number, str(error))
        yield StatedBalance(
            currency,
            minor_of_decimal(opening.amount.amount, currency),
            minor_of_decimal(closing.amount.amount, currency),
        )


def _statements(content: bytes) -> list[Any]:
    try:
        # A handle, never a text: the library takes a text that names a file for that file.
        found = mt940.parse_statements(io.StringIO(_decoded(content)), options=_OPTIONS)
    except (ValueError, RuntimeError, AttributeError, TypeError, KeyError) as error:
        # The library has no error of its own for what it cannot read.
        raise Unreadable(f"It is no MT940: {error}.") from None
    if not found:
        raise Unreadable("It is no MT940: it has no statement (:20:).")
    return list(found)


def _decoded(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("It is neither UTF-8 nor Windows-1252.")


def _line(number: int, said: dict[str, Any], currency: str) -> FileLine:
    day = said.get("date")
    if day is None:
        raise Unreadable("It has no statement line (:61:).")
    amount = minor_of_decimal(said["amount"].amount, currency)
    if not amount:
        raise Unreadable("Its amount is zero.")
    booked = said.get("guessed_entry_date") or said.get("entry_date") or day
    return FileLine(
        number=number,
        external_reference=bank_reference(said.get("bank_reference")),
        amount=amount,
        currency=currency,
        booked_on=_plain(booked),
        value_date=_plain(day),
        reference=our_reference(said.get("customer_reference")),
        text=tidy_text(said.get("transaction_details") or said.get("extra_details")),
    )


def _plain(day: Any) -> date:
    return date(day.year, day.month, day.day)
