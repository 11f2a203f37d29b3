"""A wallet service in memory, as simple as can be: what the real one is held against."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

REUSED: Final = "idempotency_key_reused"
OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Move:
    """A movement that is asked for; wallets are numbers, in the order they were opened."""

    kind: str
    wallet: int
    other: int
    """A transfer's destination."""
    amount: int
    key: str


@dataclass(slots=True)
class ModelWallet:
    """A wallet of the model."""

    currency: str
    status: str = "ACTIVE"
    balance: int = 0
    version: int = 1


@dataclass(slots=True)
class Model:
    """Every wallet, and how every key has ended."""

    wallets: list[ModelWallet] = field(default_factory=list)
    ended: dict[str, tuple[Move, str]] = field(default_factory=dict)

    def open(self, currency: str) -> None:
        """Open a wallet."""
        self.wallets.append(ModelWallet(currency))

    def set_status(self, number: int, status: str) -> str:
        """Freeze, unfreeze or close."""
        wallet = self.wallets[number]
        if wallet.status == status:
            return OK
        if wallet.status == "CLOSED":
            return "wallet_closed"
        if status == "CLOSED" and wallet.balance:
            return "wallet_not_empty"
        wallet.status = status
        wallet.version += 1
        return OK

    def each(self, moves: Sequence[Move]) -> list[str]:
        """Make movements, each by itself."""
        return [self._one(move) for move in moves]

    def together(self, moves: Sequence[Move]) -> list[str]:
        """Make all movements or none."""
        first = {move.key: move for move in reversed(moves)}
        known = [self.ended.get(move.key) for move in moves]
        outcome = OK
        if any(first[move.key] != move for move in moves):
            return [REUSED] * len(moves)
        if any(known):
            ends = {one[1] if one and one[0] == move else "?" for one, move in zip(known, moves)}  # noqa: B905
            if "?" in ends or (OK in ends and len(ends) > 1):
                return [REUSED] * len(moves)
            return [known[0][1] if known[0] else OK] * len(moves)
        before = deepcopy(self.wallets)
        for move in moves:
            outcome = self._one(move)
            if outcome != OK:
                self.wallets = before
                break
        self.ended |= {move.key: (move, outcome) for move in moves}
        return [outcome] * len(moves)

    def _one(self, move: Move) -> str:
        known = self.ended.get(move.key)
        if known is not None:
            return known[1] if known[0] == move else REUSED
        outcome = self._refuse(move) or OK
        self.ended[move.key] = (move, outcome)
        if outcome == OK:
            self._book(move.wallet, move.amount if move.kind == "deposit" else -move.amount)
            if move.kind == "transfer":
                self._book(move.other, move.amount)
        return outcome

    def _refuse(self, move: Move) -> str | None:
        wallet = self.wallets[move.wallet]
        touched = [wallet]
        if move.kind == "transfer":
            if move.wallet == move.other:
                return "same_wallet"
            touched.append(self.wallets[move.other])
        for one in touched:
            if one.status != "ACTIVE":
                return f"wallet_{one.status.lower()}"
        if touched[-1].currency != wallet.currency:
            return "currency_mismatch"
        if move.kind != "deposit" and wallet.balance < move.amount:
            return "insufficient_funds"
        return None

    def _book(self, number: int, amount: int) -> None:
        self.wallets[number].balance += amount
        self.wallets[number].version += 1
