"""Statements as camt.053.001.08, the bank-to-customer statement of ISO 20022.

Its identifiers have 35 characters at most, so UUIDs stand there as 32 hexadecimal digits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from xml.sax.saxutils import escape

from ledger.statement_verifier import FORMAT, Line, leaf, mark, minor
from wallets.exports.formats.document import TextDocument
from wallets.exports.issuing import Issued

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
ISSUER: Final = "WALLET"
"""Whose code of a transaction it is."""
_ID_MAX: Final = 35
_TEXT_MAX: Final = 140
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class StatementCamt(TextDocument[Line]):
    """A statement: opening and closing balance first, then an entry for each line."""

    media_type = "application/xml"
    suffix = "xml"

    def __init__(self, issued: Issued) -> None:
        self._issued = issued
        self._currency = issued.head.currency

    def begin(self) -> bytes:
        """Write headers, balances and sums."""
        head, tail = self._issued.head, self._issued.tail
        number, wallet = _hex(head.number), _hex(head.wallet)
        until = head.before or head.issued_at
        span = f"<FrToDt>{_tag('FrDtTm', head.since)}{_tag('ToDtTm', until)}</FrToDt>"
        name = _tag("Nm", self._issued.reference) if self._issued.reference else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}">'
            "<BkToCstmrStmt>"
            f"<GrpHdr>{_tag('MsgId', number)}{_tag('CreDtTm', head.issued_at)}</GrpHdr>"
            f"<Stmt>{_tag('Id', number)}{_tag('CreDtTm', head.issued_at)}"
            f"{span if head.since is not None else ''}"
            f"<Acct><Id><Othr>{_tag('Id', wallet)}</Othr></Id>{_tag('Ccy', self._currency)}"
            f"{name}</Acct>"
            f"{self._balance('OPBD', head.opening, (head.since or until)[:10])}"
            f"{self._balance('CLBD', tail.closing, _last_day(head.before, head.issued_at))}"
            f"<TxsSummry><TtlNtries>{_tag('NbOfNtries', tail.lines)}</TtlNtries>"
            f"<TtlCdtNtries>{_tag('Sum', tail.credits)}</TtlCdtNtries>"
            f"<TtlDbtNtries>{_tag('Sum', tail.debits)}</TtlDbtNtries></TxsSummry>\n"
        ).encode()

    def add(self, rows: Sequence[Line], *, after: int) -> bytes:
        """Write entries."""
        return "".join(map(self._entry, rows)).encode()

    def end(self) -> bytes:
        """Write the hash, and close everything."""
        told = f"{FORMAT} {self._issued.head.number} sha256 {self._issued.sha256}"
        return f"{_tag('AddtlStmtInf', told)}</Stmt></BkToCstmrStmt></Document>\n".encode()

    def _balance(self, code: str, amount: str, day: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry>{_tag('Cd', code)}</CdOrPrtry></Tp>{self._money(amount)}"
            f"<Dt>{_tag('Dt', day)}</Dt></Bal>"
        )

    def _entry(self, line: Line) -> str:
        told = f"sequence {line.sequence}, balance {line.balance}, mark {mark(leaf(line))}"
        code = f"{_tag('Cd', line.type[:_ID_MAX])}{_tag('Issr', ISSUER)}"
        return (
            f"<Ntry>{_tag('NtryRef', line.sequence)}{self._money(line.amount)}"
            f"<Sts>{_tag('Cd', 'BOOK')}</Sts>"
            f"<BookgDt>{_tag('DtTm', line.posted_at)}</BookgDt>"
            f"<ValDt>{_tag('Dt', line.value_date)}</ValDt>"
            f"{_tag('AcctSvcrRef', _hex(line.transaction))}"
            f"<BkTxCd><Prtry>{code}</Prtry></BkTxCd>"
            f"<NtryDtls><TxDtls>{_references(line.reference)}</TxDtls></NtryDtls>"
            f"{_tag('AddtlNtryInf', told)}</Ntry>\n"
        )

    def _money(self, amount: str) -> str:
        side = "DBIT" if minor(amount) < 0 else "CRDT"
        money = f'<Amt Ccy="{self._currency}">{amount.removeprefix("-")}</Amt>'
        return f"{money}{_tag('CdtDbtInd', side)}"


def _references(reference: str) -> str:
    """Tell a caller's reference: as the end-to-end id where it fits, else as free text."""
    if not reference:
        return f"<Refs>{_tag('EndToEndId', 'NOTPROVIDED')}</Refs>"
    if len(reference) <= _ID_MAX:
        return f"<Refs>{_tag('EndToEndId', reference)}</Refs>"
    pieces = [reference[at : at + _TEXT_MAX] for at in range(0, len(reference), _TEXT_MAX)]
    texts = "".join(_tag("Ustrd", piece) for piece in pieces)
    return f"<Refs>{_tag('EndToEndId', 'NOTPROVIDED')}</Refs><RmtInf>{texts}</RmtInf>"


def _last_day(before: str | None, issued_at: str) -> str:
    """Name the last day that a statement covers."""
    if before is None:
        return issued_at[:10]
    last = datetime.fromisoformat(before) - timedelta(microseconds=1)
    return min(last.date().isoformat(), issued_at[:10])


def _tag(name: str, text: str | None) -> str:
    return f"<{name}>{escape(_NOT_XML.sub('�', text or ''))}</{name}>"


def _hex(identity: str) -> str:
    return UUID(identity).hex
