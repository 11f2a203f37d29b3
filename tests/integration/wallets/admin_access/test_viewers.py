"""Whoever may only look changes nothing, whatever they send: one test for every act there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from events.consumers.fraud.models import Act, FraudAlert, FraudRule
from events.consumers.webhooks.models import WebhookAttempt
from events.models import DeadLetter, LetterStatus
from tests.acting import REASON, act_url, audited
from tests.filling import fill
from tests.people import Company, asks, fund
from tests.staff import member, sign_in
from tests.webhooks import endpoint_of, fan_out
from wallet_project.kit.acting import ActingAdmin
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallets.identity import WalletIdentity
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.request_payout import request_payout


def _acting() -> dict[str, ActingAdmin]:
    shown = admin.site._registry.items()
    return {model._meta.label: one for model, one in shown if isinstance(one, ActingAdmin)}


def _every_act() -> Iterator[tuple[str, str, str]]:
    """List kind, model and name of everything that a page can be asked to do."""
    for label, shown in _acting().items():
        yield from (("row", label, act.name) for act in shown.acts)
        yield from (("list", label, act.name) for act in shown.list_acts)
        yield from (("bulk", label, str(name)) for name in shown.actions or ())
    yield from (("alert", "fraud.FraudAlert", what) for what in Act.values)
    yield from (("rule", "fraud.FraudRule", what) for what in ("add", "change", "delete"))


def _everything() -> dict[str, list[Any]]:
    """Take a picture of every table that an act may change."""
    models = [shown.model for shown in _acting().values()]
    return {
        model._meta.label: sorted(model.objects.values_list(), key=str)
        for model in (*models, FraudAlert, FraudRule)
    }


@pytest.fixture
def rows(alice: WalletIdentity, client_acme: Company) -> None:
    """One row or more of everything that can be acted on."""
    endpoint_of(client_acme, "https://example.com/hook")
    fund(alice, 1_000)
    place_hold(wallet=alice, request=asks(1, wallet=alice), expiry=Expiry())
    request_payout(wallet=alice, request=asks(1, wallet=alice), destination={})
    fan_out()
    DeadLetter.objects.create(
        consumer="fraud",
        status=LetterStatus.DEAD,
        topic="t",
        partition=0,
        offset=0,
        stream=alice.id,
        key=b"",
        value=b"",
        headers=b"[]",
        reason="poison",
        failed_at=now(),
    )
    FraudAlert.objects.create(
        rule="HIGH_VALUE",
        wallet=alice.id,
        client=client_acme.id,
        currency="USD",
        trigger_id=uuid7(),
        triggered_at=now(),
        raised_at=now(),
        action="REVIEW",
        evidence={"events": [], "numbers": {}},
    )
    for shown in _acting().values():
        if not shown.model._base_manager.exists():
            fill(shown.model, 1)


def viewer() -> Browser:
    """Let Carol in, who may look at everything."""
    models = [*(shown.model for shown in _acting().values()), FraudAlert, FraudRule, WebhookAttempt]
    rights = (f"{m._meta.app_label}.view_{m._meta.model_name}" for m in models)
    return member("carol", *rights)


def send(browser: Browser, kind: str, label: str, name: str) -> int:
    """Send what the page of the act would send."""
    base = label.lower().replace(".", "_")
    shown = {model._meta.label: model for model in admin.site._registry}[label]
    row = shown._base_manager.order_by("pk").values_list("pk", flat=True).first()
    assert row is not None, f"there is no {label} to act on"
    form: dict[str, Any] = {"reason": REASON, "text": REASON, "post": "yes"}
    if kind == "row":
        url = act_url(label.lower(), row, name)
    elif kind == "list":
        url = reverse(f"admin:{base}_list_act", args=[name])
    elif kind == "alert":
        url = reverse("admin:fraud_fraudalert_act", args=[row, name])
    elif kind == "rule":
        url = reverse(f"admin:{base}_{name}", args=[] if name == "add" else [row])
    else:
        url = reverse(f"admin:{base}_changelist")
        form = {"action": name, "_selected_action": [str(row)]}
    status = browser.post(url, form).status_code
    if kind in ("row", "alert"):
        assert browser.get(url).status_code == 405, "acts are not done by links"
    return status


@pytest.mark.parametrize(("kind", "label", "name"), list(_every_act()))
def test_a_viewers_crafted_post_is_refused_and_changes_nothing(
    rows: None, kind: str, label: str, name: str
) -> None:
    carol = viewer()
    before = _everything()

    assert send(carol, kind, label, name) == 403

    assert _everything() == before
    assert audited() == []


def test_a_viewer_sees_no_form_of_any_act(rows: None) -> None:
    carol = viewer()
    for label, shown in _acting().items():
        base = label.lower().replace(".", "_")
        row = shown.model.objects.order_by("pk")[0]
        for url in (
            reverse(f"admin:{base}_changelist"),
            reverse(f"admin:{base}_change", args=[row.pk]),
        ):
            page = carol.get(url)
            assert page.status_code == 200, url
            assert "/act/" not in page.content.decode(), url


def test_a_form_from_elsewhere_does_nothing(client_acme: Company) -> None:
    browser = sign_in(User.objects.create_superuser("carol", password="a long password"))
    browser.handler.enforce_csrf_checks = True
    before = _everything()

    url = act_url("wallets.client", client_acme.id, "suspend")
    assert browser.post(url, {"reason": REASON}).status_code == 403

    assert _everything() == before


def test_nobody_acts_without_being_signed_in(client_acme: Company) -> None:
    before = _everything()

    url = act_url("wallets.client", client_acme.id, "suspend")
    answer = Browser().post(url, {"reason": REASON})

    assert answer.status_code == 302
    assert "login" in answer["Location"]
    assert _everything() == before
