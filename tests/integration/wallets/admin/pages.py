"""Reads pages as a person does, and counts what they cost."""

from __future__ import annotations

import re
from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events import lateness
from wallet_project.kit.database import PRIMARY
from wallets.identity import WalletIdentity

_SPACES = re.compile(r"\s+")
_TAGS = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]+>", re.DOTALL)


def address(wallet: WalletIdentity, name: str = "change") -> str:
    """Return the address of a page of a wallet: `change` is the first one."""
    return reverse(f"admin:wallets_wallet_{name}", args=[wallet.id])


def text(browser: Client, url: str) -> str:
    """Read a page as plain words, one blank between them."""
    answer = browser.get(url)
    assert answer.status_code == 200, answer.status_code
    return words(answer.content.decode())


def words(html: str) -> str:
    """Take the markup away."""
    return _SPACES.sub(" ", unescape(_TAGS.sub(" ", html))).replace("\N{NO-BREAK SPACE}", " ")


def queries(browser: Client, url: str) -> int:
    """Count the statements that a page takes."""
    assert connection.alias == PRIMARY
    lateness.forget()  # its one look is asked of every page, or of none
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)
