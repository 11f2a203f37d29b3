"""No page of the books makes MySQL walk through postings or entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from ledger.models import Account, JournalEntry, NormalSide, Posting
from ledger.rolling import roll_up
from tests import databases, staff
from tests.filling import NOON, fill
from tests.people import Company, fund
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallet_project.kit.time_limit import TooSlow, limited
from wallets.identity import WalletIdentity

pytestmark = pytest.mark.full_stack

BOOKS = ("ledger_posting", "ledger_journalentry")
WALLETS, ENTRIES = 40, 1_500
A_PAGE = 60


@pytest.fixture
def root(client_acme: Company, alice: WalletIdentity) -> Client:
    """A superuser before books of three thousand postings, all but a few of them rolled up."""
    fund(alice, 100)
    rail = Account.objects.get(normal_side=NormalSide.DEBIT)
    (first,) = JournalEntry.objects.all()
    like = {field.attname: getattr(first, field.attname) for field in first._meta.fields}
    wallets = fill(Account, WALLETS, client=client_acme.id)
    entries, postings = [], []
    for number in range(ENTRIES):
        key, moment = uuid7(), NOON + timedelta(minutes=number)
        new = {"id": key, "idempotency_key": key.bytes * 2, "posted_at": moment}
        entry = JournalEntry(**like | new)
        wallet, sequence = wallets[number % WALLETS], number // WALLETS + 1
        entries.append(entry)
        postings.append(Posting(entry=entry, account=rail, amount=-5, posted_at=moment))
        postings.append(
            Posting(
                entry=entry, account=wallet, amount=5, balance_after=5 * sequence,
                sequence=sequence, version=sequence + 1, posted_at=moment,
            )
        )  # fmt: skip
    JournalEntry.objects.bulk_create(entries)
    Posting.objects.bulk_create(postings)
    newest = Posting.objects.latest("pk").pk
    roll_up(upto=newest - 10)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("ANALYZE TABLE ledger_posting, ledger_journalentry, ledger_account")
        cursor.fetchall()
    return staff.superuser()


@contextmanager
def plans() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Collect how each read of the books is carried out: its text and each step on a table."""
    found: list[tuple[str, dict[str, Any]]] = []

    def explain(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if sql.lstrip("( ").startswith("SELECT") and any(table in sql for table in BOOKS):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params or None)
                names = [column[0] for column in cursor.description]
                found.extend((sql, dict(zip(names, row, strict=True))) for row in cursor)
        return execute(sql, params, many, context)

    with connections[PRIMARY].execute_wrapper(explain):
        yield found


def pages() -> dict[str, str]:
    rail = Account.objects.get(code__endswith=":external:default:USD")
    wallet = Account.objects.filter(client=rail.client).exclude(pk=rail.pk)[1]
    entry = JournalEntry.objects.order_by("pk")[700]
    posting = Posting.objects.filter(account=rail).order_by("pk")[700]
    entries, postings, accounts = (
        reverse(f"admin:ledger_{name}_changelist")
        for name in ("journalentry", "posting", "account")
    )
    rail_page = reverse("admin:ledger_account_change", args=[rail.pk])
    balance = reverse("admin:ledger_account_trial_balance")
    return {
        "entries": entries,
        "entries, deep": f"{entries}?after={entry.pk}",
        "entry by id": f"{entries}?q={entry.pk}",
        "entry by key": f"{entries}?q={bytes(entry.idempotency_key).hex()}",
        "postings": postings,
        "postings, deep": f"{postings}?after={posting.pk}",
        "posting by id": f"{postings}?q={posting.pk}",
        "postings by entry": f"{postings}?q={entry.pk}",
        "entry": reverse("admin:ledger_journalentry_change", args=[entry.pk]),
        "posting": reverse("admin:ledger_posting_change", args=[posting.pk]),
        "account by code": f"{accounts}?q={rail.code}",
        "wallet's account": reverse("admin:ledger_account_change", args=[wallet.pk]),
        "rail": rail_page,
        "rail, deep": f"{rail_page}?after={posting.posted_at.isoformat()},{posting.pk}".replace(
            "+", "%2B"
        ),
        "rail, a day": f"{rail_page}?day={NOON.date()}",
        "tree": reverse("admin:ledger_account_tree"),
        "trial balance": balance,
        "trial balance of one": f"{balance}?client={rail.client}",
        "trial balance, then": f"{balance}?at={NOON:%Y-%m-%dT%H:%M}",
        "trial balance of one, then": f"{balance}?client={rail.client}&at={NOON:%Y-%m-%dT%H:%M}",
    }


def test_no_page_walks_through_postings_or_entries(root: Client) -> None:
    wrong = []
    for name, url in pages().items():
        with plans() as found:
            assert root.get(url).status_code == 200, name
        assert found or "account by" in name, f"{name} read no books"
        for _, step in found:
            if step["table"] not in BOOKS:
                continue
            walks = step["type"] == "ALL" or (
                step["type"] == "index" and int(step["rows"]) > A_PAGE
            )
            sorts = "filesort" in (step["Extra"] or "") and int(step["rows"]) > A_PAGE
            if walks or sorts:
                wrong.append((name, step["type"], step["key"], step["rows"], step["Extra"]))
    assert not wrong, wrong


def test_a_read_that_takes_too_long_is_given_up_and_the_next_one_is_not(database: None) -> None:
    slow = "SELECT COUNT(*) FROM {0} a, {0} b, {0} c, {0} d".format("information_schema.columns")
    with pytest.raises(TooSlow), limited(seconds=1), connections[PRIMARY].cursor() as cursor:
        cursor.execute(slow)

    with connections[PRIMARY].cursor() as cursor:
        limit = "max_statement_time" if databases.is_mariadb() else "max_execution_time"
        cursor.execute(f"SELECT @@session.{limit}")
        assert cursor.fetchone() == (0,)
