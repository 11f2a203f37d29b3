"""Balances put in order for people: as a tree, as a trial balance, as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from ledger.admin import links
from ledger.admin.balances import Balance
from ledger.groups import group_of, place_of
from wallet_project.kit.admin import money
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor

# What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table with two sides."""

    label: str
    url: str
    """Empty where there is nothing to drill down to."""
    level: int
    """0: a sum of the rows below it with level 1; 1: a line that counts."""
    debit: str
    credit: str


@dataclass(slots=True)
class Table:
    """Both sides of one currency; they have to be equal."""

    currency: str
    difference_minor: int = 0
    debit: str = ""
    credit: str = ""
    difference: str = ""
    rows: list[Row] = field(default_factory=list)

    @property
    def is_balanced(self) -> bool:
        """Tell whether debit and credit are equal."""
        return self.difference_minor == 0


@dataclass(frozen=True, slots=True)
class ClientTables:
    """A client's books."""

    client: int
    name: str
    url: str
    tables: list[Table]


def tree(balances: Iterable[Balance], names: Mapping[int, str]) -> list[ClientTables]:
    """Order balances by client, currency and group, with the sum of each group."""
    return [
        ClientTables(
            client,
            names.get(client, ""),
            links.client_url(client),
            _by_currency(owned, _grouped),
        )
        for client, owned in groupby(balances, key=lambda one: one.client)
    ]


def trial_balance(balances: Iterable[Balance]) -> list[Table]:
    """List each account of a client by itself, in a table for each currency."""
    return _by_currency(balances, _flat)


def trial_balance_of_all(
    balances: Iterable[Balance], names: Mapping[int, str], at: str
) -> list[Table]:
    """List each client in one line, in a table for each currency."""

    def by_client(owned: Sequence[Balance]) -> list[Row]:
        return [
            _client_row(client, names.get(client, ""), at, list(lines))
            for client, lines in groupby(owned, key=lambda one: one.client)
        ]

    return _by_currency(balances, by_client)


def as_csv(balances: Iterable[Balance], names: Mapping[int, str], as_of: datetime) -> str:
    """Write a line for each account, for a spreadsheet that must not take text for a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(["as_of", "client", "client_name", "account", "currency", "debit", "credit"])
    for one in balances:
        debit, credit = _sides([one])
        writer.writerow(
            [
                rfc3339(as_of),
                one.client,
                _text(names.get(one.client, "")),
                _text(one.code or f"wallets:{one.currency}"),
                one.currency,
                format_minor(debit, one.currency),
                format_minor(credit, one.currency),
            ]
        )
    return file.getvalue()


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _sides(balances: Iterable[Balance]) -> tuple[int, int]:
    debit = credit = 0
    for one in balances:
        debit += max(-one.minor, 0)
        credit += max(one.minor, 0)
    return debit, credit


def _by_currency(
    balances: Iterable[Balance], rows: Callable[[Sequence[Balance]], list[Row]]
) -> list[Table]:
    ordered = sorted(balances, key=lambda one: one.currency)
    tables = []
    for currency, group in groupby(ordered, key=lambda one: one.currency):
        owned = list(group)
        debit, credit = _sides(owned)
        tables.append(
            Table(
                currency,
                debit - credit,
                money(debit, currency),
                money(credit, currency),
                money(debit - credit, currency),
                rows(owned),
            )
        )
    return tables


def _row(label: str, url: str, level: int, balances: Sequence[Balance]) -> Row:
    currency = balances[0].currency
    debit, credit = _sides(balances)
    return Row(
        label,
        url,
        level,
        money(debit, currency) if debit else "",
        money(credit, currency) if credit else "",
    )


def _grouped(balances: Sequence[Balance]) -> list[Row]:
    named = sorted(
        ((*group_of(one.code), one) for one in balances),
        key=lambda line: (place_of(line[0]), line[1]),
    )
    rows = []
    for group, members in groupby(named, key=lambda line: line[0]):
        lines = [(name, one) for _, name, one in members]
        rows.append(_row(group, "", 0, [one for _, one in lines]))
        rows += [
            _row(name, links.account_url(one.account), 1, [one])
            for name, one in lines
            if one.account is not None
        ]
    return rows


def _flat(balances: Sequence[Balance]) -> list[Row]:
    return [
        _row(f"wallets:{one.currency}, all customers together", "", 1, [one])
        if one.account is None
        else _row(one.code or str(one.account), links.account_url(one.account), 1, [one])
        for one in balances
    ]


def _client_row(client: int, name: str, at: str, balances: Sequence[Balance]) -> Row:
    asked = {"client": str(client)} | ({"at": at} if at else {})
    url = f"{reverse('admin:ledger_account_trial_balance')}?{urlencode(asked)}"
    return _row(f"{name or 'client'} ({client})", url, 1, balances)
