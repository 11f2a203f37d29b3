"""Nobody changes the books by a page, whatever is sent to whatever address."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, RequestFactory

from ledger.models import Account, JournalEntry, Posting
from tests import staff
from tests.filling import fill
from tests.people import books_now, fund
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity

METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
MODELS = [model for model in admin.site._registry if model._meta.app_label == "ledger"]
SHOWN = [pytest.param(model, id=str(model._meta.model_name)) for model in MODELS]
CRAFTED: list[dict[str, Any]] = [
    {},
    {"post": "yes"},
    {"_save": "Save", "kind": "x", "amount": "1", "code": "x"},
    {"_saveasnew": "1", "kind": "x"},
    {"action": "delete_selected", "post": "yes", "select_across": "1", "_selected_action": "1"},
    {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": "1", "form-0-amount": "9"},
    {"_popup": "1", "_to_field": "id", "_save": "1"},
]


def addresses_of(model: Any) -> list[str]:
    """List every address that the admin of a table answers to."""
    key = str(model.objects.values_list("pk", flat=True).first())
    paths = [str(pattern.pattern) for pattern in admin.site._registry[model].get_urls()]
    assert len(paths) >= 6
    begins = f"/admin/ledger/{model._meta.model_name}/"
    return [begins + path.replace("<path:object_id>", key) for path in paths]


def rows() -> list[Any]:
    return [list(model._default_manager.order_by("pk").values()) for model in MODELS]


@pytest.fixture
def root(alice: WalletIdentity) -> Client:
    """A superuser, before books with something in them."""
    fund(alice, 1000)
    for model in MODELS:
        if not model._default_manager.exists():
            fill(model, 1)
    return staff.superuser()


@pytest.mark.parametrize("model", SHOWN)
def test_a_superuser_changes_nothing_at_any_address(root: Client, model: Any) -> None:
    before, books = rows(), books_now()

    for url in addresses_of(model):
        for method in METHODS:
            for body in CRAFTED if method == "POST" else CRAFTED[:1]:
                answer = root.post(url, body) if body else root.generic(method, url)
                assert answer.status_code == 403, (url, method, body)

    assert rows() == before
    assert books_now() == books
    assert not AuditRecord.objects.exists()


@pytest.mark.parametrize("model", SHOWN)
def test_no_page_has_anything_to_send(root: Client, model: Any) -> None:
    for url in addresses_of(model):
        answer = root.get(url, follow=True)
        if answer.streaming:
            continue  # a file
        text = answer.content.decode()
        for word in ('name="_save"', "deletelink", "addlink", 'type="submit" name="_'):
            assert word not in text, url
        if url.endswith(("add/", "delete/")):
            assert answer.status_code == 403, url


def test_these_are_all_tables_of_the_books() -> None:
    assert {Account, JournalEntry, Posting} <= set(MODELS)
    for model in MODELS:
        shown = admin.site._registry[model]
        assert isinstance(shown, ModelAdmin)
        assert not any(
            allowed(staff_request())
            for allowed in (
                shown.has_add_permission, shown.has_change_permission, shown.has_delete_permission
            )
        )  # fmt: skip


def staff_request() -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    return request
