"""The side bar: each line leads somewhere, and is seen by who may go there."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import resolve

from wallet_project.back_office.navigation import SIDEBAR

LINES = [line for group in SIDEBAR["navigation"] for line in group["items"]]


class Somebody:
    """Somebody of the staff with one right."""

    def __init__(self, right: str) -> None:
        self.right = right

    def has_perm(self, name: str) -> bool:
        return name == self.right


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["title"])
def test_every_line_leads_to_a_page_of_the_admin(line: dict[str, Any]) -> None:
    assert resolve(str(line["link"])).app_name == "admin"


def test_a_line_is_seen_with_its_right_only() -> None:
    request: Any = RequestFactory().get("/admin/")
    request.user = Somebody("wallets.view_wallet")
    seen = [line["title"] for line in LINES if line.get("permission", lambda _: True)(request)]
    assert seen == ["Home", "Wallets"]


def test_every_model_of_the_admin_has_its_line() -> None:
    led_to = {str(line["link"]) for line in LINES}
    missing = [
        model._meta.label
        for model in admin.site._registry
        if f"/admin/{model._meta.app_label}/{model._meta.model_name}/" not in led_to
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/admin/ledger/account/", "Accounts"),
        ("/admin/ledger/account/tree/", "Account tree"),
        ("/admin/ledger/account/trial-balance/", "Trial balance"),
        ("/admin/ledger/account/0190/change/", "Accounts"),
        ("/admin/wallets/wallet/0190/statement/", "Wallets"),
        ("/admin/approvals/approval/", "Waiting for approval"),
        ("/admin/approvals/approval/act/pause/", "Stop all money"),
    ],
)
def test_one_line_is_lit_for_a_page(path: str, title: str) -> None:
    request = RequestFactory().get(path)
    lit = [line["title"] for line in LINES if line.get("active", lambda _: False)(request)]
    assert lit == [title]
