"""Take what was posted on suspense over, for every client, whether or not it reconciles."""

from __future__ import annotations

from typing import Final

from ledger import account_feed
from wallet_project.kit.audit import Actor
from wallets import client_names
from wallets.chart import House
from wallets.reconciliation.models import SUSPENSE
from wallets.reconciliation.operations import _storing
from wallets.reconciliation.operations.read_postings import read_postings
from wallets.reconciliation.operations.release_items import release_items

_BEAT: Final = Actor("task:read_suspense")
_MATCHES_A_TRANSACTION: Final = 200


def read_suspense() -> int:
    """Make an item of each posting on suspense that has none, open those whose request has ended,
    and match what cancels itself out.

    Safe to be run twice, and by two at once. Return how many items are new.
    """
    storing = _storing.Storing(
        None, _BEAT, _MATCHES_A_TRANSACTION, tell=lambda _: None, enough=lambda: False
    )
    found = 0
    clients = account_feed.clients_with(f":{House.SUSPENSE}:")
    for client, name in sorted(client_names.by_number(clients).items()):
        release_items(client=client, channel=SUSPENSE)
        found += read_postings(client=client, client_name=name, channel=SUSPENSE)
        _storing.clear_suspense(client, storing)
    return found
