"""What is posted on suspense is seen on the desk, also where no channel is reconciled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.integration.approvals.desk import person
from tests.integration.approvals.test_corrections import adjustment
from tests.integration.ledger.books import roll
from tests.people import Company, wallet_of
from tests.staff import superuser
from wallet_project.back_office import tiles
from wallet_project.kit.audit import Actor
from wallets.approvals.operations.approve import approve
from wallets.identity import WalletIdentity
from wallets.reconciliation.models import SUSPENSE, Item, ItemStatus, Match, RuleName
from wallets.reconciliation.tasks import read_suspense


@pytest.fixture(autouse=True)
def nothing_remembered(database: None) -> Iterator[None]:
    """Let each test read the home page for itself."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def maker(client_acme: Company) -> Actor:
    return person("carol", "maker")


@pytest.fixture
def checker(client_acme: Company) -> Actor:
    return person("dave", "checker")


@pytest.fixture
def bob(client_acme: Company) -> WalletIdentity:
    """A customer of a company that has set no channel up."""
    return wallet_of(client_acme, "bob")


@pytest.fixture
def root(database: None) -> Client:
    return superuser()


def shown(viewer: Client, address: str) -> str:
    page = viewer.get(address).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_an_adjustment_against_suspense_is_open_until_it_is_cleared(
    root: Client, bob: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    approve(approval=adjustment(maker, bob, 3_00).pk, by=checker)
    roll()

    before = shown(root, "/admin/")
    read_suspense()
    read_suspense()
    cache.clear()

    assert "Nothing is open on suspense" not in before
    assert re.search(r"-3\.00\sUSD in the books and not listed yet", before)
    (item,) = Item.objects.filter(channel=SUSPENSE)
    assert (item.status, item.amount, item.client) == (ItemStatus.OPEN, -3_00, bob.client)
    after = shown(root, reverse("admin:index"))
    assert "not listed yet" not in after
    assert "The oldest for 0 days, 1 without an owner." in after
    assert "-3.00" in shown(root, reverse("admin:reconciliation_item_suspense"))


def test_what_cancels_itself_out_is_cleared_without_a_run(
    root: Client, bob: WalletIdentity, maker: Actor, checker: Actor
) -> None:
    given = approve(approval=adjustment(maker, bob, 3_00).pk, by=checker).transaction_id
    back = adjustment(maker, bob, 3_00, credit=False, corrects=given)
    approve(approval=back.pk, by=checker)
    roll()

    read_suspense()

    assert Match.objects.get().rule == RuleName.CLEARED
    assert set(Item.objects.values_list("status", flat=True)) == {ItemStatus.MATCHED}
    assert "not listed yet" not in shown(root, "/admin/")


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (40, "40 days")]
)
def test_days_are_counted_in_words(count: int, words: str) -> None:
    assert tiles.number(count, "day") == words
    assert tiles.number(2, "currency") == "2 currencies"


@pytest.mark.parametrize("link", ["Open at the bank", "Open in the books"])
def test_links_of_items_go_together_with_the_filters(
    root: Client, bob: WalletIdentity, maker: Actor, checker: Actor, link: str
) -> None:
    approve(approval=adjustment(maker, bob, 3_00).pk, by=checker)
    roll()
    read_suspense()
    listed = reverse("admin:reconciliation_item_changelist")
    page = unescape(root.get(listed).content.decode())
    address = re.search(rf'href="([^"]*)"[^>]*>\s*{link}', page)
    assert address is not None

    filtered = unescape(root.get(address.group(1)).content.decode())

    # The filters' own links replace what the link has chosen: nothing of it stays besides.
    choices = re.findall(r'"(\?[^"]*)"', filtered)
    assert choices
    assert not [one for one in choices if re.search(r"[?&](status|side)=", one)]
