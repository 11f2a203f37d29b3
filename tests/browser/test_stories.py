"""What people come to the back office for, from the login to the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import checks
from tests.browser.conftest import Office
from tests.browser.desk import Desk

pytestmark = pytest.mark.timeout(600)

PASSWORD = "a long password of a viewer"
MAKE_VIEWER = f"""
from django.contrib.auth.models import Group, User
user = User.objects.create_user("vera", password="{PASSWORD}", is_staff=True)
user.groups.add(Group.objects.get(name="viewer"))
"""


@pytest.fixture(scope="module")
def has_viewer(office: Office) -> None:
    office.manage(MAKE_VIEWER)


@pytest.fixture
def viewer(browser: Browser, office: Office, has_viewer: None) -> Iterator[Desk]:
    """Somebody who may look at everything of the business, at her first or a later login."""
    sits = Desk.open(browser, office.base, storage_state=_kept.get(office.base))
    if office.base not in _kept:
        sits.sign_in("vera", PASSWORD)
        _kept[office.base] = sits.context.storage_state()
    yield sits
    sits.context.close()


_kept: dict[str, object] = {}
"""Her session: the second factor is enrolled once."""


def test_a_wallet_is_found_by_its_reference(desk: Desk, office: Office) -> None:
    desk.search("wallets/wallet", "story-alice")

    rows = desk.page.locator("#result_list tbody tr")
    assert rows.count() == 1
    assert "100.00" in rows.inner_text()
    desk.page.click("#result_list tbody th a")
    desk.page.wait_for_url(f"**/{office.alice}/change/**")
    assert "story-alice" in desk.text()
    assert checks.faults(desk.page) == []


def test_a_name_that_nobody_has_finds_nothing_and_says_so(desk: Desk) -> None:
    desk.search("wallets/wallet", "nobody-at-all")

    assert desk.page.locator("#result_list").count() == 0
    assert "Nothing has exactly this value" in desk.text()


def test_the_balance_of_a_wallet_is_explained(desk: Desk, office: Office) -> None:
    desk.go(f"/admin/wallets/wallet/{office.alice}/change/")
    desk.page.click(f"a[href*='{office.alice}/explain']")
    desk.page.wait_for_url("**/explain/**")

    text = desk.text()
    assert "The balance agrees with the books" in text
    for amount in ("120.00", "20.00", "100.00"):
        assert amount in text
    assert checks.faults(desk.page) == []


def test_a_transfer_is_followed_to_its_entry_the_other_wallet_and_its_event(
    desk: Desk, office: Office
) -> None:
    desk.go(f"/admin/wallets/wallet/{office.alice}/change/")
    sent = desk.page.locator("tr").filter(has_text=re.compile("transfer", re.IGNORECASE))
    sent.locator("a[href*='/ledger/journalentry/']").first.click()
    desk.page.wait_for_url("**/ledger/journalentry/**")
    entry = desk.page.url
    assert "-20.00" in desk.text()
    assert checks.faults(desk.page) == []

    desk.page.locator(f"a[href*='/wallets/wallet/{office.bob}']").first.click()
    desk.page.wait_for_url(f"**/wallets/wallet/{office.bob}/**")
    assert "story-bob" in desk.text()

    desk.go(entry)
    desk.page.locator(f"a[href*='outboxevent'][href*='{office.bob}']").first.click()
    desk.page.wait_for_url("**/outboxevent/**")
    assert "wallet.transfer_received.v1" in desk.text()


def test_a_wallet_is_frozen_with_a_reason_and_unfrozen_by_another(
    desk: Desk, office: Office
) -> None:
    desk.go(f"/admin/wallets/wallet/{office.bob}/change/")
    desk.page.click(f"a[href*='{office.bob}/freeze']")
    desk.page.wait_for_url("**/freeze/**")
    assert checks.faults(desk.page) == []
    desk.page.fill("textarea[name=reason]", "The holder has lost a phone")
    desk.page.click("#content button[type=submit]:has-text('Freeze')")
    desk.page.wait_for_url("**/change/**")
    expect(desk.page.locator("body")).to_contain_text("The wallet is frozen")
    expect(desk.page.locator("body")).to_contain_text("FROZEN")

    desk.page.click(f"a[href*='{office.bob}/unfreeze']")
    desk.page.wait_for_url("**/unfreeze/**")
    desk.page.fill("textarea[name=reason]", "The phone was found")
    desk.page.click("#content button[type=submit]:has-text('Unfreeze')")
    expect(desk.page.locator("body")).to_contain_text("another person has to unfreeze it")
    office.manage(
        "from django.core.management import call_command\n"
        f"call_command('unfreeze', '{office.bob}', '--reason', 'The phone was found')"
    )
    desk.go(f"/admin/wallets/wallet/{office.bob}/change/")
    expect(desk.page.locator("body")).to_contain_text("ACTIVE")

    desk.go("/admin/kit/auditrecord/")
    assert "The holder has lost a phone" in desk.text()
    assert "The phone was found" in desk.text()


def test_a_viewer_sees_a_wallet_and_no_way_to_change_it(viewer: Desk, office: Office) -> None:
    viewer.search("wallets/wallet", "story-alice")
    viewer.page.click("#result_list tbody th a")
    viewer.page.wait_for_url(f"**/{office.alice}/change/**")

    assert "100.00" in viewer.text()
    assert viewer.page.locator("a[href*='/freeze']").count() == 0
    assert viewer.page.locator("#content form[method=post]").count() == 0
    assert viewer.go(f"/admin/wallets/wallet/{office.alice}/freeze/") == 403


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("wallets/wallet/{alice}/freeze/", {"reason": "mine", "version": "3"}),
        ("wallets/wallet/{alice}/change/", {"status": "FROZEN"}),
        ("wallets/wallet/add/", {"reference": "crafted"}),
        ("wallets/wallet/{alice}/delete/", {"post": "yes"}),
        ("kit/auditrecord/", {"action": "delete_selected", "index": "0"}),
        ("auth/user/add/", {"username": "crafted"}),
    ],
)
def test_a_viewer_changes_nothing_by_a_crafted_form(
    viewer: Desk, office: Office, path: str, form: dict[str, str]
) -> None:
    viewer.go("/admin/wallets/wallet/")
    token = next(one["value"] for one in viewer.context.cookies() if one["name"] == "csrftoken")
    address = f"{office.base}/admin/{path.format(alice=office.alice)}"
    before = office.manage(BOOKS)

    answer = viewer.context.request.post(
        address, form={**form, "csrfmiddlewaretoken": token}, headers={"Referer": address}
    )

    assert answer.status == 403, answer.text()[:500]
    assert office.manage(BOOKS) == before


BOOKS = """
from django.contrib.auth.models import User
from wallets.models import Wallet
print(sorted(Wallet.objects.values_list("pk", "status", "balance", "version")))
print(User.objects.count())
"""
