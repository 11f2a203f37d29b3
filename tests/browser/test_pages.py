"""Every page of the back office works in a real browser, for everybody who has to use it."""

from __future__ import annotations

import pytest
from django.contrib import admin
from playwright.sync_api import Browser

from tests.browser import checks
from tests.browser.conftest import Office
from tests.browser.desk import Desk, code

pytestmark = pytest.mark.timeout(600)

LISTS = [f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry]


def test_codes_are_those_of_rfc_6238() -> None:
    """The vectors of appendix B, of which six digits are left."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert code(secret, at=59) == "287082"
    assert code(secret, at=1111111109) == "081804"
    assert code(secret, at=20000000000) == "353130"


def test_what_is_missing_on_a_page_is_found(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        "<h1>One</h1><h3>Three</h3><input><img src='data:,'><button></button><canvas></canvas>"
        "<table><tr><td>1</td></tr><tr><td>2</td></tr></table>"
    )

    found = "\n".join(checks.faults(page))

    for fault in ("lang", "title", "label", "alt", "nothing to say", "chart", "heads", "h3 after"):
        assert fault in found, fault


def test_nobody_comes_in_with_a_wrong_password(browser: Browser, office: Office) -> None:
    stranger = Desk.open(browser, office.base)
    stranger.go("/admin/")
    stranger.page.fill("input[name=username]", "somebody")
    stranger.page.fill("input[name=password]", "a wrong password")
    stranger.page.press("input[name=password]", "Enter")
    stranger.page.wait_for_load_state()

    assert stranger.page.locator("input[name=password]").count() == 1
    assert "/admin/login" in stranger.page.url
    assert checks.faults(stranger.page) == []
    assert stranger.complaints == []


def test_every_list_opens_without_a_complaint_and_can_be_read_aloud(desk: Desk) -> None:
    missing = {}
    for path in ("", *(f"{listed}/" for listed in LISTS)):
        assert desk.go(f"/admin/{path}") == 200, path
        missing[path] = checks.faults(desk.page)
        assert desk.complaints == [], path

    assert {path: found for path, found in missing.items() if found} == {}


@pytest.mark.parametrize("listed", ["wallets/wallet", "ledger/journalentry", "ledger/account"])
def test_a_row_opens_without_a_complaint_and_can_be_read_aloud(desk: Desk, listed: str) -> None:
    desk.go(f"/admin/{listed}/")
    desk.page.click("#result_list tbody th a")
    desk.page.wait_for_url("**/change/**")

    assert checks.faults(desk.page) == []


def test_the_search_box_and_the_rows_are_reached_by_the_keyboard(desk: Desk) -> None:
    desk.go("/admin/wallets/wallet/")

    assert checks.reachable(desk.page, "#searchbar")
    assert checks.reachable(desk.page, "#result_list a")


def test_a_page_stays_readable_on_a_narrow_screen(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 844})
    for path in ("", "wallets/wallet/", f"wallets/wallet/{_alice(desk)}/change/"):
        desk.go(f"/admin/{path}")
        assert desk.page.evaluate(
            "() => document.documentElement.scrollWidth <= window.innerWidth + 1"
        ), path


def _alice(desk: Desk) -> str:
    desk.search("wallets/wallet", "story-alice")
    address = desk.page.get_attribute("#result_list tbody th a", "href")
    assert address
    return address.split("/wallet/")[1].split("/")[0]
