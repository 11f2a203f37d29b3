"""A wallet's statement: what moved in a span of time, with the balance before and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from events import stream_queries
from ledger import account_lines
from ledger.account_lines import AccountLine, LinesPage, OtherSide, Span, Wanted
from wallet_project.kit import replica
from wallet_project.kit.replica import Source
from wallets.chart import CHART, Party, type_shown
from wallets.models import Wallet

IN_A_FILE_MAX: Final = 100_000
"""How many postings the time of a file may have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines of a wallet are asked for; None and nothing: any."""

    since: datetime | None = None
    before: datetime | None = None
    """The first moment that is not wanted."""
    types: tuple[str, ...] = ()
    """As callers see them: `DEPOSIT`, `TRANSFER_IN` …"""
    least: int | None = None
    most: int | None = None
    """Minor units."""

    @property
    def wanted(self) -> Wanted:
        """Say it in the words of the books."""
        kinds = tuple(_BY_TYPE[type_] for type_ in self.types)
        return Wanted(kinds, self.least, self.most)


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of a statement, newest first."""

    span: Span
    page: LinesPage
    others: Mapping[UUID, tuple[OtherSide, ...]]
    """By entry: the other accounts that it moved."""
    events: Mapping[int, int]
    """By the wallet's version: the row of its event, as far as the outbox still has it."""


@dataclass(frozen=True, slots=True)
class File:
    """All lines of a statement, oldest first, a piece at a time."""

    span: Span
    pieces: Iterator[tuple[list[AccountLine], Mapping[UUID, tuple[OtherSide, ...]]]]


def types() -> tuple[str, ...]:
    """List the types that lines of a statement can have."""
    return tuple(_BY_TYPE)


def type_of(line: AccountLine) -> str:
    """Name the type of a line as callers see it."""
    return type_shown(line.kind, credit=line.amount > 0)


def statement(wallet: Wallet, asked: Asked, *, before: int | None, limit: int) -> Statement:
    """Read a page of a wallet's statement, below a posting sequence."""

    def ask(source: Source) -> Statement:
        span = _span(source, wallet, asked)
        page = account_lines.page(
            wallet.pk, span, asked.wanted, before=before, limit=limit, using=source.using
        )
        entries = [line.entry for line in page.lines]
        return Statement(
            span,
            page,
            account_lines.other_sides(entries, wallet.pk, using=source.using),
            stream_queries.rows_of(
                wallet.pk, [line.version for line in page.lines], using=source.using
            ),
        )

    return replica.read(ask)


def file(wallet: Wallet, asked: Asked) -> File:
    """Begin a file of a wallet's statement; its lines are read while it is sent."""

    def ask(source: Source) -> tuple[Span, str]:
        return _span(source, wallet, asked), source.using

    span, using = replica.read(ask)
    return File(span, _pieces(wallet.pk, span, asked.wanted, using))


def _span(source: Source, wallet: Wallet, asked: Asked) -> Span:
    span = account_lines.span(wallet.pk, since=asked.since, before=asked.before, using=source.using)
    if not source.is_replica or span.last >= wallet.posting_sequence:
        return span
    source.need(_has_all(source, wallet))
    # It may have caught up between the two looks: only one after it has all shows all.
    return account_lines.span(wallet.pk, since=asked.since, before=asked.before, using=source.using)


def _has_all(source: Source, wallet: Wallet) -> bool:
    """Tell whether a replica has the wallet's last posting: then it has all before it."""
    whole = account_lines.span(wallet.pk, since=None, before=None, using=source.using)
    return whole.last >= wallet.posting_sequence


def _pieces(
    account: UUID, span: Span, wanted: Wanted, using: str
) -> Iterator[tuple[list[AccountLine], Mapping[UUID, tuple[OtherSide, ...]]]]:
    for lines in account_lines.walk(account, span, wanted, using=using):
        entries = [line.entry for line in lines]
        yield lines, account_lines.other_sides(entries, account, using=using) if lines else {}


def _types() -> dict[str, tuple[str, bool]]:
    found: dict[str, tuple[str, bool]] = {}
    for kind, rule in CHART.items():
        if rule.wallet_sign and rule.counterparty is not Party.HOUSES:
            found[rule.shown_as] = (kind.value, rule.wallet_sign > 0)
            if rule.shown_by_counterparty is not None:
                found[rule.shown_by_counterparty] = (kind.value, rule.wallet_sign < 0)
    return found


_BY_TYPE: Final = _types()
