"""No page of a wallet walks through what belongs to others, however much that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from ledger.models import JournalEntry, Posting
from tests.integration.wallets.admin.pages import address
from tests.people import Company, asks, fund, wallet_of
from wallets.identity import WalletIdentity
from wallets.models import Hold, Payout, Wallet
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.request_payout import request_payout

pytestmark = pytest.mark.full_stack

LIST = reverse("admin:wallets_wallet_changelist")
GROWING = (Wallet, Hold, Payout, Posting, JournalEntry)


def lives(wallet: WalletIdentity) -> None:
    fund(wallet, 10_000)
    place_hold(wallet=wallet, request=asks(10, wallet=wallet), expiry=Expiry())
    request_payout(wallet=wallet, request=asks(10, wallet=wallet), destination={"iban": "x"})


def rows_read(browser: Client, url: str) -> int:
    """Count all reads of rows and indexes that a page takes, scans of whole tables included."""
    with connections["default"].cursor() as cursor:
        before = _reads(cursor)
        assert browser.get(url).status_code == 200
        return _reads(cursor) - before


def _reads(cursor: Any) -> int:
    # SHOW reads a table of its own; that is as much each time, and so is left out of a difference.
    cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
    return sum(int(value) for _, value in cursor.fetchall())


PAGES: list[Callable[[WalletIdentity], str]] = [
    lambda _: f"{LIST}?q=alice",
    lambda _: f"{LIST}?q=alic*",
    lambda wallet: address(wallet),
    lambda wallet: address(wallet, "statement"),
    lambda wallet: f"{address(wallet, 'statement')}?type=DEPOSIT&least=1&since=2020-01-01T00:00",
    lambda wallet: address(wallet, "explain"),
]


def test_a_page_reads_as_much_among_few_wallets_as_among_many(
    carol: Client, client_acme: Company, alice: WalletIdentity
) -> None:
    lives(alice)
    for number in range(10):
        lives(wallet_of(client_acme, f"other-{number}"))
    _analyze()
    few = [rows_read(carol, page(alice)) for page in PAGES]
    for number in range(10, 90):
        lives(wallet_of(client_acme, f"other-{number}"))
    _analyze()
    many = [rows_read(carol, page(alice)) for page in PAGES]
    for page, (before, after) in enumerate(zip(few, many, strict=True)):
        # Audit records and sessions grow by a row a look; eighty wallets would be eighty rows.
        assert after - before < 20, f"page {page}: {before} rows, then {after}"


def _analyze() -> None:
    with connections["default"].cursor() as cursor:
        for model in GROWING:
            cursor.execute(f"ANALYZE TABLE {model._meta.db_table}")
            cursor.fetchall()
