"""camt.053, the XML statement of ISO 20022, any version: read as it comes, entry by entry.

A document type is refused before anything of it is read, so there are no entities to expand and no
other files to fetch. An entry is one line, also where it sums several transactions: that is what
the bank has booked.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from wallets.reconciliation.files.amounts import currency_of, day_of, minor_of
from wallets.reconciliation.files.lines import (
    FileLine,
    StatedBalance,
    Trouble,
    Unreadable,
    bank_reference,
    our_reference,
    tidy_text,
)

_DAY: Final = "%Y-%m-%d"
_DAY_LENGTH: Final = 10
_SIGNS: Final = {"CRDT": 1, "DBIT": -1}
_BOOKED: Final = "BOOK"
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)


def read(content: bytes) -> Iterator[FileLine | Trouble | StatedBalance]:
    """Read entries and the balances of each statement, in their order.

    :raises Unreadable: if it is no camt.053, or has a document type.
    """
    number, stated, is_statement = 0, _Stated(), False
    try:
        for event, element in iterparse(
            io.BytesIO(content), events=("start", "end"), forbid_dtd=True
        ):
            name = _name(element)
            if event == "start":
                is_statement = is_statement or name == "Stmt"
                continue
            if name == "Ntry":
                number += 1
                yield from _entry(number, element)
                element.clear()
            elif name == "Bal":
                stated.note(element)
            elif name == "Stmt":
                yield from stated.end()
                element.clear()
    except DefusedXmlException:
        raise Unreadable("It has a document type or entities, which a statement has not.") from None
    except ParseError as error:
        raise Unreadable(f"It is no XML: {error}.") from None
    if not is_statement:
        raise Unreadable("It has no statement (Stmt) of camt.053.")


class _Stated:
    """The balances of one statement."""

    def __init__(self) -> None:
        self.opening: tuple[str, int] | None = None
        self.closing: tuple[str, int] | None = None

    def note(self, balance: Element) -> None:
        """Keep a balance if it is the opening or the closing one that was booked."""
        code = _text(balance, "Tp", "CdOrPrtry", "Cd")
        if code in _OPENING and self.opening is None:
            self.opening = _amount(balance)
        elif code in _CLOSING:
            self.closing = _amount(balance)

    def end(self) -> Iterator[StatedBalance | Trouble]:
        """Tell the statement's balances, and make ready for the next one's."""
        opening, closing = self.opening, self.closing
        self.opening = self.closing = None
        if opening is None or closing is None:
            return
        if opening[0] != closing[0]:
            yield Trouble(0, f"It opens in {opening[0]} and closes in {closing[0]}.")
            return
        yield StatedBalance(opening[0], opening[1], closing[1])


def _entry(number: int, entry: Element) -> Iterator[FileLine | Trouble]:
    status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
    if status and status != _BOOKED:
        return
    try:
        currency, amount = _amount(entry)
        if not amount:
            raise Unreadable("Its amount is zero.")
        booked_on = _day(entry, "BookgDt") or _day(entry, "ValDt")
        if booked_on is None:
            raise Unreadable("It has neither a booking day nor a value date.")
        details = [one for one in entry.iter() if _name(one) == "TxDtls"]
        only = details[0] if len(details) == 1 else None
        yield FileLine(
            number=number,
            external_reference=bank_reference(
                _text(entry, "AcctSvcrRef")
                or _text(entry, "NtryRef")
                or _text(only, "Refs", "AcctSvcrRef")
                or _text(only, "Refs", "TxId")
            ),
            amount=amount,
            currency=currency,
            booked_on=booked_on,
            value_date=_day(entry, "ValDt") or booked_on,
            reference=our_reference(_reference(entry, only)),
            text=tidy_text(_words(entry, only)),
        )
    except Unreadable as error:
        yield Trouble(number, str(error))


def _reference(entry: Element, only: Element | None) -> str:
    """Find what says whose it is: of a single transaction its own, of a batch the batch's."""
    if only is not None:
        for path in (
            ("Refs", "EndToEndId"),
            ("RmtInf", "Strd", "CdtrRefInf", "Ref"),
            ("Refs", "InstrId"),
        ):
            found = our_reference(_text(only, *path))
            if found:
                return found
    return (
        our_reference(_text(entry, "NtryDtls", "Btch", "PmtInfId"))
        or our_reference(_text(entry, "NtryDtls", "Btch", "MsgId"))
        or our_reference(_text(entry, "NtryRef"))
    )


def _words(entry: Element, only: Element | None) -> str:
    remittance = _text(only, "RmtInf", "Ustrd")
    return " ".join(text for text in (remittance, _text(entry, "AddtlNtryInf")) if text)


def _amount(element: Element) -> tuple[str, int]:
    """Read currency and signed minor units."""
    found = _child(element, "Amt")
    if found is None:
        raise Unreadable("It has no amount.")
    sign = _SIGNS.get(_text(element, "CdtDbtInd"))
    if sign is None:
        raise Unreadable("It says neither CRDT nor DBIT.")
    currency = currency_of(found.get("Ccy", ""))
    minor = minor_of(found.text or "", currency)
    if minor < 0:
        raise Unreadable("Its amount has a sign.")
    return currency, sign * minor


def _day(element: Element, name: str) -> date | None:
    text = _text(element, name, "Dt") or _text(element, name, "DtTm")
    return day_of(text[:_DAY_LENGTH], _DAY) if text else None


def _text(element: Element | None, *path: str) -> str:
    """Return the text at the end of a path of names, whatever their namespace."""
    for name in path:
        element = None if element is None else _child(element, name)
    return "" if element is None else (element.text or "").strip()


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
