"""Carol asks for a correction, Dave approves it; nobody, the superuser included, does both."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import checks
from tests.browser.conftest import Office
from tests.browser.desk import Desk, code
from tests.http import Api, Live

pytestmark = pytest.mark.timeout(600)

PASSWORD = "a long password of a clerk"
MAKE_CLERKS = f"""
from django.contrib.auth.models import Group, User
for name, role in (("carol", "maker"), ("dave", "checker")):
    user = User.objects.create_user(name, password="{PASSWORD}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
"""


@pytest.fixture(scope="module")
def clerks(office: Office) -> None:
    office.manage(MAKE_CLERKS)


@pytest.fixture(scope="module")
def wallet(office: Office) -> str:
    """Give Alice another wallet, with 100 dollars in it; return its id."""
    api = Api(office.started.key, Live(office.base))
    made = api.post("/wallets", {"reference": "story-corrected", "userId": "user-alice"})
    assert made.status == 201, made
    assert api.deposit(str(made.json["id"]), "100.00").status == 201
    return str(made.json["id"])


@pytest.fixture
def carol(browser: Browser, office: Office, clerks: None) -> Iterator[Desk]:
    """Sit a maker down, at her first login."""
    yield from _seat(browser, office, "carol")


@pytest.fixture
def dave(browser: Browser, office: Office, clerks: None) -> Iterator[Desk]:
    """Sit a checker down, at his first login."""
    yield from _seat(browser, office, "dave")


def _seat(browser: Browser, office: Office, name: str) -> Iterator[Desk]:
    sits = Desk.open(browser, office.base)
    sits.sign_in(name, PASSWORD)
    yield sits
    sits.context.close()
    assert sits.complaints == []


def ask_for_ten(desk: Desk, wallet: str) -> str:
    """Ask for ten dollars of credit on the page of a wallet; return the request's page."""
    desk.go(f"/admin/wallets/wallet/{wallet}/change/")
    desk.page.click("text=Ask for an adjustment")
    desk.page.wait_for_url("**/act/adjust/**")
    assert checks.faults(desk.page) == []
    assert desk.page.input_value("input[name=wallet]") == wallet
    assert "story-corrected" in desk.text()  # whose money it is
    desk.page.select_option("select[name=direction]", "CREDIT")
    desk.page.fill("input[name=amount]", "10.00")
    desk.page.select_option("select[name=account]", "suspense")
    desk.page.select_option("select[name=reason_code]", "MISSING_CREDIT")
    desk.page.fill("input[name=reason]", "The bank told us late")
    desk.page.fill("input[name=ticket]", "DESK-42")
    desk.page.click("#content-main button[type=submit]")
    desk.page.wait_for_url("**/approvals/approval/*/change/**")
    return desk.page.url


def decide(desk: Desk, digits: str) -> None:
    """Send the form of an approval."""
    form = desk.page.locator("form:has(input[name=code])")
    form.locator("textarea[name=note]").fill("seen the slip")
    form.locator("input[name=code]").fill(digits)
    form.locator("button[type=submit]").click()
    desk.page.wait_for_load_state()


def crafted(desk: Desk, request: str) -> int:
    """Send an approval past the page, with everything that a form of the page would hold."""
    address = re.sub(r"/change/.*", "/act/approve/", request)
    token = next(
        one["value"] for one in desk.context.cookies() if one["name"].endswith("csrftoken")
    )
    answer = desk.context.request.post(
        address,
        form={"csrfmiddlewaretoken": token, "note": "mine", "code": code(desk.secret or "A" * 32)},
        headers={"Referer": request},
        max_redirects=0,
    )
    return answer.status


def test_two_people_make_a_correction_and_one_alone_does_not(
    carol: Desk, dave: Desk, wallet: str
) -> None:
    request = ask_for_ten(carol, wallet)
    text = carol.text()
    for words in ("100.00 USD", "110.00 USD", "The bank told us late", "DESK-42", "Withdraw"):
        assert words in text
    assert "nobody decides about a request of his own" in text
    assert carol.page.locator("form[action$='/act/approve/']").count() == 0
    assert checks.faults(carol.page) == []
    assert crafted(carol, request) == 403

    dave.go("/admin/")
    assert "Waiting for approval" in dave.text()
    dave.go("/admin/approvals/approval/")
    assert "10.00" in dave.page.locator("#result_list").inner_text()
    assert checks.faults(dave.page) == []
    dave.go(request)
    decide(dave, "000000")
    expect(dave.page.locator("body")).to_contain_text("The code is wrong")
    # The one he signed in with was used up by that; a wrong one slows the next down.
    dave.page.wait_for_timeout(31_000)
    decide(dave, code(dave.secret))
    expect(dave.page.locator("body")).to_contain_text("Approved and done")
    expect(dave.page.locator("body")).to_contain_text("110.00 USD")

    carol.go(f"/admin/wallets/wallet/{wallet}/change/")
    assert "110.00" in carol.text()


def test_the_superuser_does_not_approve_what_he_asked_for(desk: Desk, wallet: str) -> None:
    request = ask_for_ten(desk, wallet)
    assert desk.page.locator("form[action$='/act/approve/']").count() == 0
    assert crafted(desk, request) == 403
    desk.go(request)
    assert "Waiting" in desk.text()
    desk.page.click("button:has-text('Withdraw')")
    expect(desk.page.locator("body")).to_contain_text("Withdrawn")
