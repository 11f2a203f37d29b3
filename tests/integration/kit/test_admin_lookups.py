"""Whatever stands behind the `?` of an admin page, the answer is a page or a clear refusal.

`FUZZ_EXAMPLES=200` makes it longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connections, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import staff
from tests.filling import fill, remove_what_is_kept
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.keyset import PARAMETERS

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "12"))
SHOWN: Final = [pytest.param(model, id=model._meta.label) for model in admin.site._registry]
ENDS: Final = (
    *("", "__exact", "__iexact", "__contains", "__in", "__gt", "__lte", "__range", "__regex"),
    *("__isnull", "__year", "__date", "__id__exact", "__pk", "__password__startswith", "__", "__x"),
)
OTHERS: Final = (*PARAMETERS, "q", "o", "p", "all", "e", "_popup", "_to_field", "is", "status", "x")
VALUES: Final = st.one_of(
    st.sampled_from(
        [
            *("", "0", "1", "-1", "1,2", "true", "None", "now()", "1e400", "NaN", "9" * 40),
            *("2026-02-30", "2026-12-01", "0000-00-00T00:00:00", "-262144-01-01", "24:61"),
            *("01a1fe91-c224-72a1-8377-15aa3a27b9c9", "'", '"--', "%", "\\", "(", "[[:word:]]+"),
            *("\x00", "é", "\U0001f4b6", "\ud7ff\uffff", "x" * 3_000, "0x1F", "٣", "1_000"),
        ]
    ),
    st.text(max_size=12),
    st.integers().map(str),
)


@pytest.fixture
def browser(database: None) -> Iterator[Client]:
    yield staff.superuser()
    remove_what_is_kept()


def _names(model: type[models.Model]) -> list[str]:
    """What can be named: each column, each row it points to, and their columns."""
    names = ["pk"]
    for field in model._meta.get_fields():
        names.append(field.name)
        there = getattr(field, "related_model", None)
        if isinstance(there, type) and issubclass(there, models.Model):
            names += [f"{field.name}__{column.name}" for column in there._meta.fields]
    return names


def _queries(model: type[models.Model]) -> st.SearchStrategy[list[tuple[str, str]]]:
    lookups = st.builds(str.__add__, st.sampled_from(_names(model)), st.sampled_from(ENDS))
    return st.lists(st.tuples(lookups | st.sampled_from(OTHERS), VALUES), min_size=1, max_size=3)


@pytest.mark.parametrize("model", SHOWN)
def test_no_address_of_a_list_fails_or_searches_by_a_pattern(
    model: type[models.Model], browser: Client
) -> None:
    fill(model, 2)
    meta = model._meta
    page = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    browser.raise_request_exception = False

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(asked=_queries(model))
    def look(asked: list[tuple[str, str]]) -> None:
        with CaptureQueriesContext(connections[PRIMARY]) as captured:
            answer: Any = browser.get(f"{page}?{urlencode(asked)}")
        assert answer.status_code in (200, 302, 400, 403), (asked, answer.status_code)
        assert not [sql for one in captured if "REGEXP" in (sql := one["sql"].upper())], asked

    look()
