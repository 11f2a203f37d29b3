"""Statements that travel together: in order, checked one by one, all of them or none."""

from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError, connections, transaction
from django.test.utils import CaptureQueriesContext

from tests.people import Company, asks, balance, books_now, fund, wallet_of
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.one_trip import change, one_trip
from wallets.identity import WalletIdentity
from wallets.models import Client
from wallets.operations import _movement, deposit


class Wrong(Exception):
    """Other rows matched than were expected."""


def _expect(wanted: int, matched: int) -> None:
    if matched != wanted:
        raise Wrong


def _names() -> list[str]:
    return sorted(Client.objects.using(PRIMARY).values_list("name", flat=True))


def _rename(company: Company, name: str, *, matching: int = 1) -> None:
    change(
        "UPDATE wallets_client SET name = %s WHERE id = %s",
        [name, company.id],
        check=lambda matched: _expect(matching, matched),
    )


def test_they_run_in_order_at_the_end(client_acme: Company, client_globex: Company) -> None:
    with transaction.atomic(using=PRIMARY), one_trip():
        _rename(client_acme, "x")
        _rename(client_globex, "acme")  # free only because the other was renamed before
        _rename(client_acme, "100 % new; SELECT 'x'")
    assert _names() == ["100 % new; SELECT 'x'", "acme"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_too_few_anywhere_undoes_all(
    client_acme: Company, client_globex: Company, place: int
) -> None:
    with pytest.raises(Wrong), transaction.atomic(using=PRIMARY), one_trip():
        for number in range(3):
            _rename(client_acme, f"name {number}", matching=2 if number == place else 1)
    assert _names() == ["acme", "globex"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_failure_anywhere_is_told_as_itself_and_undoes_all(
    client_acme: Company, client_globex: Company, place: int
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(using=PRIMARY), one_trip():
        for number in range(3):
            _rename(client_acme, "globex" if number == place else f"name {number}")
    assert _names() == ["acme", "globex"]


def test_a_block_that_fails_sends_nothing(client_acme: Company) -> None:
    with pytest.raises(LookupError), transaction.atomic(using=PRIMARY), one_trip():
        _rename(client_acme, "x")
        raise LookupError
    _rename(client_acme, "at once")  # outside of a trip nothing is kept back
    assert _names() == ["at once"]


@pytest.mark.full_stack
def test_a_movement_takes_five_trips(alice: WalletIdentity, client_acme: Company) -> None:
    """BEGIN with the locks, two look-ups of keys, everything that is written, COMMIT."""
    fund(alice, 100)
    bob = wallet_of(client_acme, "bob")
    command = deposit.command(wallet=bob, request=asks(5, wallet=bob))
    with CaptureQueriesContext(connections[PRIMARY]) as sent:
        _movement.execute([command])
    verbs = [one["sql"].split()[0] for one in sent.captured_queries]
    assert verbs == ["BEGIN;", "SELECT", "SELECT", "UPDATE", "COMMIT"]
    assert balance(bob) == 5


@pytest.mark.full_stack
def test_a_transaction_without_a_statement_never_begins(client_acme: Company) -> None:
    before = books_now()
    with transaction.atomic(using=PRIMARY):
        pass
    with pytest.raises(LookupError), transaction.atomic(using=PRIMARY):
        raise LookupError
    with pytest.raises(DataError), transaction.atomic(using=PRIMARY):
        _rename(client_acme, "x" * 5_000)  # the first statement of all, sent together with BEGIN
    assert books_now() == before
    assert _names() == ["acme"]
