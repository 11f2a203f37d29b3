"""Addresses of what the pages of the books point at.

Wallets, clients and events are other apps' and known here by the names of their pages only.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

_WALLET: Final = "admin:wallets_wallet_change"
_CLIENT: Final = "admin:wallets_client_change"
_APPROVAL: Final = "admin:approvals_approval_change"
_APPROVALS: Final = "admin:approvals_approval_changelist"
_ASK: Final = "admin:approvals_approval_list_act"
_EVENTS: Final = "admin:events_outboxevent_changelist"


def entry_url(entry: UUID) -> str:
    """Return the address of an entry's page."""
    return reverse("admin:ledger_journalentry_change", args=[entry])


def posting_url(posting: int) -> str:
    """Return the address of a posting's page."""
    return reverse("admin:ledger_posting_change", args=[posting])


def account_url(account: UUID) -> str:
    """Return the address of an account's page."""
    return reverse("admin:ledger_account_change", args=[account])


def wallet_url(account: UUID) -> str:
    """Return the address of the wallet that an account belongs to: they have one id."""
    return reverse(_WALLET, args=[account])


def client_url(client: int) -> str:
    """Return the address of a client's page."""
    return reverse(_CLIENT, args=[client])


def event_url(account: UUID, version: int) -> str:
    """Return the address of the event that told of a posting.

    A wallet's events are numbered by its versions, so a posting's version finds its event in the
    outbox's unique index. The outbox has none by entry: each event would have to pay for it.
    """
    return f"{reverse(_EVENTS)}?{urlencode({'stream': str(account), 'sequence': version})}"


def link(url: str, text: Any) -> SafeString:
    """Write a link."""
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def approval_url(reference: str) -> str:
    """Return the address of the request for approval that an entry names as its reference."""
    return reverse(_APPROVAL, args=[reference])


def requests_url(entry: UUID) -> str:
    """Return the address of the list of requests about an entry."""
    return f"{reverse(_APPROVALS)}?{urlencode({'subject': entry, 'status': 'all'})}"


def adjust_url(entry: UUID, wallet: UUID | None) -> str:
    """Return the address of the form that asks for an adjustment which corrects an entry."""
    known = {"corrects": entry} | ({} if wallet is None else {"wallet": wallet})
    return f"{reverse(_ASK, args=['adjust'])}?{urlencode(known)}"


def ask_url(entry: UUID) -> str:
    """Return the address of the form that asks for an entry to be taken back."""
    return f"{reverse(_ASK, args=['reverse'])}?{urlencode({'entry': entry})}"
