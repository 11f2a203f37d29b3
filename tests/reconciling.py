"""Statements of banks, made for tests, and the books they are held against."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.people import Company, asks
from wallet_project.kit.audit import Actor
from wallet_project.kit.money import format_minor
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.withdraw import withdraw
from wallets.reconciliation.models import Item, ItemStatus, Side
from wallets.reconciliation.operations.load_file import Loaded, load_file
from wallets.reconciliation.operations.reconcile import Channel, FileGiven, RunResult, reconcile
from wallets.reconciliation.operations.save_setup import SetupRequest, save_setup

BANK = "bank"
DAY = date(2026, 3, 10)
BY = Actor("staff:7", "alice")
MAPPING = {"external_reference": "id", "reference": "reference", "text": "text"}


@dataclass(frozen=True, slots=True)
class Booked:
    """What a bank says of one movement; minor units, above zero where money came in."""

    id: str
    amount: int
    reference: str = ""
    day: date = DAY
    text: str = "transfer"


def as_csv(lines: Iterable[Booked], *, currency: str = "USD") -> bytes:
    """Write a statement as CSV, in the columns that `set_up` maps."""
    file = io.StringIO()
    file.write("id,date,amount,reference,text\n")
    for one in lines:
        amount = format_minor(one.amount, currency)
        file.write(f"{one.id},{one.day},{amount},{one.reference},{one.text}\n")
    return file.getvalue().encode()


def as_camt(lines: Sequence[Booked], *, opening: int = 0, currency: str = "USD") -> bytes:
    """Write a statement as camt.053."""

    def amount(minor: int) -> str:
        sign = "DBIT" if minor < 0 else "CRDT"
        text = format_minor(abs(minor), currency)
        return f'<Amt Ccy="{currency}">{text}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'

    def balance(code: str, minor: int) -> str:
        return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount(minor)}</Bal>"

    entries = "".join(
        f"<Ntry>{amount(one.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{one.day}</Dt></BookgDt>"
        f"<ValDt><Dt>{one.day}</Dt></ValDt><AcctSvcrRef>{one.id}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{one.reference or 'NOTPROVIDED'}</EndToEndId></Refs>"
        f"<RmtInf><Ustrd>{one.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for one in lines
    )
    closing = opening + sum(one.amount for one in lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>'
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def as_mt940(lines: Sequence[Booked], *, opening: int = 0, currency: str = "USD") -> bytes:
    """Write a statement as MT940."""

    def balance(tag: str, minor: int) -> str:
        return f":{tag}:{_mark(minor)}{DAY:%y%m%d}{currency}{_comma(minor, currency)}\r\n"

    rows = "".join(
        f":61:{one.day:%y%m%d}{one.day:%m%d}{_mark(one.amount)}{_comma(one.amount, currency)}NTRF"
        f"{one.reference or 'NONREF'}//{one.id}\r\n:86:{one.text}\r\n"
        for one in lines
    )
    closing = opening + sum(one.amount for one in lines)
    return (
        f":20:STATEMENT\r\n:25:12345678\r\n:28C:1/1\r\n{balance('60F', opening)}{rows}"
        f"{balance('62F', closing)}-\r\n"
    ).encode()


def set_up(company: Company, *, format: str = "CSV", channel: str = BANK, **more: Any) -> None:
    """Say how the company's files are read."""
    request = SetupRequest(
        client=company.id,
        channel=channel,
        format=format,
        currency="USD",
        mapping=more.pop("mapping", MAPPING),
        rules=more,
    )
    save_setup(request=request, by=BY, reason="agreed with the bank")


def load(company: Company, content: bytes, *, name: str = "statement") -> Loaded:
    """Load a file."""
    return load_file(client=company.id, channel=BANK, name=name, content=content, by=BY)


def run(company: Company, content: bytes | None = None, **more: Any) -> RunResult:
    """Reconcile, after a file if there is one."""
    file = None if content is None else FileGiven("statement", content)
    channel = Channel(company.id, company.name, BANK)
    return reconcile(channel=channel, by=BY, file=file, **more)


def book(wallet: WalletIdentity, amount: int, reference: str = "", day: date = DAY) -> None:
    """Move money by the bank: a deposit above zero, a withdrawal below."""
    verb = deposit if amount > 0 else withdraw
    request = asks(abs(amount), wallet=wallet, reference=reference, channel=BANK, value_date=day)
    verb(wallet=wallet, request=request)


def left() -> list[tuple[str, int, str]]:
    """List what is open: side, minor units, reference."""
    rows = Item.objects.filter(status=ItemStatus.OPEN).order_by("side", "amount", "reference")
    return list(rows.values_list("side", "amount", "reference"))


def left_on(side: Side) -> list[tuple[int, str]]:
    """List what is open on one side."""
    return [(amount, reference) for where, amount, reference in left() if where == side]


def _mark(minor: int) -> str:
    return "D" if minor < 0 else "C"


def _comma(minor: int, currency: str) -> str:
    return format_minor(abs(minor), currency).replace(".", ",")
