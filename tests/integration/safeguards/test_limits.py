"""Limits on what leaves a wallet, as the spine holds them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from tests.people import Company, asks, balance, books_now, fund, refusals, wallet_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.models import AuditRecord
from wallets import errors, verification
from wallets.identity import WalletIdentity
from wallets.operations import _movement, place_hold
from wallets.operations.deposit import deposit
from wallets.operations.place_hold import Expiry
from wallets.operations.set_limits import set_limits
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import command, withdraw
from wallets.safeguards import limits
from wallets.safeguards.limits import NO_BOUNDS, Bounds, Use
from wallets.safeguards.models import Limit, LimitUse

OPERATOR = Actor("command:test")


@pytest.fixture(autouse=True)
def sound(alice: WalletIdentity) -> object:
    fund(alice, 100_000)
    yield
    assert verification.verify().findings == []


def limit(wallet: WalletIdentity, **numbers: int) -> None:
    set_limits(
        client=wallet.client,
        wallet=wallet.id,
        currency=wallet.currency,
        bounds=Bounds(**numbers),
        by=OPERATOR,
        reason="asked for",
    )


def limit_client(wallet: WalletIdentity, **numbers: int) -> None:
    set_limits(
        client=wallet.client,
        wallet=None,
        currency=wallet.currency,
        bounds=Bounds(**numbers),
        by=OPERATOR,
        reason="asked for",
    )


def take(wallet: WalletIdentity, amount: int, key: str | None = None) -> None:
    withdraw(wallet=wallet, request=asks(amount, wallet=wallet, key=key))


def use_of(wallet: WalletIdentity) -> LimitUse | None:
    return LimitUse.objects.using(PRIMARY).filter(pk=wallet.id).first()


def test_one_movement_takes_no_more_than_its_limit(alice: WalletIdentity) -> None:
    limit(alice, per_operation=500)
    take(alice, 500)
    before = books_now()
    with pytest.raises(errors.LimitExceeded) as raised:
        take(alice, 501)
    assert raised.value.data == {
        "window": "operation",
        "limit": 500,
        "left": 500,
        "currency": "USD",
        "resetAt": None,
    }
    assert books_now() == before


@pytest.mark.parametrize(
    ("numbers", "window"), [({"per_day": 1_000}, "day"), ({"per_month": 1_000}, "month")]
)
def test_a_day_and_a_month_add_up(
    alice: WalletIdentity, numbers: dict[str, int], window: str
) -> None:
    limit(alice, **numbers)
    take(alice, 600)
    take(alice, 400)
    before = books_now()
    with pytest.raises(errors.LimitExceeded) as raised:
        take(alice, 1)
    assert (raised.value.data["window"], raised.value.data["left"]) == (window, 0)
    assert datetime.fromisoformat(str(raised.value.data["resetAt"])) > datetime.now(UTC)
    assert books_now() == before


def test_how_often_is_counted_too(alice: WalletIdentity) -> None:
    limit(alice, count_per_day=2)
    take(alice, 1)
    take(alice, 1)
    with pytest.raises(errors.LimitExceeded) as raised:
        take(alice, 1)
    assert (raised.value.data["window"], raised.value.data["limit"]) == ("count", 2)
    assert "currency" not in raised.value.data


def test_a_refusal_is_final_for_its_key_and_told_again(alice: WalletIdentity) -> None:
    limit(alice, per_day=100)
    for _ in range(2):
        with pytest.raises(errors.LimitExceeded):
            take(alice, 101, key="once")
    assert refusals() == ["limit_exceeded"]
    limit(alice, per_day=1_000)
    with pytest.raises(errors.LimitExceeded):
        take(alice, 101, key="once")
    take(alice, 101, key="another")


def test_a_repeat_is_not_counted_twice(alice: WalletIdentity) -> None:
    limit(alice, per_day=100)
    for _ in range(3):
        take(alice, 60, key="once")
    assert balance(alice) == 100_000 - 60
    assert getattr(use_of(alice), "day_amount", None) == 60


def test_transfers_out_and_holds_count_and_what_comes_in_does_not(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    limit(alice, per_day=1_000)
    limit(bob, per_day=1)
    transfer(source=alice, destination=bob, request=asks(400, wallet=alice))
    place_hold.place_hold(wallet=alice, request=asks(500, wallet=alice), expiry=Expiry())
    deposit(wallet=alice, request=asks(5_000, wallet=alice))
    with pytest.raises(errors.LimitExceeded):
        take(alice, 101)
    take(alice, 100)
    assert balance(bob) == 400


def test_a_wallets_own_limit_goes_before_the_clients_default(
    alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    fund(bob, 1_000)
    fund(charlie, 1_000)
    limit_client(alice, per_operation=10, count_per_day=2)
    limit(bob, per_operation=100)
    with pytest.raises(errors.LimitExceeded):
        take(alice, 11)
    take(bob, 100)
    take(bob, 100)
    with pytest.raises(errors.LimitExceeded):  # the default still says how often
        take(bob, 1)
    take(charlie, 1_000)  # of another client


def test_limits_that_are_taken_away_hold_no_more(alice: WalletIdentity) -> None:
    limit(alice, per_operation=10)
    limit(alice)
    assert not Limit.objects.exists()
    take(alice, 10_000)


def test_commands_of_one_list_count_together(alice: WalletIdentity) -> None:
    limit(alice, per_day=100)
    commands = [command(wallet=alice, request=asks(40, wallet=alice)) for _ in range(4)]
    codes = [outcome.error and outcome.error.code for outcome in _movement.execute(commands)]
    assert codes == [None, None, "limit_exceeded", "limit_exceeded"]
    assert balance(alice) == 100_000 - 80


def test_a_linked_list_that_breaks_a_limit_uses_nothing_of_it(alice: WalletIdentity) -> None:
    limit(alice, per_day=100)
    commands = [command(wallet=alice, request=asks(60, wallet=alice)) for _ in range(2)]
    before = books_now()
    outcomes = _movement.execute(commands, linked=True)
    assert {outcome.error and outcome.error.code for outcome in outcomes} == {"limit_exceeded"}
    assert books_now() == before
    take(alice, 100)


def test_many_at_once_never_take_more_than_the_limit(alice: WalletIdentity) -> None:
    limit(alice, per_day=500)

    def one(_: int) -> str:
        try:
            take(alice, 100)
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(one, range(16))) == {"ok": 5, "limit_exceeded": 11}
    assert balance(alice) == 100_000 - 500


def test_a_new_day_begins_with_the_whole_limit(alice: WalletIdentity) -> None:
    limit(alice, per_day=100)
    take(alice, 100)
    LimitUse.objects.using(PRIMARY).update(day=datetime.now(UTC).date() - timedelta(days=1))
    take(alice, 100)
    with pytest.raises(errors.LimitExceeded):
        take(alice, 1)


def test_a_wallet_without_limits_leaves_no_trace(alice: WalletIdentity) -> None:
    take(alice, 100)
    assert use_of(alice) is None


def test_they_are_set_by_a_command_and_noted(alice: WalletIdentity) -> None:
    out = StringIO()
    call_command(
        "set_limits", str(alice.id), "--per-day", "10.00", "--reason", "ticket 7", stdout=out
    )
    assert Limit.objects.get().per_day == 1_000
    noted = AuditRecord.objects.get(action="limits.set")
    assert (noted.subject, noted.reason) == (str(alice.id), "ticket 7")
    with pytest.raises(CommandError, match="decimals"):
        call_command("set_limits", str(alice.id), "--per-day", "10.001", "--reason", "x")
    assert Limit.objects.get().per_day == 1_000


class TestRules:
    """The pure rules."""

    amounts = st.integers(1, 1_000)

    @given(st.lists(amounts, max_size=30), st.integers(0, 5_000), st.integers(0, 20))
    def test_what_is_let_through_never_adds_up_to_more(
        self, asked: list[int], per_day: int, count: int
    ) -> None:
        bounds = Bounds(per_day=per_day, count_per_day=count)
        use = Use(date(2026, 1, 31))
        taken = []
        for amount in asked:
            if limits.refuse(bounds, use, amount, "USD") is None:
                taken.append(amount)
                use = use.plus(amount)
            else:
                assert sum(taken) + amount > per_day or len(taken) == count
        assert sum(taken) <= per_day
        assert len(taken) <= count

    @given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-40, 40))
    def test_windows_open_anew_with_the_clock_and_never_by_setting_it_back(
        self, day: date, later: int
    ) -> None:
        use = Use(day, 5, 1, 50)
        today = day + timedelta(days=later)
        now = use.on(today)
        assert now.day == max(day, today)
        assert now.day_amount == (5 if later <= 0 else 0)
        same_month = (today.year, today.month) == (day.year, day.month)
        assert now.month_amount == (50 if later <= 0 or same_month else 0)
        assert now.day < now.day_ends.date() <= now.month_ends.date()

    def test_a_default_is_nobodys_wallet(self) -> None:
        assert limits.default_scope(1, "USD") != limits.default_scope(1, "EUR")
        assert limits.default_scope(1, "USD") != limits.default_scope(2, "USD")
        assert NO_BOUNDS.over(Bounds(per_day=1)) == Bounds(per_day=1)


def test_another_currencys_default_is_another(alice: WalletIdentity, client_acme: Company) -> None:
    euros = wallet_of(client_acme, "euros", currency="EUR")
    fund(euros, 1_000)
    limit_client(alice, per_operation=10)
    take(euros, 1_000)
