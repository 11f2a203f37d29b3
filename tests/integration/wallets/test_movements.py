"""Deposits, withdrawals and transfers of Alice and Bob."""

from __future__ import annotations

import pytest

from tests.people import Company, asks, balance, books_now, fund, refusals, wallet_of
from wallet_project.kit.money import LARGEST_MINOR
from wallets import errors, queries
from wallets.identity import WalletIdentity
from wallets.models import Wallet, WalletStatus
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw


class TestDeposit:
    def test_raises_the_balance_and_tells_what_was_done(self, alice: WalletIdentity) -> None:
        made = deposit(wallet=alice, request=asks(1234, wallet=alice, reference="pay-1"))

        assert (made.amount, made.balance, made.version) == (1234, 1234, 2)
        assert (made.wallet_id, made.destination_wallet_id) == (alice.id, None)
        assert balance(alice) == 1234

    def test_refuses_a_balance_beyond_what_the_books_hold(self, alice: WalletIdentity) -> None:
        fund(alice, LARGEST_MINOR)
        before = books_now()

        with pytest.raises(errors.BalanceTooLarge):
            deposit(wallet=alice, request=asks(1, wallet=alice))

        assert books_now() == before

    def test_keeps_the_callers_notes_in_the_books(self, alice: WalletIdentity) -> None:
        made = deposit(
            wallet=alice,
            request=asks(5, wallet=alice, description="Ünïcode ✓", metadata={"order": 7}),
        )

        entry = queries.transaction(alice.client, made.transaction_id)
        assert entry is not None
        assert (entry.description, entry.metadata) == ("Ünïcode ✓", {"order": 7})

    def test_takes_money_of_each_rail_from_its_own_house_account(
        self, alice: WalletIdentity
    ) -> None:
        made = deposit(wallet=alice, request=asks(5, wallet=alice, channel="sepa"))

        entry = queries.transaction(alice.client, made.transaction_id)
        assert entry is not None
        assert [line.account for line in entry.lines] == [None, "acme:external:sepa:USD"]

    def test_refuses_a_rail_beyond_the_sixty_fourth(self, alice: WalletIdentity) -> None:
        for number in range(64):
            deposit(wallet=alice, request=asks(1, wallet=alice, channel=f"rail-{number}"))
        before = books_now()

        with pytest.raises(errors.TooManyChannels):
            deposit(wallet=alice, request=asks(1, wallet=alice, channel="one-too-many"))

        assert books_now() == before
        deposit(wallet=alice, request=asks(1, wallet=alice, channel="rail-0"))

    def test_the_default_rail_and_other_currencies_are_never_crowded_out(
        self, client_acme: Company, alice: WalletIdentity
    ) -> None:
        for number in range(64):
            deposit(wallet=alice, request=asks(1, wallet=alice, channel=f"rail-{number}"))
        yen = wallet_of(client_acme, "yen", currency="JPY")

        fund(alice, 1)
        deposit(wallet=yen, request=asks(1, wallet=yen, channel="rail-0"))

        assert (balance(alice), balance(yen)) == (65, 1)


class TestWithdraw:
    def test_lowers_the_balance(self, alice: WalletIdentity) -> None:
        fund(alice, 1000)

        made = withdraw(wallet=alice, request=asks(400, wallet=alice))

        assert (made.amount, made.balance) == (400, 600)
        assert balance(alice) == 600

    def test_refuses_more_than_is_available_and_says_by_how_much(
        self, alice: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        before = books_now()

        with pytest.raises(errors.InsufficientFunds) as refusal:
            withdraw(wallet=alice, request=asks(1001, wallet=alice))

        assert refusal.value.data["shortfall"] == 1
        assert refusal.value.data["available"] == 1000
        assert books_now() == before

    def test_may_take_everything(self, alice: WalletIdentity) -> None:
        fund(alice, 1000)

        assert withdraw(wallet=alice, request=asks(1000, wallet=alice)).balance == 0

    def test_may_use_the_overdraft_and_not_more(self, alice: WalletIdentity) -> None:
        Wallet.objects.filter(pk=alice.id).update(overdraft_limit=500)

        assert withdraw(wallet=alice, request=asks(500, wallet=alice)).balance == -500
        with pytest.raises(errors.InsufficientFunds):
            withdraw(wallet=alice, request=asks(1, wallet=alice))

    def test_leaves_held_money_alone(self, alice: WalletIdentity) -> None:
        fund(alice, 1000)
        Wallet.objects.filter(pk=alice.id).update(held=700)

        with pytest.raises(errors.InsufficientFunds) as refusal:
            withdraw(wallet=alice, request=asks(301, wallet=alice))

        assert refusal.value.data["available"] == 300
        assert withdraw(wallet=alice, request=asks(300, wallet=alice)).balance == 700


class TestTransfer:
    def test_moves_money_in_one_entry(self, alice: WalletIdentity, bob: WalletIdentity) -> None:
        fund(alice, 1000)

        made = transfer(source=alice, destination=bob, request=asks(250, wallet=alice))

        assert (made.balance, made.destination_wallet_id) == (750, bob.id)
        assert (balance(alice), balance(bob)) == (750, 250)
        entry = queries.transaction(alice.client, made.transaction_id)
        assert entry is not None
        assert [(line.wallet_id, line.is_credit) for line in entry.lines] == [
            (alice.id, False),
            (bob.id, True),
        ]

    def test_to_itself_is_refused(self, alice: WalletIdentity) -> None:
        fund(alice, 1000)
        before = books_now()

        with pytest.raises(errors.SameWallet):
            transfer(source=alice, destination=alice, request=asks(1, wallet=alice))

        assert books_now() == before

    def test_between_currencies_is_refused(
        self, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        yen = wallet_of(client_acme, "yen", currency="JPY")
        before = books_now()

        with pytest.raises(errors.CurrencyMismatch):
            transfer(source=alice, destination=yen, request=asks(1, wallet=alice))

        assert books_now() == before

    def test_to_another_clients_wallet_finds_nothing_there(
        self, alice: WalletIdentity, charlie: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        before = books_now()

        with pytest.raises(errors.DestinationNotFound):
            transfer(source=alice, destination=charlie, request=asks(1, wallet=alice))

        assert books_now() == before
        assert balance(charlie) == 0


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(WalletStatus.FROZEN, errors.WalletFrozen), (WalletStatus.CLOSED, errors.WalletClosed)],
)
def test_a_wallet_that_is_not_active_takes_no_movement(
    alice: WalletIdentity, bob: WalletIdentity, status: str, refusal: type[Exception]
) -> None:
    fund(alice, 100)
    fund(bob, 100)
    Wallet.objects.filter(pk=bob.id).update(status=status)
    before = books_now()

    with pytest.raises(refusal):
        deposit(wallet=bob, request=asks(1, wallet=bob))
    with pytest.raises(refusal):
        withdraw(wallet=bob, request=asks(1, wallet=bob))
    with pytest.raises(refusal):
        transfer(source=alice, destination=bob, request=asks(1, wallet=alice))
    with pytest.raises(refusal):
        transfer(source=bob, destination=alice, request=asks(1, wallet=bob))

    assert books_now() == before
    assert len(refusals()) == 4


def test_times_of_a_wallets_postings_rise_even_when_the_clock_does_not(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1000)
    last = Wallet.objects.get(pk=alice.id).last_posted_at
    assert last is not None
    ahead = last.replace(microsecond=999_998)
    Wallet.objects.filter(pk=alice.id).update(last_posted_at=ahead)

    first = transfer(source=alice, destination=bob, request=asks(1, wallet=alice))
    second = transfer(source=bob, destination=alice, request=asks(1, wallet=bob))

    assert ahead < first.created_at < second.created_at


def test_posts_nothing_when_the_books_lie_far_ahead_of_the_primarys_clock(
    alice: WalletIdentity,
) -> None:
    from datetime import timedelta

    fund(alice, 1000)
    ahead = queries.primary_clock() + timedelta(seconds=30)
    Wallet.objects.filter(pk=alice.id).update(last_posted_at=ahead)
    before = books_now()

    with pytest.raises(errors.ClockAhead):
        withdraw(wallet=alice, request=asks(1, wallet=alice, key="again"))
    assert books_now() == before

    Wallet.objects.filter(pk=alice.id).update(last_posted_at=queries.primary_clock())
    assert withdraw(wallet=alice, request=asks(1, wallet=alice, key="again")).balance == 999
