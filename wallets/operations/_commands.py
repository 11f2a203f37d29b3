"""What the spine takes and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.errors import DomainError
from wallets import idempotency
from wallets.balance_cache import CachedBalance
from wallets.chart import CHART, Kind, Party
from wallets.holds import HoldRecord
from wallets.idempotency import Key, Part
from wallets.identity import WalletIdentity
from wallets.models import HoldOwner
from wallets.movements import MovementRecord


@dataclass(frozen=True, slots=True)
class Opening:
    """A wallet to be made by the credit that a command carries, unless it is there by then."""

    wallet: UUID
    """The id it gets if it is made."""
    reference: str
    """The client's name for it; who finds a wallet of that name credits that one."""
    currency: str


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """Which hold a command makes or ends."""

    hold: UUID
    is_new: bool = False
    owner: HoldOwner = HoldOwner.CALLER
    expires_at: datetime | None = None
    expires_in: timedelta | None = None
    """Counted from the moment at which the hold is made."""
    destination: Mapping[str, Any] | None = None
    """Whom a payout pays; it is put down together with its hold."""


@dataclass(frozen=True, slots=True)
class Original:
    """The entry that a command takes back, wholly or in part; it never changes."""

    entry: UUID
    amount: int
    """Minor units: the most that all of its reversals together may take back."""


@dataclass(frozen=True, slots=True)
class MovementCommand:
    """One movement of money, resolved and checked as far as can be without the wallet's lock."""

    kind: Kind
    client: int
    actor: str
    wallet: UUID
    """Or a house account, where the chart says that both sides are."""
    counterparty: UUID
    """The other wallet, or the house account of the payment rail."""
    currency: str
    amount: int
    """Minor units, above zero."""
    key: Key
    request_hash: bytes
    reference: str = ""
    channel: str = "default"
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
    value_date: date | None = None
    """None: the day on which it is posted, UTC."""
    opening: Opening | None = None
    """Set where the credited wallet need not exist yet; only an accepted command makes it."""
    terms: HoldTerms | None = None
    """Set where the command makes or ends a hold."""
    original: Original | None = None
    """Set where the command is a reversal."""
    corrects: UUID | None = None
    """The entry that an adjustment puts right, if it names one, or whose difference is cleared."""
    clears: Original | None = None
    """Set where the command takes a difference from suspense, which is the named account."""
    is_approved: bool = False
    """A second person has approved it: it also touches a frozen wallet, never a closed one."""
    covered_by: UUID | None = None
    """The account on which stands what the debited wallet lacks; None: it is refused then."""
    deadline: float = math.inf
    """On the monotonic clock, seconds; past it the command is dropped undone."""
    operation: int | None = None
    """The accepted operation that it applies, to be marked with how it ended."""
    act: tuple[Actor, Act] | None = None
    """What the audit log is to say of it, when it is accepted; for what staff ask for."""

    @property
    def wallets(self) -> tuple[UUID, ...]:
        """The rows this command has to lock."""
        if CHART[self.kind].counterparty is Party.HOUSES:
            return ()
        if CHART[self.kind].counterparty is Party.WALLET:
            return (self.wallet, self.counterparty)
        return (self.wallet,)

    @property
    def debited(self) -> UUID | None:
        """The wallet that money leaves; None: it leaves none."""
        rule = CHART[self.kind]
        if rule.wallet_sign < 0:
            return self.wallet
        return self.counterparty if rule.counterparty is Party.WALLET else None


def covering(command: MovementCommand, wallet: UUID, account: UUID, amount: int) -> MovementCommand:
    """Make the command that gives a wallet what it lacks (minor units) for another command."""
    original = command.original
    return MovementCommand(
        kind=Kind.SHORTFALL,
        client=command.client,
        actor=command.actor,
        wallet=wallet,
        counterparty=account,
        currency=command.currency,
        amount=amount,
        key=idempotency.derived(command.key, Kind.SHORTFALL),
        request_hash=command.request_hash,
        reference=command.reference,
        metadata=None if original is None else {"takesBack": str(original.entry)},
        value_date=command.value_date,
        is_approved=command.is_approved,
    )


@dataclass(frozen=True, slots=True)
class MovementRequest:
    """What a caller asks of a movement, apart from the wallets: the same for every verb."""

    amount: int
    """Minor units of the wallet's currency, above zero."""
    key: Key
    actor: str
    """Who asks: `key:<prefix>`, `staff:<id>`, `command:<name>`."""
    currency: str | None = None
    """As the caller gave it; None: whatever the wallet has."""
    reference: str = ""
    channel: str = "default"
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
    value_date: date | None = None

    def parts(self, wallet: WalletIdentity) -> list[Part]:
        """List what makes this the same request as another one on the wallet."""
        return [
            self.amount,
            self.currency or wallet.currency,
            self.reference,
            self.channel,
            self.description,
            dict(self.metadata) if self.metadata is not None else None,
            self.value_date.isoformat() if self.value_date else None,
        ]

    def command(
        self, kind: Kind, wallet: WalletIdentity, *, counterparty: UUID, request_hash: bytes
    ) -> MovementCommand:
        """Make the spine's command of this request."""
        return MovementCommand(
            kind=kind,
            client=wallet.client,
            actor=self.actor,
            wallet=wallet.id,
            counterparty=counterparty,
            currency=self.currency or wallet.currency,
            amount=self.amount,
            key=self.key,
            request_hash=request_hash,
            reference=self.reference,
            channel=self.channel,
            description=self.description,
            metadata=self.metadata,
            value_date=self.value_date,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one command of a list ended: with a record or a hold, or the error that says why not."""

    record: MovementRecord | None = None
    error: DomainError | None = None
    hold: HoldRecord | None = None
    """In place of a movement's record, where a hold was made or voided."""
    replayed: bool = False
    """The key had already ended this way before."""
    balances: tuple[CachedBalance, ...] = ()
    """The command's wallets as its list left them, for the cache; true once it is committed."""

    def unwrap(self) -> MovementRecord:
        """Return the record.

        :raises DomainError: the refusal, if there is no record.
        """
        if self.record is None:
            raise self.error or RuntimeError("An outcome without record and error.")
        return self.record

    def unwrap_hold(self) -> HoldRecord:
        """Return the hold that was made or voided.

        :raises DomainError: the refusal, if there is none.
        """
        if self.hold is None:
            raise self.error or RuntimeError("An outcome without hold and error.")
        return self.hold
