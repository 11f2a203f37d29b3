"""Pure rules: given a wallet as it is under the lock, may this happen? No database, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from wallet_project.kit.errors import Refused
from wallet_project.kit.money import LARGEST_MINOR, format_minor
from wallets import errors
from wallets.models import HoldStatus, WalletStatus

_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class WalletState:
    """A wallet row under its lock, and what the commands of a list make of it."""

    id: UUID
    client: int
    currency: str
    status: str
    balance: int
    held: int
    overdraft_limit: int
    version: int
    posting_sequence: int
    last_posted_at: datetime | None
    next_hold_expiry: datetime | None = None
    """No active hold expires before this moment."""

    @property
    def available(self) -> int:
        """Minor units that may leave the wallet now."""
        return self.balance - self.held + self.overdraft_limit


def refuse_credit(wallet: WalletState, amount: int) -> Refused | None:
    """Tell why the wallet cannot take this amount (minor units), or None when it can."""
    if wallet.balance + amount > LARGEST_MINOR:
        return errors.BalanceTooLarge(
            f"The balance would be larger than {format_minor(LARGEST_MINOR, wallet.currency)}.",
            balance=wallet.balance,
            currency=wallet.currency,
        )
    return None


def refuse_debit(wallet: WalletState, amount: int) -> Refused | None:
    """Tell why this amount (minor units) cannot leave the wallet, or None when it can."""
    if amount > wallet.available:
        return errors.InsufficientFunds(
            f"{format_minor(max(wallet.available, 0), wallet.currency)} {wallet.currency} is "
            f"available, {format_minor(amount, wallet.currency)} is needed. "
            "The refusal is final for this key; another try takes a new one.",
            available=wallet.available,
            held=wallet.held,
            balance=wallet.balance,
            shortfall=amount - wallet.available,
            currency=wallet.currency,
        )
    return None


def shortfall(wallet: WalletState, amount: int) -> int:
    """Tell how much of this amount (minor units) the wallet lacks."""
    return min(max(amount - wallet.available, 0), amount)


def refuse_end(status: str) -> Refused | None:
    """Tell why a hold of this status can be neither captured nor voided, or None when it can."""
    if status != HoldStatus.ACTIVE:
        return errors.HoldNotActive(
            f"The hold is {status.lower()}; only an active one can be captured or voided.",
            holdStatus=status,
        )
    return None


def refuse_capture(held: int, amount: int, currency: str) -> Refused | None:
    """Tell why this amount cannot be captured of what is held, or None when it can."""
    if amount > held:
        return errors.CaptureTooLarge(
            f"The hold is of {format_minor(held, currency)} {currency}, "
            f"{format_minor(amount, currency)} is to be captured.",
            held=held,
            currency=currency,
        )
    return None


def refuse_reversal(left: int, amount: int, currency: str) -> Refused | None:
    """Tell why this amount cannot be taken back of what is left, or None when it can."""
    if amount > left:
        return errors.ReversalTooLarge(
            f"{format_minor(left, currency)} {currency} of the movement is left to be taken back, "
            f"{format_minor(amount, currency)} is asked for.",
            left=left,
            currency=currency,
        )
    return None


def refuse_clearing(left: int, amount: int, currency: str) -> Refused | None:
    """Tell why this amount cannot leave suspense of what is left of a difference, or None."""
    if amount > left:
        return errors.ClearingTooLarge(
            f"{format_minor(left, currency)} {currency} of the difference is left on suspense, "
            f"{format_minor(amount, currency)} is asked for.",
            left=left,
            currency=currency,
        )
    return None


def refuse_value_date(wanted: date | None, barred_through: date | None) -> Refused | None:
    """Tell why nothing can be posted with this value date, or None when it can.

    None for a date: the day of posting, which is in no closed month.
    """
    if wanted is None or barred_through is None or wanted > barred_through:
        return None
    earliest = (barred_through + _DAY).isoformat()
    return errors.PeriodClosed(
        f"The books are closed through {barred_through}; the earliest valueDate is {earliest}. "
        "A correction goes into the open month.",
        earliestValueDate=earliest,
    )


def refuse_currency(wallet: WalletState, currency: str) -> Refused | None:
    """Tell why a command in this currency does not fit the wallet, or None when it does."""
    if wallet.currency != currency:
        return errors.CurrencyMismatch(
            f"The wallet is in {wallet.currency}, the movement in {currency}."
        )
    return None


def refuse_by_status(wallet: WalletState) -> Refused | None:
    """Tell why the wallet takes no movement at all, or None when it does."""
    if wallet.status == WalletStatus.FROZEN:
        return errors.WalletFrozen("A frozen wallet takes no credits and no debits.")
    if wallet.status == WalletStatus.CLOSED:
        return errors.WalletClosed("A closed wallet takes nothing.")
    return None


def refuse_change(wallet: WalletState) -> Refused | None:
    """Tell that nothing can be done to a closed wallet, or None for another one."""
    if wallet.status == WalletStatus.CLOSED:
        return errors.WalletClosed("A closed wallet stays as it is.")
    return None


def refuse_close(wallet: WalletState) -> Refused | None:
    """Tell why the wallet cannot be closed, or None when it is empty."""
    if wallet.balance or wallet.held:
        return errors.WalletNotEmpty(
            f"The balance is {format_minor(wallet.balance, wallet.currency)} {wallet.currency}, "
            f"{format_minor(wallet.held, wallet.currency)} is held; both must be zero.",
            balance=wallet.balance,
            held=wallet.held,
            currency=wallet.currency,
        )
    return None
