"""What the spine takes and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from wallet_project.kit.errors import DomainError
from wallets.balance_cache import CachedBalance
from wallets.chart import CHART, Kind, Party
from wallets.idempotency import Key, Part
from wallets.identity import WalletIdentity
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
class MovementCommand:
    """One movement of money, resolved and checked as far as can be without the wallet's lock."""

    kind: Kind
    client: int
    actor: str
    wallet: UUID
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
    deadline: float = math.inf
    """On the monotonic clock, seconds; past it the command is dropped undone."""

    @property
    def wallets(self) -> tuple[UUID, ...]:
        """The rows this command has to lock."""
        if CHART[self.kind].counterparty is Party.WALLET:
            return (self.wallet, self.counterparty)
        return (self.wallet,)


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
    """How one command of a list ended: with a record, or with the error that says why not."""

    record: MovementRecord | None = None
    error: DomainError | None = None
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
