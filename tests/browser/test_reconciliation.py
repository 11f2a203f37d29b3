"""A maker and a checker reconcile a bank: two people at two browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import checks
from tests.browser.conftest import Office
from tests.browser.desk import Desk, code
from tests.http import Api, Live

pytestmark = pytest.mark.timeout(600)

PASSWORD = "a long password of the finance desk"
PEOPLE = f"""
from django.contrib.auth.models import Group, User
for name in ("maker", "checker"):
    user = User.objects.create_user("the-" + name, password="{PASSWORD}", is_staff=True)
    user.groups.add(Group.objects.get(name=name))
from wallet_project.kit.audit import Actor
from wallets.models import Client
from wallets.reconciliation.operations.save_setup import SetupRequest, save_setup
client = Client.objects.get(name="demo")
asked = SetupRequest(client.pk, "bank", "CSV", "USD", dict(external_reference="id",
    reference="reference"), dict())
save_setup(request=asked, by=Actor("command:test"), reason="agreed with the bank")
"""
POSTED = """
from ledger.models import Posting
print(sorted(Posting.objects.filter(account__code__contains=":suspense:").values_list("amount",
    flat=True)))
"""


@pytest.fixture
def statement(office: Office, tmp_path: Path) -> Path:
    """The bank took half a dollar of the second of two deposits, and has one more line."""
    office.manage(PEOPLE)
    api = Api(office.started.key, Live(office.base))
    for reference, amount in (("inv-1", "80.00"), ("inv-2", "40.00")):
        made = api.deposit(office.alice, amount, referenceId=reference, channel="bank")
        assert made.status == 201, made
    day = office.manage("from wallet_project.kit import clock; print(clock.now().date())").strip()
    path = tmp_path / "march.csv"
    rows = ("b1,{0},80.00,inv-1", "b2,{0},39.50,inv-2", "b3,{0},12.00,unknown payer")
    path.write_text("id,date,amount,reference\n" + "\n".join(rows).format(day) + "\n")
    return path


@pytest.fixture
def maker(browser: Browser, office: Office, statement: Path) -> Iterator[Desk]:
    yield from _sits(browser, office, "the-maker")


@pytest.fixture
def checker(browser: Browser, office: Office, statement: Path) -> Iterator[Desk]:
    yield from _sits(browser, office, "the-checker")


def _sits(browser: Browser, office: Office, name: str) -> Iterator[Desk]:
    desk = Desk.open(browser, office.base)
    desk.sign_in(name, PASSWORD)
    yield desk
    desk.context.close()
    assert desk.complaints == []


def test_a_difference_is_found_asked_for_and_posted_by_two_people(
    maker: Desk, checker: Desk, office: Office, statement: Path
) -> None:
    maker.go("/admin/reconciliation/statementfile/")
    maker.page.click("text=Load a file")
    maker.page.set_input_files("input[type=file]", statement)
    maker.page.click("text=Look at it")
    maker.page.wait_for_url("**/upload/**-**/")
    assert "3 new lines" in maker.text()
    assert "unknown payer" in maker.text()
    assert checks.faults(maker.page) == []
    maker.page.click("text=Load and reconcile")
    maker.page.wait_for_url("**/run/**/change/**")
    assert "Reference and amount" in maker.text()
    assert checks.faults(maker.page) == []

    maker.go("/admin/reconciliation/item/?status__exact=OPEN&side__exact=LINE")
    maker.page.click("tr:has-text('inv-2') >> text=Match")
    maker.page.wait_for_url("**/match/")
    maker.page.check("tr:has-text('inv-2') input:not([disabled])")
    maker.page.click("text=Sum up")
    assert "-0.50" in maker.text()
    assert checks.faults(maker.page) == []
    maker.page.fill("input[name=reason]", "the bank took a fee")
    maker.page.fill("input[name=ticket]", "DESK-7")
    maker.page.click("text=Ask to post the difference")
    maker.page.wait_for_url("**/approvals/approval/**")
    request = maker.page.url.partition("?")[0]
    assert "-0.50" in maker.text()
    assert maker.page.locator("form[action*='/act/approve/']").count() == 0
    token = maker.page.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value")
    crafted = maker.page.request.post(
        request.replace("/change/", "/act/approve/"),
        form={"csrfmiddlewaretoken": token or "", "note": "mine", "code": code(maker.secret)},
        headers={"Referer": request},
    )
    assert crafted.status == 403
    assert office.manage(POSTED).strip() == "[]"

    checker.go(request.removeprefix(office.base))
    assert "the bank took a fee" in checker.text()
    # The code of the login is spent; the next one is not far.
    checker.page.wait_for_timeout(31_000)
    form = checker.page.locator("form[action*='/act/approve/']")
    if not form.is_visible():
        checker.page.click("summary:has-text('Approve')")
    form.locator("input[name=code]").fill(code(checker.secret))
    form.locator("button[type=submit]").click()
    checker.page.wait_for_load_state()
    assert "posted to suspense" in checker.text()
    assert office.manage(POSTED).strip() == "[-50]"

    checker.go("/admin/reconciliation/item/suspense/")
    assert "the-maker" in checker.text()
    assert checks.faults(checker.page) == []
    checker.go("/admin/")
    assert "Open on suspense" in checker.text()
