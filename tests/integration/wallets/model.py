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
    """A movement that is asked for; wallets are numbers, in the order they were opened, and so are
    holds."""

    kind: str
    wallet: int
    other: int
    """A transfer's destination; the hold that is captured or voided."""
    amount: int
    key: str


@dataclass(slots=True)
class ModelWallet:
    """A wallet of the model."""

    currency: str
    status: str = "ACTIVE"
    balance: int = 0
    held: int = 0
    version: int = 1


@dataclass(slots=True)
class ModelHold:
    """A hold of the model."""

    wallet: int
    amount: int
    status: str = "ACTIVE"
    is_due: bool = False
    """Its time has passed, and nobody has looked at its wallet since."""


@dataclass(slots=True)
class Model:
    """Every wallet, and how every key has ended."""

    wallets: list[ModelWallet] = field(default_factory=list)
    holds: list[ModelHold] = field(default_factory=list)
    ended: dict[str, tuple[Move, str]] = field(default_factory=dict)

    def open(self, currency: str) -> None:
        """Open a wallet."""
        self.wallets.append(ModelWallet(currency))

    def set_status(self, number: int, status: str) -> str:
        """Freeze, unfreeze or close."""
        wallet = self.wallets[number]
        if wallet.status == status:
            self.settle({number})
            return OK
        if wallet.status == "CLOSED":
            return "wallet_closed"
        if status == "CLOSED" and wallet.balance:
            return "wallet_not_empty"
        self.settle({number})
        wallet.status = status
        wallet.version += 1
        return OK

    def each(self, moves: Sequence[Move]) -> list[str]:
        """Make movements, each by itself."""
        self._touch(moves)
        return [self._one(move) for move in moves]

    def together(self, moves: Sequence[Move]) -> list[str]:
        """Make all movements or none."""
        self._touch(moves)
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
        before = deepcopy((self.wallets, self.holds))
        for move in moves:
            outcome = self._one(move)
            if outcome != OK:
                self.wallets, self.holds = before
                break
        self.ended |= {move.key: (move, outcome) for move in moves}
        return [outcome] * len(moves)

    def available(self, number: int) -> int:
        """Tell what may leave a wallet now."""
        wallet = self.wallets[number]
        due = sum(h.amount for h in self.holds if h.wallet == number and h.is_due)
        return wallet.balance - wallet.held + due

    def settle(self, numbers: set[int]) -> None:
        """End the holds of these wallets whose time has passed."""
        for hold in self.holds:
            if hold.wallet in numbers and hold.is_due:
                self._end(hold, "EXPIRED")

    def _touch(self, moves: Sequence[Move]) -> None:
        others = {move.other for move in moves if move.kind == "transfer"}
        self.settle({move.wallet for move in moves} | others)

    def _end(self, hold: ModelHold, status: str) -> None:
        hold.status, hold.is_due = status, False
        self.wallets[hold.wallet].held -= hold.amount
        self.wallets[hold.wallet].version += 1

    def _one(self, move: Move) -> str:
        known = self.ended.get(move.key)
        if known is not None:
            return known[1] if known[0] == move else REUSED
        outcome = self._refuse(move) or OK
        self.ended[move.key] = (move, outcome)
        if outcome == OK and move.kind == "hold":
            self.holds.append(ModelHold(move.wallet, move.amount))
            self.wallets[move.wallet].held += move.amount
            self.wallets[move.wallet].version += 1
        elif outcome == OK and move.kind in ("capture", "void"):
            self._end(self.holds[move.other], "CAPTURED" if move.kind == "capture" else "VOIDED")
            if move.kind == "capture":
                self.wallets[move.wallet].balance -= move.amount
        elif outcome == OK:
            self._book(move.wallet, move.amount if move.kind == "deposit" else -move.amount)
            if move.kind == "transfer":
                self._book(move.other, move.amount)
        return outcome

    def _refuse(self, move: Move) -> str | None:
        wallet = self.wallets[move.wallet]
        touched = [wallet]
        if move.kind in ("capture", "void"):
            return self._refuse_end(move, self.holds[move.other])
        if move.kind == "transfer":
            if move.wallet == move.other:
                return "same_wallet"
            touched.append(self.wallets[move.other])
        for one in touched:
            if one.status != "ACTIVE":
                return f"wallet_{one.status.lower()}"
        if touched[-1].currency != wallet.currency:
            return "currency_mismatch"
        if move.kind != "deposit" and wallet.balance - wallet.held < move.amount:
            return "insufficient_funds"
        return None

    def _refuse_end(self, move: Move, hold: ModelHold) -> str | None:
        if hold.status != "ACTIVE":
            return "hold_not_active"
        if move.kind == "void":
            return None
        status = self.wallets[move.wallet].status
        if status != "ACTIVE":
            return f"wallet_{status.lower()}"
        return "capture_too_large" if move.amount > hold.amount else None

    def _book(self, number: int, amount: int) -> None:
        self.wallets[number].balance += amount
        self.wallets[number].version += 1
