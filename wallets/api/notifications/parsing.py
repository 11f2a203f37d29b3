"""From the body of PUT …/contact to a contact."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from msgspec import UNSET, Raw

from events.consumers.notifications.contacts import ContactDetails
from events.consumers.notifications.models import Kind
from wallet_project.kit.money import MalformedAmount, parse_amount
from wallets.api import errors
from wallets.api.notifications import shapes
from wallets.api.parsing import Findings, decode, without_control
from wallets.errors import FieldInvalid
from wallets.identity import WalletIdentity

_PHONE: Final = re.compile(r"[+][1-9][0-9]{6,14}", re.ASCII)
_NEEDED: Final = {Kind.LOW_BALANCE: "lowBalance", Kind.LARGE_WITHDRAWAL: "largeWithdrawal"}
"""Kinds that say nothing without a threshold."""


def set_contact(wallet: WalletIdentity, body: bytes) -> ContactDetails:
    """Read the body of PUT …/contact.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(shapes.SetContact, body, findings)
    findings.take(_email, sent.email)
    findings.take(_phone, sent.phone)
    findings.take(without_control("pushToken"), sent.push_token)
    kinds = findings.take(_kinds, sent.kinds) or ()
    thresholds = {
        name: findings.take(_amount(name, wallet.currency), raw)
        for name, raw in (
            ("lowBalance", sent.low_balance),
            ("largeWithdrawal", sent.large_withdrawal),
        )
        if raw is not UNSET and bytes(raw) != b"null"
    }
    findings.settle()
    for kind, name in _NEEDED.items():
        if kind in kinds and thresholds.get(name) is None:
            findings.add(errors.FieldRequired(f"{kind} needs {name}.", field=name))
    findings.settle()
    return ContactDetails(
        email=sent.email or "",
        phone=sent.phone or "",
        push_token=sent.push_token or "",
        kinds=kinds,
        low_balance=thresholds.get("lowBalance"),
        large_withdrawal=thresholds.get("largeWithdrawal"),
    )


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise FieldInvalid("It must be a mail address.", field="email") from None
    return text


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise FieldInvalid("It must be a number such as +4915112345678.", field="phone")
    return text


def _amount(name: str, currency: str) -> Callable[[Raw], int]:
    def check(raw: Raw) -> int:
        text = bytes(raw)
        if text[:1] == b'"':
            return parse_amount(msgspec.json.decode(text, type=str), currency, field=name)
        if text[:1] in b"-0123456789":
            return parse_amount(text.decode("ascii"), currency, field=name)
        raise MalformedAmount("The amount must be a decimal string or a number.", field=name)

    return check


def _kinds(names: list[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in Kind.values]
    if unknown:
        raise FieldInvalid(f"Kinds are {', '.join(Kind.values)}.", field="kinds")
    return tuple(dict.fromkeys(names))
