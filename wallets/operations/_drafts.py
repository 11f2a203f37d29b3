"""What a list of commands will write, built up in memory while the wallets are locked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from events import contracts
from events.outbox import NewEvent
from ledger.posting import Entry, Line
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.errors import Refused
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import format_minor
from wallets.balance_cache import CachedBalance
from wallets.chart import CHART, Party
from wallets.movements import MovementRecord
from wallets.operations._commands import MovementCommand
from wallets.policies import WalletState

_TICK: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Change:
    """What the list does to one wallet, relative to the row as it was locked."""

    version_locked: int
    delta: int = 0
    """Minor units, net."""
    steps: int = 0
    """How far version and posting sequence rise."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the drafts stood before linked commands, with a copy of the wallets these touch."""

    wallets: dict[UUID, WalletState]
    changes: dict[UUID, Change]
    entries: int
    events: int
    refusals: int


@dataclass(slots=True)
class Drafts:
    """Entries, events, refusals and balance changes of one list."""

    wallets: dict[UUID, WalletState]
    moment: datetime
    """The primary's clock when the wallets were locked."""
    changes: dict[UUID, Change] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    refusals: list[tuple[MovementCommand, Refused]] = field(default_factory=list)

    def mark(self, wallets: Collection[UUID]) -> Mark:
        """Note where the drafts stand, to take back what happens to these wallets from here on."""
        return Mark(
            wallets={w: replace(self.wallets[w]) for w in wallets if w in self.wallets},
            changes={w: replace(self.changes[w]) for w in wallets if w in self.changes},
            entries=len(self.entries),
            events=len(self.events),
            refusals=len(self.refusals),
        )

    def undo(self, mark: Mark) -> None:
        """Take back everything since a mark."""
        for wallet in mark.wallets:
            self.changes.pop(wallet, None)
        self.wallets.update(mark.wallets)
        self.changes.update(mark.changes)
        del self.entries[mark.entries :]
        del self.events[mark.events :]
        del self.refusals[mark.refusals :]

    def balances(self, ids: Iterable[UUID]) -> dict[UUID, CachedBalance]:
        """Tell how the list leaves these wallets."""
        return {
            one.id: CachedBalance(
                one.id,
                one.version,
                one.balance,
                one.held,
                one.available,
                one.status,
                self.moment,
            )
            for one in (self.wallets[id_] for id_ in ids)
        }

    def refuse(self, command: MovementCommand, refusal: Refused) -> None:
        """Note a refusal, to be kept with its key."""
        self.refusals.append((command, refusal))

    def post(self, command: MovementCommand) -> MovementRecord:
        """Draft the entry, the postings and the events of an accepted command."""
        rule = CHART[command.kind]
        entry_id = uuid7()
        named = self.wallets[command.wallet]
        between_wallets = rule.counterparty is Party.WALLET
        other = self.wallets[command.counterparty] if between_wallets else None
        posted_at = self._next_moment(named, other)
        signed = rule.wallet_sign * command.amount
        lines = [self._line(named, signed, posted_at)]
        self._tell(command, named, rule.told_by_wallet, entry_id, posted_at)
        if other is not None and rule.told_by_counterparty is not None:
            lines.append(self._line(other, -signed, posted_at))
            self._tell(command, other, rule.told_by_counterparty, entry_id, posted_at)
        else:
            lines.append(Line(command.counterparty, command.currency, -signed))
        value_date = command.value_date or posted_at.date()
        self.entries.append(
            Entry(
                id=entry_id,
                kind=command.kind,
                idempotency_key=command.key.digest,
                request_hash=command.request_hash,
                client=command.client,
                actor=command.actor,
                reference=command.reference,
                channel=command.channel,
                posted_at=posted_at,
                value_date=value_date,
                lines=tuple(lines),
                description=command.description,
                metadata=command.metadata,
            )
        )
        return MovementRecord(
            transaction_id=entry_id,
            kind=command.kind,
            wallet_id=command.wallet,
            destination_wallet_id=command.counterparty if other is not None else None,
            amount=command.amount,
            currency=command.currency,
            balance=named.balance,
            version=named.version,
            reference=command.reference,
            channel=command.channel,
            description=command.description,
            metadata=command.metadata,
            value_date=value_date,
            created_at=posted_at,
        )

    def _next_moment(self, *wallets: WalletState | None) -> datetime:
        """Choose a time that never runs backwards within any wallet touched."""
        return max(
            [self.moment]
            + [w.last_posted_at + _TICK for w in wallets if w is not None and w.last_posted_at]
        )

    def _line(self, wallet: WalletState, signed: int, posted_at: datetime) -> Line:
        change = self.changes.get(wallet.id)
        if change is None:
            change = self.changes[wallet.id] = Change(wallet.version)
        change.delta += signed
        change.steps += 1
        wallet.balance += signed
        wallet.version += 1
        wallet.posting_sequence += 1
        wallet.last_posted_at = posted_at
        return Line(
            wallet.id,
            wallet.currency,
            signed,
            wallet.balance,
            wallet.posting_sequence,
            wallet.version,
        )

    def _tell(
        self,
        command: MovementCommand,
        wallet: WalletState,
        type_: str,
        entry_id: UUID,
        posted_at: datetime,
    ) -> None:
        currency = wallet.currency
        fact = contracts.MoneyMoved(
            wallet_id=str(wallet.id),
            sequence=wallet.version,
            currency=currency,
            balance=format_minor(wallet.balance, currency),
            held=format_minor(wallet.held, currency),
            available=format_minor(wallet.available, currency),
            status=wallet.status,
            occurred_at=rfc3339(posted_at),
            transaction_id=str(entry_id),
            amount=format_minor(command.amount, currency),
            reference_id=command.reference or None,
        )
        self.events.append(NewEvent(wallet.id, command.client, type_, fact, posted_at, entry_id))
