"""May this happen? Tables over a wallet as it is."""

from __future__ import annotations

from datetime import date
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


@pytest.mark.parametrize("status", ["CAPTURED", "VOIDED", "EXPIRED", "ACTIVE"])
def test_only_an_active_hold_can_be_ended(status: str) -> None:
    # Not the same object as the constant: as it comes from the database.
    refusal = policies.refuse_end("".join(status))

    if status == "ACTIVE":
        assert refusal is None
    else:
        assert isinstance(refusal, errors.HoldNotActive)
        assert refusal.data["holdStatus"] == status


@pytest.mark.parametrize(
    ("there", "wanted", "allowed"), [(4000, 3999, True), (4000, 4000, True), (4000, 4001, False)]
)
def test_no_more_is_captured_or_taken_back_than_there_is(
    there: int, wanted: int, allowed: bool
) -> None:
    captured = policies.refuse_capture(there, wanted, "USD")
    reversed_ = policies.refuse_reversal(there, wanted, "USD")

    assert (captured is None, reversed_ is None) == (allowed, allowed)
    if captured is not None and reversed_ is not None:
        assert isinstance(captured, errors.CaptureTooLarge)
        assert isinstance(reversed_, errors.ReversalTooLarge)
        assert (captured.data["held"], reversed_.data["left"]) == (there, there)


JANUARY_ENDS = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("wanted", "barred", "allowed"),
    [
        (None, None, True),
        (None, JANUARY_ENDS, True),
        (date(2026, 1, 1), None, True),
        (date(2026, 1, 30), JANUARY_ENDS, False),
        (JANUARY_ENDS, JANUARY_ENDS, False),
        (date(2026, 2, 1), JANUARY_ENDS, True),
    ],
)
def test_a_value_date_in_a_closed_month_is_refused(
    wanted: date | None, barred: date | None, allowed: bool
) -> None:
    refusal = policies.refuse_value_date(wanted, barred)

    assert (refusal is None) == allowed
    if refusal is not None:
        assert refusal.data["earliestValueDate"] == "2026-02-01"


@pytest.mark.parametrize(("currency", "allowed"), [("USD", True), ("AUD", False), ("ZAR", False)])
def test_a_wallet_takes_its_own_currency_only(currency: str, allowed: bool) -> None:
    refusal = policies.refuse_currency(wallet(), currency)

    assert (refusal is None) == allowed


@pytest.mark.parametrize(
    ("status", "allowed"), [("ACTIVE", True), ("FROZEN", True), ("CLOSED", False)]
)
def test_what_two_people_approved_reaches_a_frozen_wallet_but_no_closed_one(
    status: str, allowed: bool
) -> None:
    refusal = policies.refuse_change(wallet(status="".join(status)))

    assert (refusal is None) == allowed


@pytest.mark.parametrize(
    ("balance", "held", "allowed"), [(0, 0, True), (1, 0, False), (-1, 0, False), (0, 1, False)]
)
def test_only_an_empty_wallet_is_closed(balance: int, held: int, allowed: bool) -> None:
    refusal = policies.refuse_close(wallet(balance, held))

    assert (refusal is None) == allowed
    if refusal is not None:
        assert (refusal.data["balance"], refusal.data["held"]) == (balance, held)


@pytest.mark.parametrize(
    ("balance", "held", "amount", "lacks"),
    [(100, 0, 100, 0), (100, 0, 130, 30), (100, 40, 100, 40), (0, 0, 50, 50), (-20, 0, 50, 50)],
)
def test_what_is_lacking_is_never_more_than_what_is_asked_for(
    balance: int, held: int, amount: int, lacks: int
) -> None:
    assert policies.shortfall(wallet(balance, held), amount) == lacks
