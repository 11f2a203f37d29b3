"""What wallets hold, now and at any moment before: for one wallet, or for many readers at once.

Many are read together and told apart: what the replica cannot tell one reader yet is asked of the
primary for that one, and the others do not notice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import Error

from ledger import queries as books
from ledger.queries import PastBalance
from wallet_project.kit import clock, replica
from wallet_project.kit.errors import DomainError
from wallet_project.kit.replica import Behind, Source
from wallets import balance_cache, errors
from wallets.balance_cache import CachedBalance
from wallets.identity import WalletIdentity
from wallets.sources import as_cached, good_enough, rows_of

SETTLED_AFTER: Final = timedelta(seconds=60)
"""No transaction lives this long, so nothing can be posted before a moment this far past."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class BalanceView:
    """A wallet's money now; amounts in minor units."""

    wallet_id: UUID
    currency: str
    balance: int
    held: int
    available: int
    version: int
    as_of: datetime
    stale: bool
    """Whether only the replica could answer."""


@dataclass(frozen=True, slots=True)
class PastBalanceView:
    """A wallet's balance at some moment, in minor units."""

    wallet_id: UUID
    currency: str
    balance: int
    posting_sequence: int
    transaction_id: UUID | None
    as_of: datetime
    final: bool
    """Whether nothing can be posted at or before that moment any more."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader asks of a wallet as it is now."""

    identity: WalletIdentity
    min_version: int | None = None
    """The least version of the wallet that will do."""


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """What a reader asks of a wallet as it was at some moment."""

    identity: WalletIdentity
    moment: datetime
    min_version: int | None = None
    """The least version of the wallet that will do."""
    seen_version: int = 0
    """The highest version that the cache has seen; the source must not be behind it."""


def balance(identity: WalletIdentity, *, min_version: int | None = None) -> BalanceView:
    """Read a wallet's money now.

    :raises VersionNotReached: if it is not at `min_version` on the primary either.
    """
    question = Question(identity, min_version)
    cached = from_cache(question, balance_cache.get(identity.id))
    if cached is not None:
        return cached
    return _only(balances([question]))


def balance_at(
    identity: WalletIdentity, moment: datetime, *, min_version: int | None = None
) -> PastBalanceView:
    """Tell a wallet's balance after everything posted up to and at a moment.

    :raises TimestampInFuture: for a moment that the primary's clock has not reached.
    :raises VersionNotReached: if the wallet is not at `min_version` on the primary either.
    """
    seen = balance_cache.version_of(identity.id)
    return _only(past_balances([PastQuestion(identity, moment, min_version, seen)]))


def from_cache(question: Question, cached: CachedBalance | None) -> BalanceView | None:
    """Answer with what the cache has, if that will do."""
    if cached is None or cached.version < (question.min_version or 0):
        return None
    replica.READS.labels("cache").inc()
    return _view(cached, question.identity, stale=False)


def balances(questions: Sequence[Question]) -> list[BalanceView | DomainError | Error]:
    """Read several wallets' money now from the databases, and remember it in the cache.

    In place of a view stands the error of that question: VersionNotReached, WalletNotFound, or
    the database's where none could tell.
    """
    kept: list[CachedBalance] = []
    found = replica.read_each(questions, lambda source, asked: _balances_in(source, asked, kept))
    balance_cache.put(kept)
    return [found[question] for question in questions]


def past_balances(
    questions: Sequence[PastQuestion],
) -> list[PastBalanceView | DomainError | Error]:
    """Tell several wallets' balances, each at the moment its question names.

    In place of a view stands the error of that question: TimestampInFuture, VersionNotReached,
    WalletNotFound, or the database's where none could tell.
    """
    found = replica.read_each(questions, _past_balances_in)
    return [found[question] for question in questions]


def _balances_in(
    source: Source, questions: Collection[Question], kept: list[CachedBalance]
) -> dict[Question, BalanceView | DomainError]:
    rows = rows_of(source, {question.identity.id for question in questions})
    found: dict[Question, BalanceView | DomainError] = {}
    for question in questions:
        try:
            row, moment = good_enough(
                source, rows.get(question.identity.id), question.min_version, needs_fresh=True
            )
        except Behind:
            continue
        except DomainError as error:
            found[question] = error
            continue
        copy = as_cached(row, moment)
        if not source.is_last_resort:
            kept.append(copy)
        found[question] = _view(copy, question.identity, stale=source.is_last_resort)
    return found


def _past_balances_in(
    source: Source, questions: Collection[PastQuestion]
) -> dict[PastQuestion, PastBalanceView | DomainError]:
    rows = rows_of(source, {question.identity.id for question in questions})
    found: dict[PastQuestion, PastBalanceView | DomainError] = {}
    present: dict[PastQuestion, datetime] = {}
    for question in questions:
        try:
            present[question] = _present(source, rows.get(question.identity.id), question)
        except Behind:
            continue
        except DomainError as error:
            found[question] = error
    asked = [(question.identity.id, question.moment) for question in present]
    for question, past in zip(present, books.balances_at(asked, using=source.using), strict=True):
        found[question] = _past_view(question, past, present[question])
    return found


def _present(source: Source, row: Any, question: PastQuestion) -> datetime:
    """Return up to when a database can tell about a wallet, if that is enough for the question."""
    _, present = good_enough(
        source, row, question.min_version, question.seen_version, needs_fresh=False
    )
    source.need(question.moment <= present)
    if question.moment > present:
        raise errors.TimestampInFuture(
            f"The timestamp must not be later than now, {clock.rfc3339(present)}.",
            field="timestamp",
        )
    return present


def _past_view(question: PastQuestion, past: PastBalance, present: datetime) -> PastBalanceView:
    return PastBalanceView(
        wallet_id=question.identity.id,
        currency=question.identity.currency,
        balance=past.balance,
        posting_sequence=past.sequence,
        transaction_id=past.entry,
        as_of=question.moment,
        final=past.is_settled or present - question.moment > SETTLED_AFTER,
    )


def _view(found: CachedBalance, identity: WalletIdentity, *, stale: bool) -> BalanceView:
    return BalanceView(
        wallet_id=identity.id,
        currency=identity.currency,
        balance=found.balance,
        held=found.held,
        available=found.available,
        version=found.version,
        as_of=found.as_of,
        stale=stale,
    )


def _only(results: Sequence[V | DomainError | Error]) -> V:
    (found,) = results
    if isinstance(found, DomainError | Error):
        raise found
    return found
