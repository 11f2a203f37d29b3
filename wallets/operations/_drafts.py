"""What a list of commands will write, built up in memory while the wallets are locked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from events import contracts
from events.outbox import NewEvent
from ledger.posting import Entry, Line
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.errors import Refused, Unavailable
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import format_minor
from wallets import policies
from wallets.balance_cache import CachedBalance
from wallets.chart import CHART, Party
from wallets.holds import HoldRecord, as_made
from wallets.models import Hold, HoldStatus
from wallets.movements import MovementRecord
from wallets.operations import _commands, _entries, _facts
from wallets.operations._commands import HoldTerms, MovementCommand
from wallets.policies import WalletState

_TICK: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Change:
    """What the list does to one wallet, relative to the row as it was locked."""

    version_locked: int
    delta: int = 0
    """Minor units, net."""
    steps: int = 0
    """How far the version rises."""
    postings: int = 0
    """How far the posting sequence rises."""
    held: int = 0
    """Minor units set aside, less those released."""
    touches_holds: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a hold ends."""

    status: HoldStatus
    at: datetime
    version: int
    """The wallet's after it."""
    captured: int = 0
    entry: UUID | None = None
    key: bytes | None = None
    request_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the drafts stood before linked commands, with a copy of the wallets these touch."""

    wallets: dict[UUID, WalletState]
    changes: dict[UUID, Change]
    entries: int
    events: int
    refusals: int
    held: int
    ended: frozenset[UUID]
    reversed: dict[UUID, int]
    spending: dict[UUID, Any]


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
    stalled: dict[UUID, Unavailable] = field(default_factory=dict)
    """Wallets with an operation that cannot be applied now, and why: later ones wait behind it."""
    holds: dict[UUID, Hold] = field(default_factory=dict)
    """Those that commands of the list name, as they were when their wallets were locked."""
    held: list[Hold] = field(default_factory=list)
    """Holds to be made."""
    destinations: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    """Of those among them that are payouts'."""
    ended: dict[UUID, Ending] = field(default_factory=dict)
    barred_through: dict[int, date] = field(default_factory=dict)
    """Up to which value date clients' books are closed, where a command names an old one."""
    reversed: dict[UUID, int] = field(default_factory=dict)
    """How much of entries has been taken back, or of differences cleared, by entries that the
    list would take back or clear."""
    spending: dict[UUID, Any] = field(default_factory=dict)
    """Of wallets that have limits, what of them is used; `_spending` knows more."""

    def mark(self, wallets: Collection[UUID]) -> Mark:
        """Note where the drafts stand, to take back what happens to these wallets from here on."""
        return Mark(
            wallets={w: replace(self.wallets[w]) for w in wallets if w in self.wallets},
            changes={w: replace(self.changes[w]) for w in wallets if w in self.changes},
            entries=len(self.entries),
            events=len(self.events),
            refusals=len(self.refusals),
            held=len(self.held),
            ended=frozenset(self.ended),
            reversed=dict(self.reversed),
            spending=dict(self.spending),
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
        del self.held[mark.held :]
        self.reversed = dict(mark.reversed)
        self.spending = dict(mark.spending)
        for hold in self.ended.keys() - mark.ended:
            del self.ended[hold]

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
                one.next_hold_expiry,
            )
            for one in (self.wallets[id_] for id_ in ids)
        }

    def refuse(self, command: MovementCommand, refusal: Refused) -> None:
        """Note a refusal, to be kept with its key."""
        self.refusals.append((command, refusal))

    def post(self, command: MovementCommand) -> MovementRecord:
        """Draft the entry, the postings and the events of an accepted command."""
        rule = CHART[command.kind]
        if rule.counterparty is Party.HOUSES:
            between, record = _entries.between_houses(command, self.moment)
            self.entries.append(between)
            if command.clears is not None:
                cleared = self.reversed.get(command.clears.entry, 0)
                self.reversed[command.clears.entry] = cleared + command.amount
            return record
        self._cover(command)
        entry_id = uuid7()
        named = self.wallets[command.wallet]
        between_wallets = rule.counterparty is Party.WALLET
        other = self.wallets[command.counterparty] if between_wallets else None
        posted_at = self._next_moment(named, other)
        signed = rule.wallet_sign * command.amount
        lines = [self._line(named, signed, posted_at)]
        if command.terms is not None:
            self._capture(command, named, entry_id, posted_at)
        else:
            self._tell(command, named, rule.told_by_wallet, lines[-1], entry_id, posted_at)
        if other is not None and rule.told_by_counterparty is not None:
            lines.append(self._line(other, -signed, posted_at))
            self._tell(command, other, rule.told_by_counterparty, lines[-1], entry_id, posted_at)
        else:
            lines.append(Line(command.counterparty, command.currency, -signed))
        entry = _entries.entry_of(command, entry_id, posted_at, lines)
        self.entries.append(entry)
        if entry.reverses is not None:
            taken_back = self.reversed.get(entry.reverses, 0)
            self.reversed[entry.reverses] = taken_back + command.amount
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
            value_date=entry.value_date,
            created_at=posted_at,
            hold_id=command.terms.hold if command.terms is not None else None,
            reverses=entry.reverses,
        )

    def _cover(self, command: MovementCommand) -> None:
        """Draft, as an entry of its own, what the debited wallet lacks for the command."""
        if command.covered_by is None or command.debited is None:
            return
        short = policies.shortfall(self.wallets[command.debited], command.amount)
        if short:
            self.post(_commands.covering(command, command.debited, command.covered_by, short))

    def hold(self, command: MovementCommand, terms: HoldTerms) -> HoldRecord:
        """Draft the hold that an accepted command makes."""
        wallet = self.wallets[command.wallet]
        made_at = self._next_moment(wallet)
        expires_at = terms.expires_at
        if terms.expires_in is not None:
            expires_at = made_at + terms.expires_in
        self._set_aside(wallet, command.amount)
        if expires_at is not None:
            wallet.next_hold_expiry = min(wallet.next_hold_expiry or expires_at, expires_at)
        row = Hold(
            id=terms.hold,
            wallet_id=wallet.id,
            client=command.client,
            currency=command.currency,
            amount=command.amount,
            owner=terms.owner.value,
            channel=command.channel,
            reference=command.reference,
            description=command.description,
            metadata=command.metadata,
            expires_at=expires_at,
            version=wallet.version,
            created_at=made_at,
            idempotency_key=command.key.digest,
            request_hash=command.request_hash,
        )
        self.held.append(row)
        if terms.destination is not None:
            self.destinations[row.id] = terms.destination
        fact = contracts.MoneyHeld(
            **self._numbers(wallet, made_at),
            hold_id=str(row.id),
            amount=format_minor(row.amount, wallet.currency),
            expires_at=None if expires_at is None else rfc3339(expires_at),
            reference_id=row.reference or None,
        )
        self.events.append(NewEvent(wallet.id, command.client, contracts.HELD, fact, made_at))
        return as_made(row)

    def void(self, command: MovementCommand, terms: HoldTerms) -> HoldRecord:
        """Draft the end of a hold that an accepted command gives up."""
        row = self.holds[terms.hold]
        end = self._release(
            row, HoldStatus.VOIDED, key=command.key.digest, request_hash=command.request_hash
        )
        return replace(as_made(row), version=end.version, status=end.status.value, ended_at=end.at)

    def expire(self, hold: Hold) -> None:
        """Draft the end of a hold whose time has passed."""
        self._release(hold, HoldStatus.EXPIRED)

    def expect_expiry(self, wallet: UUID, earliest: datetime | None) -> None:
        """Note when the next of a wallet's holds expires, now that the expired ones are ended."""
        self._change(self.wallets[wallet]).touches_holds = True
        self.wallets[wallet].next_hold_expiry = earliest

    def status_of(self, hold: UUID) -> str:
        """Tell where a hold stands after what was drafted."""
        end = self.ended.get(hold)
        return str(self.holds[hold].status) if end is None else end.status.value

    def _release(
        self,
        row: Hold,
        status: HoldStatus,
        *,
        key: bytes | None = None,
        request_hash: bytes | None = None,
    ) -> Ending:
        wallet = self.wallets[row.wallet_id]
        moment = self._next_moment(wallet)
        self._set_aside(wallet, -row.amount)
        ended_at = moment
        if status is HoldStatus.EXPIRED and row.expires_at is not None:
            ended_at = row.expires_at
        end = Ending(status, ended_at, wallet.version, key=key, request_hash=request_hash)
        self.ended[row.id] = end
        fact = contracts.HoldReleased(
            **self._numbers(wallet, moment),
            hold_id=str(row.id),
            amount=format_minor(row.amount, wallet.currency),
            reason=status.value,
            reference_id=row.reference or None,
        )
        self.events.append(NewEvent(wallet.id, row.client, contracts.RELEASED, fact, moment))
        return end

    def _capture(
        self, command: MovementCommand, wallet: WalletState, entry_id: UUID, posted_at: datetime
    ) -> None:
        """Draft the end of the hold that a posting captures: one step of the version for both."""
        assert command.terms is not None  # noqa: S101 - for the type checker; asked by the caller
        row = self.holds[command.terms.hold]
        change = self._change(wallet)
        change.held -= row.amount
        change.touches_holds = True
        wallet.held -= row.amount
        self.ended[row.id] = Ending(
            HoldStatus.CAPTURED, posted_at, wallet.version, command.amount, entry_id
        )
        fact = contracts.HoldCaptured(
            **self._numbers(wallet, posted_at),
            transaction_id=str(entry_id),
            amount=format_minor(command.amount, wallet.currency),
            reference_id=command.reference or None,
            hold_id=str(row.id),
            released=format_minor(row.amount - command.amount, wallet.currency),
        )
        self.events.append(
            NewEvent(wallet.id, command.client, contracts.CAPTURED, fact, posted_at, entry_id)
        )

    def _set_aside(self, wallet: WalletState, amount: int) -> None:
        """Take a step of the version in which only what is held changes."""
        change = self._change(wallet)
        change.held += amount
        change.steps += 1
        change.touches_holds = True
        wallet.held += amount
        wallet.version += 1

    def _change(self, wallet: WalletState) -> Change:
        change = self.changes.get(wallet.id)
        if change is None:
            change = self.changes[wallet.id] = Change(wallet.version)
        return change

    def _next_moment(self, *wallets: WalletState | None) -> datetime:
        """Choose a time that never runs backwards within any wallet touched."""
        return max(
            [self.moment]
            + [w.last_posted_at + _TICK for w in wallets if w is not None and w.last_posted_at]
        )

    def _line(self, wallet: WalletState, signed: int, posted_at: datetime) -> Line:
        change = self._change(wallet)
        change.delta += signed
        change.steps += 1
        change.postings += 1
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
        line: Line,
        entry_id: UUID,
        posted_at: datetime,
    ) -> None:
        numbers = self._numbers(wallet, posted_at)
        fact = _facts.moved(command, numbers, entry_id, is_credit=line.amount > 0)
        self.events.append(NewEvent(wallet.id, command.client, type_, fact, posted_at, entry_id))

    def _numbers(self, wallet: WalletState, moment: datetime) -> dict[str, Any]:
        """Tell what every fact tells of its wallet."""
        currency = wallet.currency
        return {
            "wallet_id": str(wallet.id),
            "sequence": wallet.version,
            "currency": currency,
            "balance": format_minor(wallet.balance, currency),
            "held": format_minor(wallet.held, currency),
            "available": format_minor(wallet.available, currency),
            "status": wallet.status,
            "occurred_at": rfc3339(moment),
        }
