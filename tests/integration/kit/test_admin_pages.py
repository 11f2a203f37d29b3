"""Every page of the admin asks as much of a full table as of an almost empty one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connections, models
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import lateness
from events.models import ConsumedEvent, DeadLetter, OutboxEvent
from ledger.models import JournalEntry, Posting
from tests import databases, staff
from tests.filling import fill, remove_what_is_kept
from wallet_project.kit.admin import ReadOnlyAdmin
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord
from wallets.models import Hold, Operation, Payout, Refusal, Wallet

SHOWN = [pytest.param(model, id=model._meta.label) for model in admin.site._registry]
LONG = [
    pytest.param(model, id=model._meta.label)
    for model, shown in admin.site._registry.items()
    if isinstance(shown, ReadOnlyAdmin)
]
BIG = (
    AuditRecord, ConsumedEvent, Hold, JournalEntry, Operation, OutboxEvent, Payout, Posting,
    Refusal, Wallet,
)  # fmt: skip
FEW, MANY = 1, 60


@pytest.fixture
def browser(database: None) -> Iterator[Client]:
    yield staff.superuser()
    remove_what_is_kept()


@pytest.mark.parametrize("model", SHOWN)
def test_a_list_of_sixty_rows_takes_as_many_queries_as_a_list_of_one(
    model: type[models.Model], browser: Client
) -> None:
    page = _list(model)
    fill(model, FEW)
    few = _queries(browser, page)
    fill(model, MANY)

    assert _queries(browser, page) == few


@pytest.mark.parametrize("model", SHOWN)
def test_a_row_with_sixty_lines_takes_as_many_queries_as_a_row_with_one(
    model: type[models.Model], browser: Client
) -> None:
    row = fill(model, 1)[0]
    page = _detail(row)
    _fill_lines(row, FEW)
    if not _opens(model):
        return
    few = _queries(browser, page)
    fill(model, MANY)
    _fill_lines(row, MANY)

    assert _queries(browser, page) == few


@pytest.mark.parametrize("model", LONG)
def test_pages_follow_each_other_without_a_gap_and_back_again(
    model: type[models.Model], browser: Client
) -> None:
    fill(model, MANY)
    with CaptureQueriesContext(connections[PRIMARY]) as asked:
        first = browser.get(_list(model))
        second = browser.get(_list(model) + _next(first))
        again = browser.get(_list(model) + second.context["cl"].previous_url)

    shown = [*_rows(first), *_rows(second)]
    assert shown == list(first.context["cl"].queryset.values_list("pk", flat=True))
    assert len(shown) >= MANY
    assert second.context["cl"].next_url == ""
    assert _rows(again) == _rows(first)
    for statement in asked:
        assert " OFFSET " not in statement["sql"], "rows were skipped"
        assert "COUNT(" not in statement["sql"] or not _reads(statement["sql"], BIG)


def test_the_links_say_which_way_they_lead(browser: Client) -> None:
    fill(JournalEntry, 60)

    first = browser.get(_list(JournalEntry))
    second = browser.get(_list(JournalEntry) + _next(first))

    assert 'rel="next"' in first.content.decode()
    assert 'rel="prev"' not in first.content.decode()
    assert 'rel="prev"' in second.content.decode()
    assert 'aria-label="Pages of this list"' in second.content.decode()


def test_search_stays_when_a_page_is_turned(browser: Client) -> None:
    wallet = fill(Wallet, 70)[-1]  # rows that are made up are numbered alike: no hold has its id
    fill(Hold, 60, wallet=wallet)
    fill(Hold, 5)

    first = browser.get(_list(Hold), {"q": str(wallet.pk)})
    second = browser.get(_list(Hold) + _next(first))

    assert parse_qs(_next(first)[1:])["q"] == [str(wallet.pk)]
    assert len(second.context["cl"].result_list) == 10


def test_a_place_that_is_none_leads_to_the_first_page(browser: Client) -> None:
    fill(JournalEntry, 2)
    for nonsense in ("x", "1,2,3", "%00", "'"):
        page = browser.get(_list(JournalEntry), {"after": nonsense}, follow=True)
        assert page.status_code == 200
        assert len(page.context["cl"].result_list) == 2


def test_behind_the_last_row_there_is_a_way_back(browser: Client) -> None:
    row = fill(JournalEntry, 1)[0]

    page = browser.get(_list(JournalEntry), {"after": str(row.pk)})

    assert page.context["cl"].result_list == []
    assert page.context["cl"].previous_url == "?"


@pytest.mark.parametrize(
    "crafted", ["description__contains=a", "reference__startswith=a", "channel=web", "o=3"]
)
def test_nobody_makes_the_database_walk_through_the_journal(browser: Client, crafted: str) -> None:
    fill(JournalEntry, 3)
    with CaptureQueriesContext(connections[PRIMARY]) as asked:
        browser.get(f"{_list(JournalEntry)}?{crafted}")

    read = [one["sql"] for one in asked if "ledger_journalentry" in one["sql"]]
    for sql in read:
        assert "WHERE" not in sql
        assert re.search(r"ORDER BY .ledger_journalentry.\..id. DESC LIMIT", sql)


def test_values_that_begin_an_index_together_find_their_row(browser: Client) -> None:
    rows = fill(OutboxEvent, 3)

    found = browser.get(_list(OutboxEvent), {"stream": str(rows[1].stream), "sequence": "2"})
    alone = browser.get(_list(OutboxEvent), {"sequence": "2"})

    assert _rows(found) == [rows[1].pk]
    assert alone.status_code == 400


@pytest.mark.parametrize(
    "crafted",
    [
        "client__name__iregex=a",
        "client__name=acme",
        "client__api_keys__secret_digest__startswith=a",
        "client__plan__clients__wallet__reference=a",
        "client__in=1,2",
        "client__id__gt=0",
    ],
)
def test_a_filter_is_no_way_into_other_tables(browser: Client, crafted: str) -> None:
    fill(Wallet, 3)
    with CaptureQueriesContext(connections[PRIMARY]) as asked:
        answer = browser.get(f"{_list(Wallet)}?{crafted}")

    assert answer.status_code == 400
    assert not [one for one in asked if "FROM `wallets_wallet" in one["sql"].replace('"', "`")]


def test_what_filters_offer_works(browser: Client) -> None:
    wallet = fill(Wallet, 3)[1]

    for offered in ("client", "client__exact", "client__id__exact"):
        found = browser.get(_list(Wallet), {offered: wallet.client_id})
        assert wallet.pk in _rows(found)
    assert _rows(browser.get(_list(Wallet), {"client__isnull": "True"})) == []
    assert _rows(browser.get(_list(Wallet), {"client": wallet.client_id + 1_000})) == []
    for model, shown in admin.site._registry.items():
        if not isinstance(shown, ReadOnlyAdmin):
            continue
        page = browser.get(_list(model))
        for spec in page.context["cl"].filter_specs:
            for choice in spec.choices(page.context["cl"]):
                address = _list(model) + choice.get("query_string", "?")
                assert browser.get(address).status_code == 200, address


def test_nobody_acts_on_more_than_was_ticked(browser: Client) -> None:
    letters = admin.site._registry[Operation]  # any list: the form is one for all
    form = letters.action_form({"action": "", "select_across": "1"})
    form.is_valid()

    assert form.cleaned_data["select_across"] is False
    assert "select_across" not in form.fields


@pytest.mark.full_stack
@pytest.mark.parametrize("model", LONG)
def test_no_page_sorts_its_table(model: type[models.Model], browser: Client) -> None:
    is_by_key = list(admin.site._registry[model].get_ordering(_request())) == ["-pk"]
    # Of few rows MySQL would rather sort all than look up some by another index than the key.
    rows = fill(model, MANY if is_by_key else 600)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {model._meta.db_table}")
        cursor.fetchall()
    shown = admin.site._registry[model].get_changelist_instance(_request())
    order: Any = shown.order  # type: ignore[attr-defined]
    for place in (models.Q(), order.beyond(order.cursor(rows[len(rows) // 2]))):
        if model is DeadLetter and databases.is_mariadb():
            return  # it sorts the few that wait, which an index finds
        found = shown.queryset.filter(place).order_by(*order.names())[:2]
        assert "Using filesort" not in found.explain()


def _request() -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = User.objects.get()
    return request


def _list(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _detail(row: models.Model) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(row.pk)])


def _opens(model: type[models.Model]) -> bool:
    """Tell whether the list leads to pages of single rows."""
    return admin.site._registry[model].list_display_links is not None


def _next(page: Any) -> str:
    return str(page.context["cl"].next_url)


def _rows(page: Any) -> list[Any]:
    return [row.pk for row in page.context["cl"].result_list]


def _fill_lines(row: models.Model, count: int) -> None:
    for inline in admin.site._registry[type(row)].inlines:
        for field in inline.model._meta.concrete_fields:
            if field.is_relation and field.related_model is type(row):
                fill(inline.model, count, **{field.name: row})


def _queries(browser: Client, page: str) -> int:
    lateness.forget()  # what is read every few seconds is read now as well
    assert browser.get(page).status_code == 200  # what is read once a process is read now
    with CaptureQueriesContext(connections[PRIMARY]) as asked:
        browser.get(page)
    return len(asked)


def _reads(sql: str, tables: tuple[type[models.Model], ...]) -> bool:
    return any(table._meta.db_table in sql for table in tables)
