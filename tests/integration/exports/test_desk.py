"""Staff ask for exports, watch them, fetch their files, verify statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests import staff
from tests.acting import act, audited, list_act
from tests.http import Api
from tests.integration.wallets.admin.pages import address, text, words
from tests.people import Company
from wallet_project.kit.models import AuditRecord
from wallets.exports import worker
from wallets.exports.models import ExportJob, ExportStatus, IssuedStatement, MonthlyStatements
from wallets.identity import WalletIdentity

FORM = {"kind": "statement", "format": "csv", "reason": "asked for by the auditor"}


@pytest.fixture
def carol(database: None) -> Client:
    return staff.superuser("carol")


def ask(browser: Client, wallet: WalletIdentity, **more: Any) -> Any:
    return browser.post(address(wallet, "export"), FORM | more, follow=True)


def file_url(job: ExportJob) -> str:
    return reverse("admin:exports_exportjob_file", args=[job.pk])


def test_an_export_is_asked_for_made_and_fetched(
    carol: Client, alice: WalletIdentity, history: int, client_acme: Company
) -> None:
    assert "Export this time" in text(carol, address(alice, "statement"))
    page = words(ask(carol, alice).content.decode())
    assert "The export is asked for." in page
    assert "0 %, 0 of 66 steps" in page
    job = ExportJob.objects.get()
    assert carol.get(file_url(job)).status_code == 404
    worker.run(enough=lambda: False)
    url = reverse("admin:exports_exportjob_change", args=[job.pk])
    assert "Download" in text(carol, url)
    answer = carol.get(file_url(job))
    assert b"".join(answer).startswith(b"record,")
    assert ("export.request", str(job.pk), FORM["reason"]) in audited()
    assert AuditRecord.objects.filter(action="export.download", subject=str(job.pk)).exists()
    # What staff ask for is not the client's.
    assert Api(client_acme.key).get(f"/exports/{job.pk}").status == 404


def test_without_the_right_nothing_is_offered_and_nothing_done(
    alice: WalletIdentity, history: int, carol: Client
) -> None:
    viewer = staff.member("vera", "wallets.view_wallet", "exports.view_exportjob")
    assert "Export this time" not in text(viewer, address(alice, "statement"))
    assert ask(viewer, alice).status_code == 403
    assert not ExportJob.objects.exists()
    ask(carol, alice)
    worker.run(enough=lambda: False)
    job = ExportJob.objects.get()
    assert viewer.get(file_url(job)).status_code == 403
    assert "Download" not in text(viewer, reverse("admin:exports_exportjob_change", args=[job.pk]))
    assert act(viewer, "exports.exportjob", job.pk, "retry").status_code == 403
    assert not AuditRecord.objects.filter(action="export.download").exists()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"reason": ""}, "This field is required."),
        ({"format": "doc"}, "Select a valid choice"),
        ({"kind": "transactions", "format": "pdf"}, "Transactions can be had as json, csv, xlsx."),
        ({"since": "2026-02-01T00:00", "before": "2026-01-01T00:00"}, "not after the beginning"),
    ],
)
def test_what_cannot_be_made_is_said(
    carol: Client, alice: WalletIdentity, history: int, form: dict[str, str], said: str
) -> None:
    assert said in words(ask(carol, alice, **form).content.decode())
    assert not ExportJob.objects.exists()


def test_an_export_is_cancelled_and_made_again(
    carol: Client, alice: WalletIdentity, history: int
) -> None:
    ask(carol, alice)
    job = ExportJob.objects.get()
    act(carol, "exports.exportjob", job.pk, "cancel")
    job.refresh_from_db()
    assert job.status == ExportStatus.CANCELLED
    assert worker.run(enough=lambda: False) == 0
    act(carol, "exports.exportjob", job.pk, "retry")
    worker.run(enough=lambda: False)
    job.refresh_from_db()
    assert job.status == ExportStatus.DONE
    assert [name for name, _, _ in audited() if name.startswith("export.")] == [
        *("export.request", "export.cancel", "export.retry")
    ]


def test_a_statement_is_verified_by_a_press_of_a_button(
    carol: Client, alice: WalletIdentity, history: int, client_acme: Company
) -> None:
    Api(client_acme.key).get("/wallets/alice/statement")
    row = IssuedStatement.objects.get()
    page = words(act(carol, "exports.issuedstatement", row.pk, "verify").content.decode())
    assert "It holds: the books make the same hash of its 33 lines." in page
    assert AuditRecord.objects.filter(action="statement.verify", subject=str(row.pk)).exists()


def test_monthly_statements_are_switched(carol: Client, client_acme: Company) -> None:
    form = {"client": "acme", "format": "pdf"}
    assert list_act(carol, "exports.monthlystatements", "start", **form).status_code == 302
    assert list_act(carol, "exports.monthlystatements", "start", **form).status_code == 400
    row = MonthlyStatements.objects.get()
    assert (row.is_active, row.format) == (True, "pdf")
    act(carol, "exports.monthlystatements", row.pk, "stop")
    row.refresh_from_db()
    assert not row.is_active
