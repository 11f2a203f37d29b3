"""One page shows an entry, its postings, and where each of its links leads."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from events.models import OutboxEvent
from ledger.models import JournalEntry, Posting
from tests import staff
from tests.integration.ledger.admin.pages import queries_of, source_of
from tests.people import asks, fund
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallets.identity import WalletIdentity
from wallets.operations.reverse_transaction import identify, reverse_transaction
from wallets.operations.transfer import transfer

LIST = "admin:ledger_journalentry_changelist"
PAGE = "admin:ledger_journalentry_change"


def pay(alice: WalletIdentity, bob: WalletIdentity, amount: int) -> JournalEntry:
    transfer(source=alice, destination=bob, request=asks(amount, wallet=alice))
    return JournalEntry.objects.get(kind="transfer")


def entry_like(entry: JournalEntry, **changes: object) -> JournalEntry:
    """Write an entry as a reversal would, of which the business has none yet."""
    values = {field.attname: getattr(entry, field.attname) for field in entry._meta.fields}
    fresh = uuid7()
    made = values | {"id": fresh, "idempotency_key": fresh.bytes * 2, "posted_at": now()}
    return JournalEntry.objects.create(**made | changes)


def test_an_entry_shows_its_postings_and_that_they_sum_to_zero(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1000)
    entry = pay(alice, bob, 250)

    text = source_of(carol.get(reverse(PAGE, args=[entry.pk])))

    space = "\N{NO-BREAK SPACE}"
    assert f"-2.50{space}USD" in text
    assert f"+2.50{space}USD" in text
    assert f"7.50{space}USD" in text, "Alice's balance after it"
    assert f"0.00{space}USD" in text
    assert "balances" in text
    assert "does not balance" not in text
    assert f"{entry.posted_at:%Y-%m-%d %H:%M:%S.%f} UTC" in text


def test_an_entry_that_does_not_balance_is_said_in_red(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 1000)
    entry = JournalEntry.objects.get()
    line = Posting.objects.order_by("pk").first()
    assert line is not None
    Posting.objects.create(entry=entry, account=line.account, amount=-3, posted_at=now())

    text = source_of(carol.get(reverse(PAGE, args=[entry.pk])))

    assert "does not balance" in text
    assert "-0.03\N{NO-BREAK SPACE}USD" in text


def test_a_transfer_leads_to_both_wallets_and_to_the_event_of_each(
    alice: WalletIdentity, bob: WalletIdentity
) -> None:
    root = staff.superuser()
    fund(alice, 1000)
    entry = pay(alice, bob, 250)

    text = source_of(root.get(reverse(PAGE, args=[entry.pk])))

    for wallet, told in ((alice, "wallet.transfer_sent.v1"), (bob, "wallet.transfer_received.v1")):
        at_wallet = reverse("admin:wallets_wallet_change", args=[wallet.id])
        assert f'href="{at_wallet}"' in text
        assert root.get(at_wallet).status_code == 200
        found = re.search(rf'href="([^"]*stream={wallet.id}[^"]*)"', text)
        assert found is not None
        shown = source_of(root.get(found.group(1).replace("&amp;", "&")))
        event = OutboxEvent.objects.get(stream=wallet.id, entry=entry.pk)
        assert told in shown
        assert shown.count(reverse("admin:events_outboxevent_change", args=[event.pk])) >= 1
        others = OutboxEvent.objects.filter(stream=wallet.id).exclude(pk=event.pk)
        for other in others:
            assert reverse("admin:events_outboxevent_change", args=[other.pk]) not in shown


def test_a_reversal_and_what_it_takes_back_lead_to_each_other(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 1000)
    first = JournalEntry.objects.get()
    original = identify(alice.client, first.pk)
    for amount in (400, 600):
        reverse_transaction(original=original, request=asks(amount, wallet=alice))
    back, again = JournalEntry.objects.filter(reverses=first.pk).order_by("pk")

    at_first = source_of(carol.get(reverse(PAGE, args=[first.pk])))
    at_back = source_of(carol.get(reverse(PAGE, args=[back.pk])))

    assert reverse(PAGE, args=[back.pk]) in at_first
    assert reverse(PAGE, args=[again.pk]) in at_first
    assert reverse(PAGE, args=[first.pk]) in at_back
    assert reverse(PAGE, args=[again.pk]) not in at_back
    assert "No entry so far." in at_back


def test_an_entry_with_fifty_lines_takes_as_many_queries_as_one_with_two(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 1000)
    small = JournalEntry.objects.get()
    account = Posting.objects.order_by("pk")[0].account
    large = entry_like(small)
    Posting.objects.bulk_create(
        Posting(entry=large, account=account, amount=(-1) ** line, posted_at=now())
        for line in range(50)
    )

    few, many = (reverse(PAGE, args=[entry.pk]) for entry in (small, large))
    assert queries_of(carol, few) == queries_of(carol, many)


def test_an_entry_is_found_by_its_id_and_by_the_digest_of_its_key(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1000)
    fund(bob, 1000)
    first, second = JournalEntry.objects.order_by("pk")

    for term in (str(first.pk), bytes(first.idempotency_key).hex()):
        text = source_of(carol.get(reverse(LIST), {"q": term}))
        assert reverse(PAGE, args=[first.pk]) in text
        assert reverse(PAGE, args=[second.pk]) not in text


def test_empty_books_say_what_fills_them(carol: Client) -> None:
    assert "An entry appears with the first deposit." in source_of(carol.get(reverse(LIST)))
