"""Carol of the staff admits clients, exchanges their keys and sets what they may ask for."""

from __future__ import annotations

import re
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.urls import reverse

from tests.acting import (
    REASON,
    act,
    audited,
    list_act,
    queries_of,
)
from tests.integration.approvals.desk import person, user_of
from tests.people import Company
from tests.staff import member, sign_in
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets import credentials
from wallets.approvals.errors import OwnRequest
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.models import ApiKey, Client, Plan, Scope
from wallets.operations.create_client import add_key

SHOWN = re.compile(r"[a-z0-9]{12}\.[A-Za-z0-9_-]{43}")
RIGHTS = (
    *("wallets.view_client", "wallets.view_apikey", "wallets.view_plan"),
    *("wallets.manage_client", "wallets.manage_apikey", "wallets.manage_plan"),
    *("approvals.view_approval", "approvals.request_plan_change"),
)


@pytest.fixture
def carol(database: None) -> Browser:
    return member("carol", *RIGHTS)


@pytest.fixture
def plans(database: None) -> Any:
    kept = {plan.pk: plan for plan in Plan.objects.all()}
    yield
    Client.objects.all().update(plan=min(kept))
    Plan.objects.exclude(pk__in=kept).delete()
    for plan in kept.values():
        plan.save()


def shown(page: Any) -> str:
    """Read the key off the page that shows it."""
    (key,) = SHOWN.findall(page.content.decode())
    return str(key)


def status(key: str) -> int:
    """Call the API with a key."""
    auth = {"Authorization": f"Bearer {key}"}
    return Browser().get("/api/v1/wallets/none/balance", headers=auth).status_code


def refused_within(seconds: float, key: str) -> bool:
    """Call again and again until the API refuses the key."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if status(key) == 401:
            return True
        time.sleep(0.2)
    return False


def only_key() -> ApiKey:
    return ApiKey.objects.get()


def key_form(**more: Any) -> dict[str, Any]:
    return {"scopes": Scope.values, "key_prefix": credentials.make_prefix(), **more}


def test_a_client_is_admitted_and_its_key_is_shown_once(carol: Browser) -> None:
    form = key_form(name="globex", plan="default", expires_in_days=30)

    page = list_act(carol, "wallets.client", "create", **form)

    key = shown(page)
    assert status(key) == 404, "the key opens the API, and there is no such wallet"
    assert "no-store" in page["Cache-Control"]
    again = list_act(carol, "wallets.client", "create", **form)
    assert again.status_code == 400
    assert not SHOWN.search(again.content.decode())
    assert only_key().expires_at is not None
    secret = key.partition(".")[2]
    assert secret not in str(list(AuditRecord.objects.values()))
    assert secret not in str(dict(carol.session))
    assert AuditRecord.objects.get(action="client.create").reason == REASON


def test_a_key_form_that_is_sent_twice_makes_one_key(
    client_acme: Company, carol: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    form = key_form()

    key = shown(act(carol, "wallets.client", client_acme.id, "add_key", **form))
    again = act(carol, "wallets.client", client_acme.id, "add_key", **form).content.decode()

    assert "shown already" in again
    assert not SHOWN.search(again)
    assert ApiKey.objects.count() == 2
    assert key.partition(".")[2] not in caplog.text
    assert audited() == [("client.add_key", str(client_acme.id), REASON)]


def test_a_key_is_rotated_with_an_overlap(client_acme: Company, carol: Browser) -> None:
    old = only_key()
    form = {"overlap_hours": 6, "key_prefix": credentials.make_prefix()}

    new = shown(act(carol, "wallets.apikey", old.pk, "rotate", **form))

    assert status(new) == status(client_acme.key) == 404
    old.refresh_from_db()
    assert old.expires_at is not None
    hours = (old.expires_at - old.created_at).total_seconds() / 3600
    assert 5.9 < hours < 6.1
    made = ApiKey.objects.exclude(pk=old.pk).get()
    assert made.scopes == old.scopes
    assert audited() == [("apikey.rotate", old.prefix, REASON)]
    act(carol, "wallets.apikey", old.pk, "rotate", **form)
    assert ApiKey.objects.count() == 2


def test_an_overlap_of_no_time_ends_the_old_key_within_seconds(
    client_acme: Company, carol: Browser
) -> None:
    assert status(client_acme.key) == 404
    form = {"overlap_hours": 0, "key_prefix": credentials.make_prefix()}

    new = shown(act(carol, "wallets.apikey", only_key().pk, "rotate", **form))

    assert refused_within(credentials.KEPT_SECONDS + 1, client_acme.key)
    assert status(new) == 404


def test_a_revoked_key_is_refused_within_seconds(client_acme: Company, carol: Browser) -> None:
    assert status(client_acme.key) == 404
    key = only_key()

    page = act(carol, "wallets.apikey", key.pk, "revoke").content.decode()

    assert "within 4 seconds" in page
    assert refused_within(credentials.KEPT_SECONDS + 1, client_acme.key)
    assert audited() == [("apikey.revoke", key.prefix, REASON)]
    assert "was revoked" in act(carol, "wallets.apikey", key.pk, "revoke").content.decode()
    assert len(audited()) == 1


def test_a_suspended_client_is_refused_and_taken_back(client_acme: Company, carol: Browser) -> None:
    act(carol, "wallets.client", client_acme.id, "suspend")
    assert status(client_acme.key) == 401
    act(carol, "wallets.client", client_acme.id, "suspend")

    act(carol, "wallets.client", client_acme.id, "activate")

    credentials.forget_all()
    assert status(client_acme.key) == 404
    acme = str(client_acme.id)
    assert audited() == [("client.suspend", acme, REASON), ("client.activate", acme, REASON)]


def test_a_client_gets_another_plan(client_acme: Company, carol: Browser, plans: None) -> None:
    list_act(carol, "wallets.plan", "create", name="shops", requests_per_minute=500)

    form = {"plan": "shops", "ticket": "DESK-9", "request_id": str(uuid7())}
    page = act(carol, "wallets.client", client_acme.id, "ask_plan", **form)
    act(carol, "wallets.client", client_acme.id, "ask_plan", **form)

    made = Approval.objects.get()
    assert page.redirect_chain[-1][0].endswith(f"/{made.pk}/change/")
    assert Client.objects.get(pk=client_acme.id).plan.name == "unlimited"
    assert audited() == [("approval.request", str(made.pk), REASON)]

    assert approve(approval=made.pk, by=person("dave", "checker")).status == Status.CARRIED_OUT

    plan = Client.objects.get(pk=client_acme.id).plan
    assert (plan.name, plan.requests_per_minute, plan.withdrawals_per_minute) == (
        *("shops", 500),
        None,
    )
    assert ("client.change_plan", str(client_acme.id), REASON) in audited()


@pytest.mark.parametrize("role", ["checker", "operator", "superuser"])
def test_nobody_changes_a_plan_alone(client_acme: Company, plans: None, role: str) -> None:
    Plan.objects.create(name="shops", requests_per_minute=500)
    is_root = role == "superuser"
    dave = person("dave", *(() if is_root else (role,)), is_superuser=is_root)
    browser = sign_in(user_of(dave))
    page = browser.get(reverse("admin:wallets_client_change", args=[client_acme.id]))
    assert ("ask_plan" in page.content.decode()) is is_root
    form = {"plan": "shops", "ticket": "DESK-9", "request_id": str(uuid7())}

    assert act(browser, "wallets.client", client_acme.id, "set_plan", **form).status_code == 404
    asked = act(browser, "wallets.client", client_acme.id, "ask_plan", **form)

    assert asked.status_code == (200 if is_root else 403)
    for made in Approval.objects.all():
        with pytest.raises(OwnRequest):
            approve(approval=made.pk, by=dave)
    assert Approval.objects.count() == (1 if is_root else 0)
    assert Client.objects.get(pk=client_acme.id).plan.name == "unlimited"
    assert "client.change_plan" not in [action for action, *_ in audited()]


def test_what_is_wrong_is_said_and_nothing_happens(client_acme: Company, carol: Browser) -> None:
    page = list_act(carol, "wallets.client", "create", **key_form(name="No!", plan="default"))
    assert page.status_code == 400
    assert "neither starts nor" in page.content.decode()
    unexplained = act(carol, "wallets.client", client_acme.id, "suspend", reason="")
    assert unexplained.status_code == 400
    assert Client.objects.get().is_active
    assert audited() == []


def test_pages_of_clients_cost_the_same_however_many_keys_there_are(
    client_acme: Company, carol: Browser
) -> None:
    urls = [
        reverse("admin:wallets_client_change", args=[client_acme.id]),
        reverse("admin:wallets_client_changelist"),
        reverse("admin:wallets_apikey_changelist"),
    ]
    before = [queries_of(carol, url) for url in urls]

    for _ in range(5):
        add_key(name="acme")

    assert [queries_of(carol, url) for url in urls] == before


def test_commands_do_the_same(client_acme: Company, plans: None) -> None:
    out = StringIO()
    prefix = only_key().prefix
    call_command("rotate_key", prefix, "--reason", REASON, stdout=out, stderr=StringIO())
    assert SHOWN.fullmatch(out.getvalue().strip())
    why = ("--reason", REASON)
    call_command("revoke_key", prefix, *why, stderr=StringIO())
    call_command("create_plan", "shops", "--requests-per-minute", "9", *why, stderr=StringIO())

    assert Plan.objects.get(name="shops").requests_per_minute == 9
    assert [action for action, *_ in audited()] == ["apikey.rotate", "apikey.revoke"]
    for words in (("revoke_key", prefix), ("rotate_key", "x")):
        with pytest.raises(CommandError):
            call_command(*words, *why)


def test_the_command_only_asks_for_another_plan(client_acme: Company, plans: None) -> None:
    Plan.objects.create(name="shops", requests_per_minute=500)
    carol, dave, out = person("carol", "maker"), person("dave", "checker"), StringIO()
    why = ("--reason", REASON, "--ticket", "DESK-9")

    call_command("set_plan", "acme", "shops", "--as", "carol", *why, stdout=out, stderr=StringIO())

    made = Approval.objects.get()
    assert out.getvalue().strip() == str(made.pk)
    assert (made.requested_by_name, f"staff:{made.requested_by}") == (
        "carol, by set_plan",
        carol.id,
    )
    assert Client.objects.get().plan.name == "unlimited"
    with pytest.raises(OwnRequest):
        approve(approval=made.pk, by=carol)
    assert Client.objects.get().plan.name == "unlimited"
    assert approve(approval=made.pk, by=dave).status == Status.CARRIED_OUT
    assert Client.objects.get().plan.name == "shops"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("acme", "shops", "--as", "dave"), "right approvals.request_plan_change"),
        (("acme", "shops", "--as", "nobody"), "no active staff account nobody"),
        (("acme", "nothing", "--as", "carol"), "no plan"),
        (("acme", "unlimited", "--as", "carol"), "on this plan already"),
        (("other", "shops", "--as", "carol"), "no client other"),
        (("acme", "shops", "--as", "carol", "--ticket", " "), "Give a ticket"),
    ],
)
def test_what_the_command_may_not_ask_for_is_said(
    client_acme: Company, plans: None, words: tuple[str, ...], sentence: str
) -> None:
    Plan.objects.create(name="shops", requests_per_minute=500)
    person("carol", "maker"), person("dave", "checker")

    with pytest.raises(CommandError, match=sentence):
        call_command("set_plan", "--reason", REASON, "--ticket", "DESK-9", *words)

    assert Approval.objects.count() == 0
    assert Client.objects.get().plan.name == "unlimited"
