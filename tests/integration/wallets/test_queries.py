"""What a wallet was worth, then and now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.people import asks, fund
from wallets import errors, queries
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw


class TestBalanceAt:
    def test_tells_the_balance_after_each_posting_inclusively(
        self, alice: WalletIdentity, bob: WalletIdentity
    ) -> None:
        """Incoming transfers count, too: peers have been seen to forget them."""
        first = deposit(wallet=alice, request=asks(1000, wallet=alice))
        second = transfer(source=alice, destination=bob, request=asks(300, wallet=alice))
        third = transfer(source=bob, destination=alice, request=asks(50, wallet=bob))

        at = {
            record.transaction_id: queries.balance_at(alice, record.created_at)
            for record in (first, second, third)
        }

        assert [past.balance for past in at.values()] == [1000, 700, 750]
        assert [past.posting_sequence for past in at.values()] == [1, 2, 3]
        assert [past.transaction_id for past in at.values()] == list(at)

    def test_is_the_balance_before_a_posting_one_microsecond_earlier(
        self, alice: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        second = deposit(wallet=alice, request=asks(1, wallet=alice))

        just_before = second.created_at - timedelta(microseconds=1)

        assert queries.balance_at(alice, just_before).balance == 1000

    def test_is_zero_before_the_wallet_was_made(self, alice: WalletIdentity) -> None:
        past = queries.balance_at(alice, datetime(2020, 1, 1, tzinfo=UTC))

        assert (past.balance, past.posting_sequence, past.transaction_id) == (0, 0, None)
        assert past.final

    def test_is_final_once_a_later_posting_is_visible(self, alice: WalletIdentity) -> None:
        first = deposit(wallet=alice, request=asks(1, wallet=alice))
        assert not queries.balance_at(alice, first.created_at).final

        fund(alice, 1)

        assert queries.balance_at(alice, first.created_at).final

    def test_the_future_is_refused(self, alice: WalletIdentity) -> None:
        with pytest.raises(errors.TimestampInFuture):
            queries.balance_at(alice, queries.primary_clock() + timedelta(seconds=5))


class TestHistory:
    def test_lists_movements_newest_first_as_seen_from_the_wallet(
        self, alice: WalletIdentity, bob: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        withdraw(wallet=alice, request=asks(100, wallet=alice))
        transfer(source=alice, destination=bob, request=asks(200, wallet=alice))
        transfer(source=bob, destination=alice, request=asks(50, wallet=bob))

        items = queries.history(alice, before_sequence=None, limit=10).items

        assert [(i.type, i.amount, i.is_credit, i.balance, i.posting_sequence) for i in items] == [
            ("TRANSFER_IN", 50, True, 750, 4),
            ("TRANSFER_OUT", 200, False, 700, 3),
            ("WITHDRAWAL", 100, False, 900, 2),
            ("DEPOSIT", 1000, True, 1000, 1),
        ]
        assert [i.counterparty_wallet_id for i in items] == [bob.id, bob.id, None, None]

    def test_pages_without_a_gap_or_a_repeat(self, alice: WalletIdentity) -> None:
        for amount in range(1, 8):
            fund(alice, amount)

        seen: list[int] = []
        before = None
        while page := queries.history(alice, before_sequence=before, limit=3).items:
            seen += [item.amount for item in page]
            before = page[-1].posting_sequence

        assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_page_of_wallets_is_newest_first_and_the_clients_own(
    alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity
) -> None:
    page = queries.wallets_page(alice.client, user_id=None, before=None, limit=10)
    mine = queries.wallets_page(alice.client, user_id="user-alice", before=None, limit=10)
    rest = queries.wallets_page(alice.client, user_id=None, before=bob.id, limit=10)

    assert [view.id for view in page.items] == [bob.id, alice.id]
    assert [view.id for view in mine.items] == [alice.id]
    assert [view.id for view in rest.items] == [alice.id]


def test_another_clients_transaction_does_not_exist(
    alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    made = deposit(wallet=alice, request=asks(1, wallet=alice))

    assert queries.transaction(charlie.client, made.transaction_id) is None
    assert queries.transaction(alice.client, made.transaction_id) is not None
