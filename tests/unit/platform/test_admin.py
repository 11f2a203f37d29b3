"""The admin shows everything and changes nothing, whoever asks."""

from __future__ import annotations

import uuid

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Q
from django.http import HttpRequest
from django.test import RequestFactory

from events.consumers.fraud.models import FraudRule
from ledger.admin import AccountAdmin, JournalEntryAdmin, PostingAdmin
from ledger.models import Account, JournalEntry, Posting
from wallet_project.kit.admin import ReadOnlyAdmin, ReadOnlyInline, money
from wallet_project.kit.changelist import KeysetChangeList
from wallets.admin import ApiKeyAdmin, RefusalAdmin
from wallets.approvals.models import ApprovalLimit
from wallets.models import ApiKey, Client, Operation, Plan, Refusal, Wallet

OURS = [Account, JournalEntry, Posting, Wallet, Client, ApiKey, Plan, Refusal, Operation]
SITE = admin.site


def _superuser() -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    return request


@pytest.mark.parametrize("model", OURS)
def test_not_even_a_superuser_can_write(model: type) -> None:
    shown = SITE._registry[model]
    assert isinstance(shown, ReadOnlyAdmin)
    request = _superuser()
    assert shown.get_model_perms(request) == {
        "add": False,
        "change": False,
        "delete": False,
        "view": True,
    }
    assert shown.get_actions(request) == {}
    assert shown.show_full_result_count is False
    assert issubclass(shown.get_changelist(request), KeysetChangeList), "the list was counted"
    for inline in shown.inlines:
        assert issubclass(inline, ReadOnlyInline)


def test_every_other_model_in_the_admin_is_about_staff_or_read_only() -> None:
    """Thresholds of fraud rules and limits of roles are all of the business that staff set here."""
    for model, shown in SITE._registry.items():
        assert model in (User, Group, FraudRule, ApprovalLimit) or not shown.has_change_permission(
            _superuser()
        )


def test_an_empty_list_says_what_would_fill_it() -> None:
    silent = [
        model._meta.label
        for model, page in admin.site._registry.items()
        if isinstance(page, ReadOnlyAdmin) and not page.empty_text
    ]
    assert silent == []


def test_a_uuid_typed_into_the_search_box_is_looked_up_exactly() -> None:
    identity = uuid.uuid4()
    shown = AccountAdmin(Account, SITE)
    assert shown.exact_matches(str(identity)) == (
        Q(pk__in=[]) | Q(id=identity) | Q(code=str(identity))
    )
    posting = PostingAdmin(Posting, SITE).exact_matches(str(identity))
    assert posting == Q(pk__in=[]) | Q(entry=identity)


def test_a_term_that_fits_no_field_finds_nothing() -> None:
    assert JournalEntryAdmin(JournalEntry, SITE).exact_matches("no id") == Q(pk__in=[])
    assert PostingAdmin(Posting, SITE).exact_matches("12") == Q(pk__in=[]) | Q(id=12)


def test_digests_are_found_by_their_hex_form() -> None:
    found = RefusalAdmin(Refusal, SITE).exact_matches("ab" * 32)
    assert found == Q(pk__in=[]) | Q(idempotency_key=b"\xab" * 32)


def test_the_digest_of_an_api_key_is_shown_nowhere() -> None:
    shown = ApiKeyAdmin(ApiKey, SITE)
    assert "secret_digest" not in shown.get_fields(_superuser())
    assert "secret_digest" not in shown.list_display


def test_money_is_written_with_its_currency() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert money(123456, "USD") == f"1,234.56{space}USD"
    assert money(-1234567, "KWD") == f"-1,234.567{space}KWD"
    assert money(-5, "JPY") == f"-5{space}JPY"
    assert money(-5, "USD") == f"-0.05{space}USD"
    assert money(None, "USD") == "-"
