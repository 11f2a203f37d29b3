"""A month is closed by Carol, and opened again when Dave allows it: two people, two browsers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import checks
from tests.browser.conftest import Office
from tests.browser.desk import Desk, code
from tests.http import Api, Live
from tests.periods import month_ago

pytestmark = pytest.mark.timeout(600)

MONTH = month_ago(2)
PASSWORD = "a long password of theirs"
MAKE_STAFF = f"""
from django.contrib.auth.models import Group, User
for name, role in (("carol", "maker"), ("dave", "checker")):
    user = User.objects.create_user(name, password="{PASSWORD}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
"""
CLIENT = "from wallets.models import Client; print(Client.objects.get(name='demo').pk)"


@pytest.fixture(scope="module")
def client(office: Office) -> str:
    """Let Alice have something in the month; employ Carol and Dave."""
    office.manage(MAKE_STAFF)
    api = Api(office.started.key, Live(office.base))
    day = (MONTH + timedelta(days=9)).isoformat()
    assert api.deposit(office.alice, "7.50", valueDate=day).status == 201
    return office.manage(CLIENT).strip()


@pytest.fixture
def carol(browser: Browser, office: Office, client: str) -> Iterator[Desk]:
    yield from _desk(browser, office, "carol")


@pytest.fixture
def dave(browser: Browser, office: Office, client: str) -> Iterator[Desk]:
    yield from _desk(browser, office, "dave")


def _desk(browser: Browser, office: Office, name: str) -> Iterator[Desk]:
    desk = Desk.open(browser, office.base)
    desk.sign_in(name, PASSWORD)
    yield desk
    desk.context.close()
    assert desk.complaints == []


def test_a_month_is_closed_and_opened_again_by_two_people(
    carol: Desk, dave: Desk, office: Office, client: str
) -> None:
    carol.go("/admin/periods/calendar/")
    carol.page.click("text=Close a month")
    assert checks.faults(carol.page) == []
    carol.page.select_option("select[name=client]", client)
    carol.page.fill("input[name=month]", f"{MONTH:%Y-%m}")
    carol.page.fill("input[name=reason]", "everything is reconciled")
    carol.page.click("#content button[type=submit]:has-text('Close a month')")
    expect(carol.page.locator("body")).to_contain_text(f"{MONTH:%Y-%m} is barred")

    _closed(carol, client)
    carol.page.click(f"a:has-text('{MONTH:%Y-%m}')")
    carol.page.wait_for_url("**/periods/close/**")
    assert "7.50" in carol.text()
    assert "in force" in carol.text().lower()
    assert checks.faults(carol.page) == []
    api = Api(office.started.key, Live(office.base))
    refused = api.deposit(office.alice, "1.00", valueDate=MONTH.isoformat())
    assert (refused.status, refused.json["code"]) == (422, "period_closed")

    carol.go(f"/admin/periods/calendar/{client}/change/")
    # What is folded away has no text.
    carol.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    assert checks.faults(carol.page) == []
    form = carol.page.locator("details:has(summary:has-text('Ask for opening'))")
    form.locator("input[name=reason]").fill("a fee was booked twice")
    form.locator("input[name=ticket]").fill("FIN-17")
    form.locator("button[type=submit]").click()
    carol.page.wait_for_url("**/approvals/approval/**")
    request = carol.page.url
    assert carol.page.locator("button:has-text('Approve')").count() == 0
    assert _craft_approval(carol, request) == 403

    dave.go(request)
    assert "FIN-17" in dave.text()
    approve = dave.page.locator("details:has(summary:has-text('Approve'))")
    approve.locator("input[name=code]").fill(_next_code(dave))
    approve.locator("button[type=submit]").click()
    expect(dave.page.locator("body")).to_contain_text("Approved and done")
    dave.go(f"/admin/periods/calendar/{client}/change/")
    assert "opened again" in dave.text().lower()
    taken = api.deposit(office.alice, "1.00", valueDate=MONTH.isoformat())
    assert taken.status == 201


def test_reports_are_read_by_name(desk: Desk, client: str) -> None:
    for name in ("balance-sheet", "safeguarding", "channels", "fees"):
        desk.go(f"/admin/ledger/account/{name}/")
        desk.page.select_option("select[name=client]", client)
        desk.page.click("#content-main button:has-text('Show')")
        desk.page.wait_for_url("**client=**")
        assert "does not add up" not in desk.text()
        assert checks.faults(desk.page) == []


def _closed(desk: Desk, client: str) -> None:
    """Wait until the clock has closed the month."""
    deadline = time.monotonic() + 120
    while True:
        desk.go(f"/admin/periods/calendar/{client}/change/")
        if "in force" in desk.text().lower():
            return
        assert time.monotonic() < deadline, desk.text()
        desk.page.wait_for_timeout(2_000)


def _craft_approval(desk: Desk, request: str) -> int:
    token = next(one["value"] for one in desk.context.cookies() if one["name"] == "csrftoken")
    address = re.sub(r"change/.*$", "act/approve/", request)
    answer = desk.context.request.post(
        address,
        form={"note": "mine", "code": _next_code(desk), "csrfmiddlewaretoken": token},
        headers={"Referer": address},
    )
    return answer.status


def _next_code(desk: Desk) -> str:
    """Wait for a code that was not used to sign in."""
    desk.page.wait_for_timeout((30 - time.time() % 30) * 1_000 + 500)
    return code(desk.secret)
