"""What tests of the back office's acts do again and again."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import lateness
from wallet_project.kit.models import AuditRecord

REASON = "asked for by phone"


def act_url(model: str, row: Any, name: str) -> str:
    """Return the address of an act with a row, such as `wallets.hold`."""
    return reverse(f"admin:{model.replace('.', '_')}_act", args=[row, name])


def act(browser: Client, model: str, row: Any, name: str, /, **form: Any) -> Any:
    """Send the form of an act; follow to the page that comes after it."""
    return browser.post(act_url(model, row, name), {"reason": REASON, **form}, follow=True)


def list_act(browser: Client, model: str, name: str, /, **form: Any) -> Any:
    """Send the form of an act without a row."""
    url = reverse(f"admin:{model.replace('.', '_')}_list_act", args=[name])
    return browser.post(url, {"reason": REASON, **form})


def audited() -> list[tuple[str, str, str]]:
    """List what was done, but for what a fixture makes: action, subject, reason."""
    rows = AuditRecord.objects.order_by("pk").values_list("action", "subject", "reason")
    return [row for row in rows if not row[0].endswith((".view", ".search", ".create"))]


def queries_of(browser: Client, url: str) -> int:
    """Count the statements of a page that has been shown before."""
    assert browser.get(url).status_code == 200
    lateness.forget()  # its one look is asked of every page, or of none
    with CaptureQueriesContext(connection) as queries:
        browser.get(url)
    return len(queries)
