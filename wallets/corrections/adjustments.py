"""Asking for an adjustment: a wallet is credited or debited by hand against a house account."""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from ledger import queries as books
from ledger.periods import calendars
from wallet_project.kit import clock
from wallet_project.kit.audit import Actor
from wallets import errors, policies
from wallets.approvals import sealing
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome
from wallets.chart import House, external_code, house_code
from wallets.client_names import by_number
from wallets.corrections import asking
from wallets.identity import WalletIdentity, parse_uuid
from wallets.operations.adjust_wallet import adjust_wallet

CODE: Final = "adjustment"
EXTERNAL: Final = "external"
"""In place of a house account: the one of a payment rail, which `channel` names."""
ACCOUNTS: Final = (*House, EXTERNAL)
_CHANNEL: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_FIELDS: Final = frozenset(
    {"direction", "account", "channel", "reason_code", "value_date", "corrects"}
)


class Reason(StrEnum):
    """Why a wallet is corrected by hand."""

    MISSING_CREDIT = "MISSING_CREDIT"
    DUPLICATE = "DUPLICATE"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    FEE_REFUND = "FEE_REFUND"
    GOODWILL = "GOODWILL"
    BANK_ERROR = "BANK_ERROR"
    WRITE_OFF = "WRITE_OFF"
    OTHER = "OTHER"


CREDITS_ONLY: Final = frozenset({Reason.MISSING_CREDIT, Reason.FEE_REFUND, Reason.GOODWILL})
"""Reasons that say that the wallet gets something."""


def payload(
    *,
    is_credit: bool,
    account: str,
    reason_code: str,
    channel: str = "default",
    value_date: date | None = None,
    corrects: UUID | None = None,
) -> dict[str, Any]:
    """Say what to do, as the request keeps it."""
    return {
        "direction": "CREDIT" if is_credit else "DEBIT",
        "account": account,
        "channel": channel if account == EXTERNAL else "",
        "reason_code": reason_code,
        "value_date": None if value_date is None else value_date.isoformat(),
        "corrects": None if corrects is None else str(corrects),
    }


def _validate(ask: Asked) -> None:
    wallet = asking.wallet_of(ask.client, ask.subject)
    amount = asking.check_money(ask, wallet.currency)
    said = ask.payload
    if set(said) != _FIELDS:
        raise errors.FieldInvalid("An adjustment says " + ", ".join(sorted(_FIELDS)) + ".")
    _one_of("direction", said["direction"], ("CREDIT", "DEBIT"))
    _one_of("account", said["account"], ACCOUNTS)
    _one_of("reason_code", said["reason_code"], tuple(Reason))
    if said["direction"] == "DEBIT" and said["reason_code"] in CREDITS_ONLY:
        named = said["reason_code"].replace("_", " ").lower()
        raise errors.FieldInvalid(
            f"A debit takes money from the wallet; {named} is a reason for a credit.",
            field="reason_code",
        )
    if said["account"] == EXTERNAL and not _CHANNEL.fullmatch(str(said["channel"])):
        raise errors.FieldInvalid("A channel has 1 to 32 of a-z, 0-9 and -.", field="channel")
    _check_day(said["value_date"])
    closed = _closed_month(said["value_date"], wallet.client)
    if closed:
        raise errors.PeriodClosed(closed, field="value_date")
    _check_corrected(said["corrects"], wallet, said["account"])
    row = asking.facts_of(wallet.id).row
    if row.status == "CLOSED":
        raise errors.WalletClosed("A closed wallet takes nothing.")
    if said["direction"] == "DEBIT":
        _refuse_overdraw(asking.facts_of(wallet.id).available, amount, wallet.currency)


def _check_corrected(text: str | None, wallet: WalletIdentity, account: str) -> None:
    """Look that the entry is there and touched the wallet, or suspense where that is cleared."""
    if text is None:
        return
    entry = parse_uuid(text)
    found = None if entry is None else books.entries_by_id([entry]).get(entry)
    if found is None or found.client != wallet.client:
        raise errors.FieldInvalid("There is no such transaction.", field="corrects")
    touched = {line.account for line in found.lines}
    if account == House.SUSPENSE:
        code = house_code(wallet.client_name, House.SUSPENSE, wallet.currency)
        codes = {name.code for name in books.account_names(touched).values()}
        if code in codes:
            return
    if wallet.id not in touched:
        raise errors.FieldInvalid("That transaction did not touch this wallet.", field="corrects")


def _refuse_overdraw(available: int, amount: int, currency: str) -> None:
    if amount > available:
        raise errors.InsufficientFunds(
            f"{asking.shown(max(available, 0), currency)} is available.", field="amount"
        )


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise errors.FieldInvalid(f"One of {', '.join(known)}, not {value!r}.", field=name)


def _check_day(text: str | None) -> None:
    day = _day(text)
    if day is not None and not date(1970, 1, 1) <= day <= clock.now().date() + timedelta(days=1):
        raise errors.FieldInvalid("Between 1970-01-01 and tomorrow.", field="value_date")


def _closed_month(text: str | None, client: int) -> str:
    """Tell why nothing can be posted with a value date; nothing where it can."""
    barred = calendars.barred_through([client]).get(client)
    refusal = policies.refuse_value_date(_day(text), barred)
    if refusal is None:
        return ""
    earliest = refusal.data["earliestValueDate"]
    return f"The books are closed through {barred}; the earliest value date is {earliest}."


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise errors.FieldInvalid("A day, such as 2026-01-15.", field="value_date") from error


def _describe(approval: Approval) -> list[Line]:
    said = sealing.payload_of(approval)
    wallet = asking.wallet_of(approval.client, approval.subject)
    amount = approval.amount_minor or 0
    is_credit = said["direction"] == "CREDIT"
    code = _account_code(said, approval)
    closed = _closed_month(said["value_date"], wallet.client)
    return [
        *([Line("It cannot be carried out", closed, is_state=True)] if closed else []),
        Line("Adjustment", f"{said['direction'].title()} {asking.shown(amount, wallet.currency)}"),
        *asking.wallet_lines(wallet.id, amount if is_credit else -amount),
        Line("Against", code),
        Line("Reason code", said["reason_code"]),
        Line("Value date", said["value_date"] or "the day it is posted"),
        *_corrected_line(_corrected(said)),
    ]


def _corrected(said: dict[str, Any]) -> UUID | None:
    # Requests from before there was such a link have none.
    text = said.get("corrects")
    return None if text is None else UUID(text)


def _corrected_line(entry: UUID | None) -> list[Line]:
    found = None if entry is None else books.entries_by_id([entry]).get(entry)
    if found is None:
        return []
    told = f"{found.kind.replace('_', ' ')} with value date {found.value_date}"
    return [Line("Corrects", told, link=("ledger.journalentry", found.id))]


def _account_code(said: dict[str, Any], approval: Approval) -> str:
    client = by_number([approval.client or 0]).get(approval.client or 0, "")
    if said["account"] == EXTERNAL:
        return external_code(client, said["channel"], approval.currency)
    return house_code(client, House(said["account"]), approval.currency)


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    said = sealing.payload_of(approval)
    wallet = asking.wallet_of(approval.client, approval.subject)
    is_external, corrects = said["account"] == EXTERNAL, _corrected(said)
    note = {"reasonCode": said["reason_code"]}
    request = asking.request_of(
        approval,
        by,
        channel=said["channel"] if is_external else "default",
        metadata=note if corrects is None else note | {"corrects": str(corrects)},
        value_date=_day(said["value_date"]),
    )
    record = adjust_wallet(
        wallet=wallet,
        house=None if is_external else House(said["account"]),
        is_credit=said["direction"] == "CREDIT",
        request=request,
        act=asking.act_of("adjust", approval, by, wallet.id),
        corrects=corrects,
    )
    balance = asking.shown(record.balance, record.currency)
    return Outcome(f"The balance was {balance} after it.", record.transaction_id)


ADJUSTMENT: Final = Kind(
    code=CODE,
    title="Adjustment",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="approvals.request_correction",
    approve_right="approvals.approve_correction",
)
