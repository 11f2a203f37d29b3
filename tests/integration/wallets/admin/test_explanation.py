"""Why a wallet has the balance that it has, and what does not fit when somebody has meddled."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client

from ledger.models import BalanceSnapshot, Posting
from tests import databases
from tests.integration.wallets.admin.pages import address, queries, text
from tests.integration.wallets.test_guards import trigger_gone
from tests.people import asks, fund
from wallets import explanation
from wallets.admin import pages
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.withdraw import withdraw

AGREES = "The balance agrees with the books"
DIFFERS = "The balance does not agree with the books."


def explained(browser: Client, wallet: WalletIdentity, **asked: Any) -> str:
    return text(browser, f"{address(wallet, 'explain')}?{urlencode(asked)}")


def meddle(statement: str, *params: Any) -> None:
    """Change the database behind the service's back, as its owner."""
    with connections[databases.owner()].cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture
def four(alice: WalletIdentity) -> WalletIdentity:
    """Alice's wallet after four movements: 10.00, 30.00, 25.00, 65.00 USD."""
    fund(alice, 1_000)
    fund(alice, 2_000)
    withdraw(wallet=alice, request=asks(500, wallet=alice))
    fund(alice, 4_000)
    return alice


def test_opening_postings_and_holds_make_what_is_available(
    carol: Client, four: WalletIdentity
) -> None:
    place_hold(wallet=four, request=asks(1_500, wallet=four), expiry=Expiry())
    page = explained(carol, four)
    assert AGREES in page
    assert "It starts from nothing, before the first posting." in page
    assert (
        "Opening balance 0.00 USD Credits since +70.00 USD Debits since -5.00 USD "
        "The postings make 65.00 USD The wallet says 65.00 USD"
    ) in page
    assert "Balance 65.00 USD Held by active holds -15.00 USD" in page
    assert "Overdraft limit 0.00 USD Available 50.00 USD" in page
    assert "-5.00 USD 25.00 USD 25.00 USD" in page
    assert "Active holds (1)" in page


def test_a_hold_whose_time_has_passed_is_free_and_said_to_be(
    carol: Client, four: WalletIdentity
) -> None:
    expiry = Expiry(after=timedelta(seconds=0.2))
    place_hold(wallet=four, request=asks(1_500, wallet=four), expiry=expiry)
    time.sleep(0.3)
    page = explained(carol, four)
    assert AGREES in page
    assert "15.00 USD more is in holds whose time has passed" in page
    assert "Available 65.00 USD" in page


def test_it_can_start_later(carol: Client, four: WalletIdentity) -> None:
    third = Posting.objects.get(account_id=four.id, sequence=3).posted_at
    page = explained(carol, four, since=third.replace(tzinfo=None).isoformat())
    assert AGREES in page
    assert "It starts from the balance after posting 2, as that posting has it." in page
    assert "Opening balance 30.00 USD Credits since +40.00 USD Debits since -5.00 USD" in page
    assert "Postings 3 to 4 of 4" in page


def test_it_starts_from_what_was_written_down(carol: Client, four: WalletIdentity) -> None:
    third = Posting.objects.get(account_id=four.id, sequence=3)
    BalanceSnapshot.objects.create(
        account_id=four.id,
        client=four.client,
        currency="USD",
        is_house=False,
        upto=third.pk,
        sequence=3,
        balance=2_500,
        made_at=third.posted_at,
    )
    page = explained(carol, four)
    assert AGREES in page
    assert "Opening balance 25.00 USD Credits since +40.00 USD" in page
    assert "Postings 4 to 4 of 4" in page
    BalanceSnapshot.objects.update(balance=2_501)
    assert DIFFERS in explained(carol, four)


def test_a_long_history_is_explained_from_a_later_posting(
    carol: Client, four: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanation, "POSTINGS_MAX", 2)
    page = explained(carol, four)
    assert AGREES in page
    assert "after posting 2, as that posting has it. There are more than 2 postings" in page
    assert "Opening balance 30.00 USD" in page


def test_the_sums_are_of_the_whole_on_every_page(
    carol: Client, four: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "STEPS", 3)
    first, second = explained(carol, four), explained(carol, four, after=3)
    assert "Postings 1 to 3 of 4" in first
    assert "Later postings" in first
    assert "Postings 4 to 4 of 4" in second
    assert "Later postings" not in second
    for page in (first, second):
        assert "The postings make 65.00 USD The wallet says 65.00 USD" in page


def test_a_balance_that_was_changed_is_red(carol: Client, four: WalletIdentity) -> None:
    Wallet.objects.filter(pk=four.id).update(balance=7_000)
    page = explained(carol, four)
    assert DIFFERS in page
    assert AGREES not in page
    assert (
        "The wallet says 70.00 USD, the postings make 65.00 USD: the wallet has 5.00 USD too much."
    ) in page
    Wallet.objects.filter(pk=four.id).update(balance=6_400)
    assert "the wallet has 1.00 USD too little." in explained(carol, four)


def test_what_is_held_without_a_hold_is_red(carol: Client, four: WalletIdentity) -> None:
    Wallet.objects.filter(pk=four.id).update(held=100)
    page = explained(carol, four)
    assert DIFFERS in page
    assert "The wallet says that 1.00 USD is held, its active holds make 0.00 USD." in page


def test_a_posting_that_was_changed_is_named(carol: Client, four: WalletIdentity) -> None:
    with trigger_gone(Posting._meta.db_table, "UPDATE"):
        meddle(
            "UPDATE ledger_posting SET amount = 2001 WHERE account_id = %s AND sequence = 2",
            four.id.bytes,
        )
    page = explained(carol, four)
    assert DIFFERS in page
    assert (
        "The chain breaks at posting 2: it says that the balance was 30.00 USD after it, "
        "the postings up to it make 30.01 USD."
    ) in page
    assert "the wallet has 0.01 USD too little." in page


def test_a_posting_that_was_taken_away_is_missed(
    carol: Client, four: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trigger_gone(Posting._meta.db_table, "DELETE"):
        meddle("DELETE FROM ledger_posting WHERE account_id = %s AND sequence = 3", four.id.bytes)
    assert "The chain breaks at posting 3: it is missing." in explained(carol, four)
    monkeypatch.setattr(pages, "STEPS", 2)
    assert 'href="?after=2"' in carol.get(address(four, "explain")).content.decode()
    with trigger_gone(Posting._meta.db_table, "DELETE"):
        meddle("DELETE FROM ledger_posting WHERE account_id = %s AND sequence = 4", four.id.bytes)
    page = explained(carol, four)
    assert "The chain breaks at posting 3: it is missing." in page
    assert "the postings make 30.00 USD: the wallet has 35.00 USD too much." in page


def test_an_empty_wallet_agrees_with_empty_books(carol: Client, alice: WalletIdentity) -> None:
    page = explained(carol, alice)
    assert AGREES in page
    assert "Nothing was posted since." in page
    assert "Nothing is set aside." in page


def test_it_costs_the_same_for_one_posting_and_for_fifty(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 100)
    place_hold(wallet=alice, request=asks(1, wallet=alice), expiry=Expiry())
    few = queries(carol, address(alice, "explain"))
    for _ in range(50):
        fund(alice, 100)
        place_hold(wallet=alice, request=asks(1, wallet=alice), expiry=Expiry())
    assert queries(carol, address(alice, "explain")) == few
