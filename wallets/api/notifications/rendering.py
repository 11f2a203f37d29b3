"""From a contact to the answer."""

from __future__ import annotations

import msgspec

from events.consumers.notifications.contacts import ContactDetails
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.api.calls import JSON, Answer, Call, standard_headers
from wallets.api.notifications import shapes
from wallets.identity import WalletIdentity


def contact(call: Call, wallet: WalletIdentity, details: ContactDetails) -> Answer:
    """Answer GET and PUT …/contact."""
    shown = shapes.ContactShown(
        wallet_id=str(wallet.id),
        email=details.email or None,
        phone=details.phone or None,
        push_token=details.push_token or None,
        kinds=list(details.kinds),
        low_balance=_amount(details.low_balance, wallet),
        large_withdrawal=_amount(details.large_withdrawal, wallet),
        updated_at=None if details.updated_at is None else rfc3339(details.updated_at),
    )
    return Answer(200, msgspec.json.encode(shown), standard_headers(call, JSON))


def erased(call: Call) -> Answer:
    """Answer DELETE …/contact."""
    headers = standard_headers(call, JSON)
    del headers["Content-Type"]
    return Answer(204, headers=headers)


def _amount(minor: int | None, wallet: WalletIdentity) -> str | None:
    return None if minor is None else format_minor(minor, wallet.currency)
