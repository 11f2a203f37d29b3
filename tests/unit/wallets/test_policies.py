"""May this happen? Tables over a wallet as it is."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit.money import LARGEST_MINOR
from wallets import errors, policies
from wallets.policies import WalletState

minor = st.integers(0, LARGEST_MINOR)


def wallet(
    balance: int = 0, held: int = 0, overdraft: int = 0, status: str = "ACTIVE"
) -> WalletState:
    return WalletState(UUID(int=1), 1, "USD", status, balance, held, overdraft, 1, 0, None)


@pytest.mark.parametrize(
    ("balance", "held", "overdraft", "amount", "allowed"),
    [
        (100, 0, 0, 100, True),
        (100, 0, 0, 101, False),
        (100, 40, 0, 60, True),
        (100, 40, 0, 61, False),
        (0, 0, 50, 50, True),
        (0, 0, 50, 51, False),
        (-50, 0, 50, 1, False),
        (100, 100, 0, 1, False),
    ],
)
def test_a_debit_needs_what_is_available(
    balance: int, held: int, overdraft: int, amount: int, allowed: bool
) -> None:
    refusal = policies.refuse_debit(wallet(balance, held, overdraft), amount)

    assert (refusal is None) == allowed


@given(balance=minor, held=minor, overdraft=minor, amount=st.integers(1, LARGEST_MINOR))
def test_an_allowed_debit_never_leaves_the_floor(
    balance: int, held: int, overdraft: int, amount: int
) -> None:
    state = wallet(balance, held, overdraft)

    refusal = policies.refuse_debit(state, amount)

    if refusal is None:
        assert balance - amount - held >= -overdraft
    else:
        shortfall = refusal.data["shortfall"]
        assert isinstance(shortfall, int)
        assert shortfall == amount - state.available > 0


@given(balance=st.integers(-LARGEST_MINOR, LARGEST_MINOR), amount=st.integers(1, LARGEST_MINOR))
def test_an_allowed_credit_fits_the_books(balance: int, amount: int) -> None:
    refusal = policies.refuse_credit(wallet(balance), amount)

    assert (refusal is None) == (balance + amount <= LARGEST_MINOR)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("ACTIVE", None), ("FROZEN", errors.WalletFrozen), ("CLOSED", errors.WalletClosed)],
)
def test_only_an_active_wallet_takes_movements(status: str, kind: type | None) -> None:
    refusal = policies.refuse_by_status(wallet(status=status))

    assert (type(refusal) if refusal else None) is kind


def test_every_stored_refusal_can_be_told_again() -> None:
    for code, kind in errors.STORED.items():
        told = errors.stored_refusal(code, {"detail": "Why.", "available": 5})

        assert type(told) is kind
        assert (told.detail, told.data) == ("Why.", {"available": 5})
