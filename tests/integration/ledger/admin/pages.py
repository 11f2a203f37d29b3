"""Reading pages as a person does."""

from __future__ import annotations

import html
import re
from typing import Any

from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events import lateness
from wallet_project.kit.database import PRIMARY


def source_of(page: Any) -> str:
    """Return a page's HTML on one line."""
    return re.sub(r"[ \n]+", " ", page.content.decode())


def text_of(page: Any) -> str:
    """Return what a page says, without its mark-up; a cell is parted from the next by a bar."""
    parted = re.sub(r"</t[dh]>", " | ", source_of(page))
    bare = html.unescape(re.sub(r"<[^>]+>", "", parted)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"[ \n]+", " ", bare)


def queries_of(browser: Client, url: str) -> int:
    """Count the queries of a page that was asked for before."""
    assert browser.get(url).status_code == 200
    lateness.forget()  # its one look is asked of every page, or of none
    with CaptureQueriesContext(connections[PRIMARY]) as queries:
        browser.get(url)
    return len(queries)
