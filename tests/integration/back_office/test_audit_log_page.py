"""The audit log: for auditors, found by who and by what about, on its indexes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import lateness
from tests import databases, staff
from wallet_project.back_office.admin.audit_log import condition
from wallet_project.kit import audit
from wallet_project.kit.models import AuditRecord

PAGE = "admin:kit_auditrecord_changelist"


@pytest.fixture
def acts(alice: User) -> None:
    """Alice froze one wallet, and a command another."""
    with transaction.atomic():
        for actor, wallet in (
            (audit.Actor(f"staff:{alice.pk}", "alice"), "w-1"),
            (audit.Actor("command:freeze"), "w-2"),
        ):
            audit.record(actor, audit.Act("wallet.freeze", "wallets.wallet", wallet, "why not"))


@pytest.fixture
def auditor(database: None) -> Client:
    return staff.member("erin", "kit.view_auditrecord")


@pytest.mark.parametrize(
    ("term", "found"),
    [("alice", ["w-1"]), ("command:freeze", ["w-2"]), ("w-2", ["w-2"]), ("w-3", [])],
)
def test_acts_are_found_by_who_and_by_what(
    acts: None, auditor: Client, term: str, found: list[str]
) -> None:
    page = auditor.get(reverse(PAGE), {"q": term}).content.decode()
    assert [one for one in ("w-1", "w-2") if f">{one}</a>" in page] == found


def test_times_are_written_with_their_zone(acts: None, auditor: Client) -> None:
    at = AuditRecord.objects.all()[0].at
    assert (
        f"{at:%Y-%m-%d %H:%M:%S}\N{NO-BREAK SPACE}UTC"
        in auditor.get(reverse(PAGE)).content.decode()
    )


def test_others_do_not_see_it(acts: None) -> None:
    viewer = staff.member("vera", "wallets.view_wallet")
    row = AuditRecord.objects.all()[0]
    for url in (reverse(PAGE), reverse("admin:kit_auditrecord_change", args=[row.pk])):
        assert viewer.get(url).status_code == 403
    assert "Audit log" not in viewer.get("/admin/").content.decode()


@pytest.mark.parametrize("term", ["alice", "command:freeze", "w-2"])
def test_every_search_uses_an_index(acts: None, term: str) -> None:
    rows = AuditRecord.objects.filter(condition(term)).order_by("-pk")[:50]
    if databases.is_mysql():
        with connection.cursor() as cursor:
            sql, values = rows.query.sql_with_params()
            cursor.execute(f"EXPLAIN {sql}", values)
            names = [column[0] for column in cursor.description]
            (plan,) = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
        assert "audit_by" in str(plan["possible_keys"])
        return
    assert "USING INDEX audit_by" in rows.explain()


def test_a_page_asks_a_constant_number_of_questions(
    acts: None, alice: User, auditor: Client
) -> None:
    def questions() -> int:
        lateness.forget()
        with CaptureQueriesContext(connection) as asked:
            assert auditor.get(reverse(PAGE)).status_code == 200
        return len(asked)

    few = questions()
    for _ in range(30):
        audit.record_look(audit.Actor("staff:1"), audit.Act("wallet.view", "wallets.wallet", "w"))
    assert questions() == few
