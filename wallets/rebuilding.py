"""The events of wallets once more, for a reader who comes late: from the outbox and the books.

An event whose row is in the outbox is told as it was, byte for byte and under its id. One that has
gone to the archive is rebuilt: where money moved from its posting and entry, and from the hold that
it captured, the opening from the wallet's row. Its id is then made from wallet and sequence, the
same each time. What the books do not know, a rebuilt event says as if it had not been: nothing
held, the status ACTIVE, today's overdraft limit. Facts that left no trace in the books (a freeze,
other metadata, a hold that was placed or released) are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from events import contracts
from events import queries as told
from events.replay_target import Replayed
from ledger import queries as books
from ledger.queries import PostedEntry, PostedLine
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import format_minor
from wallets.chart import CHART, Kind
from wallets.models import Hold, Wallet, WalletStatus

PAGE: Final = 500
_IDS: Final = uuid5(NAMESPACE_URL, "urn:wallet-service:rebuilt-events")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are asked for; None: any."""

    since: datetime | None = None
    """From this moment on."""
    until: datetime | None = None
    """Before this moment."""
    wallet: UUID | None = None
    client: int | None = None
    types: Collection[str] | None = None
    after: tuple[UUID, int] | None = None
    """Wallet and sequence that an earlier run came to."""

    def has(self, event: Replayed) -> bool:
        """Tell whether an event is among them."""
        return (
            (self.since is None or event.occurred_at >= self.since)
            and (self.until is None or event.occurred_at < self.until)
            and (self.types is None or event.type in self.types)
            and (self.after is None or (event.stream, event.sequence) > self.after)
        )


@dataclass(slots=True)
class Count:
    """What was found on the way."""

    wallets: int = 0
    rebuilt: int = 0
    missing: int = 0
    """Facts that can be told neither from the outbox nor from the books."""
    by_type: dict[str, int] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """All events told."""
        return sum(self.by_type.values())


def events(selection: Selection, count: Count) -> Iterator[Replayed]:
    """Tell events again, wallet after wallet, each wallet's in their order."""
    for wallet in _wallets(selection):
        count.wallets += 1
        expected, last_at = 1, wallet.created_at
        for event in _of_wallet(wallet):
            lost = event.sequence - expected
            if lost and _may_concern(selection, wallet, event.sequence, last_at, event.occurred_at):
                count.missing += lost
            expected, last_at = event.sequence + 1, event.occurred_at
            if selection.has(event):
                count.rebuilt += event.is_rebuilt
                count.by_type[event.type] = count.by_type.get(event.type, 0) + 1
                yield event
        lost = wallet.version + 1 - expected
        if lost > 0 and _may_concern(selection, wallet, wallet.version, last_at, None):
            count.missing += lost


def _may_concern(
    selection: Selection,
    wallet: Wallet,
    sequence: int,
    after: datetime,
    before: datetime | None,
) -> bool:
    """Tell whether facts of an unknown time, between two others, may be among those asked for."""
    if selection.after is not None and (wallet.pk, sequence) <= selection.after:
        return False
    return (selection.since is None or before is None or before >= selection.since) and (
        selection.until is None or after < selection.until
    )


def _wallets(selection: Selection) -> Iterator[Wallet]:
    rows = Wallet.objects.using(PRIMARY).order_by("pk")
    if selection.wallet is not None:
        rows = rows.filter(pk=selection.wallet)
    if selection.client is not None:
        rows = rows.filter(client_id=selection.client)
    if selection.until is not None:
        rows = rows.filter(created_at__lt=selection.until)
    if selection.after is not None:
        rows = rows.filter(pk__gte=selection.after[0])
    last: UUID | None = None
    while True:
        page = list((rows if last is None else rows.filter(pk__gt=last))[:PAGE])
        for wallet in page:
            latest = max(wallet.updated_at, wallet.last_posted_at or wallet.updated_at)
            if selection.since is None or latest >= selection.since:
                yield wallet
        if len(page) < PAGE:
            return
        last = page[-1].pk


def _of_wallet(wallet: Wallet) -> Iterator[Replayed]:
    """Tell what can be told, in the order of sequences; what is left out cannot."""
    postings = _Postings(wallet)
    expected = 1
    for kept in _kept(wallet.pk):
        if kept.sequence > expected:
            yield from postings.rebuild(expected, kept.sequence)
        yield kept
        expected = kept.sequence + 1
    yield from postings.rebuild(expected, wallet.version + 1)


def _kept(stream: UUID) -> Iterator[Replayed]:
    start = 1
    while page := told.kept_facts(stream, from_sequence=start, limit=PAGE):
        for fact in page:
            yield Replayed(
                id=fact.id,
                type=fact.type,
                client=fact.client,
                stream=stream,
                sequence=fact.sequence,
                entry=fact.entry,
                occurred_at=fact.occurred_at,
                value=fact.value,
            )
        start = page[-1].sequence + 1


class _Postings:
    """A wallet's postings, walked once from the first to the last."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._left = self._walk()

    def rebuild(self, start: int, end: int) -> Iterator[Replayed]:
        """Rebuild the events with sequences from `start` to before `end`."""
        if start >= end:
            return
        if start == 1:
            yield _opening(self._wallet)
        for entry, line, hold in self._left:
            version = line.version or 0
            if version >= end:
                self._left = chain([(entry, line, hold)], self._left)
                return
            if version < start:
                continue
            event = _movement(self._wallet, entry, line, hold)
            if event is not None:
                yield event

    def _walk(self) -> Iterator[tuple[PostedEntry, PostedLine, Hold | None]]:
        account, sequence = self._wallet.pk, 1
        while page := books.postings_from(account, sequence=sequence, limit=PAGE):
            entries = books.entries_by_id([entry for _, entry in page])
            captures = [id_ for id_, entry in entries.items() if entry.kind == Kind.CAPTURE]
            captured = Hold.objects.using(PRIMARY).filter(entry__in=captures)
            holds = {hold.entry: hold for hold in captured}
            for _, entry in page:
                lines = entries[entry].lines
                line = next(line for line in lines if line.account == account)
                yield entries[entry], line, holds.get(entry)
            sequence = page[-1][0] + 1


def _opening(wallet: Wallet) -> Replayed:
    nothing = format_minor(0, wallet.currency)
    fact = contracts.WalletFact(
        wallet_id=str(wallet.pk),
        sequence=1,
        currency=wallet.currency,
        balance=nothing,
        held=nothing,
        available=nothing,
        status=WalletStatus.ACTIVE,
        occurred_at=rfc3339(wallet.created_at),
    )
    return _rebuilt(wallet, contracts.CREATED, fact, wallet.created_at, None)


def _movement(
    wallet: Wallet, entry: PostedEntry, line: PostedLine, hold: Hold | None
) -> Replayed | None:
    rule = CHART.get(Kind(entry.kind)) if entry.kind in set(Kind) else None
    if rule is None or line.version is None or line.balance_after is None:
        return None
    is_named = (line.amount > 0) == (rule.wallet_sign > 0)
    type_ = rule.told_by_wallet if is_named else rule.told_by_counterparty
    if type_ is None:
        return None
    currency = wallet.currency
    fact = contracts.MoneyMoved(
        wallet_id=str(wallet.pk),
        sequence=line.version,
        currency=currency,
        balance=format_minor(line.balance_after, currency),
        held=format_minor(0, currency),
        available=format_minor(line.balance_after + wallet.overdraft_limit, currency),
        status=WalletStatus.ACTIVE,
        occurred_at=rfc3339(entry.posted_at),
        transaction_id=str(entry.id),
        amount=format_minor(abs(line.amount), currency),
        reference_id=entry.reference or None,
    )
    if type_ == contracts.ADJUSTED:
        fact = contracts.MoneyAdjusted(
            **msgspec.structs.asdict(fact), direction="CREDIT" if line.amount > 0 else "DEBIT"
        )
    if entry.reverses is not None:
        fact = contracts.MovementReversed(
            **msgspec.structs.asdict(fact),
            reverses=str(entry.reverses),
            direction="CREDIT" if line.amount > 0 else "DEBIT",
        )
    if hold is not None:
        fact = contracts.HoldCaptured(
            **msgspec.structs.asdict(fact),
            hold_id=str(hold.pk),
            released=format_minor(hold.amount - hold.captured, currency),
        )
    return _rebuilt(wallet, type_, fact, entry.posted_at, entry.id)


def _rebuilt(
    wallet: Wallet, type_: str, fact: contracts.WalletFact, moment: datetime, entry: UUID | None
) -> Replayed:
    return Replayed(
        id=uuid5(_IDS, f"{wallet.pk}:{fact.sequence}"),
        type=type_,
        client=wallet.client_id,
        stream=wallet.pk,
        sequence=fact.sequence,
        entry=entry,
        occurred_at=moment,
        value=contracts.encode(fact),
        is_rebuilt=True,
    )
