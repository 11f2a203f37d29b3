"""The client's own accounts in the books, made at first use and remembered: they never change."""

from __future__ import annotations

import threading
from typing import Final
from uuid import UUID

from django.conf import settings

from ledger import posting
from ledger import queries as books
from wallet_project.kit import clock
from wallets import chart, errors
from wallets.chart import House

_known: dict[str, UUID] = {}
_lock = threading.Lock()
_REMEMBERED: Final = 65_536
DEFAULT_CHANNEL: Final = "default"


def external(*, client: int, client_name: str, channel: str, currency: str) -> UUID:
    """Return the account through which money of a payment rail enters and leaves the books.

    :raises TooManyChannels: if the client would have more than 64 rails in this currency. The
        bound protects the chart of accounts; calls at the same moment may pass it by a few.
    """
    code = chart.external_code(client_name, channel, currency)
    found = _known.get(code)
    if found is not None:
        return found
    account = books.account_id(code)
    if account is None:
        taken = books.count_house_accounts(client, currency)
        # The rail of callers who name none is never crowded out by others.
        if channel != DEFAULT_CHANNEL and taken >= settings.HOUSE_CHANNELS_MAX:
            raise errors.TooManyChannels(
                f"A client has at most {settings.HOUSE_CHANNELS_MAX} channels in {currency}; "
                "use one it has.",
                field="channel",
            )
        account = _make(code, client, currency)
    _remember(code, account)
    return account


def own(*, client: int, client_name: str, house: House, currency: str) -> UUID:
    """Return another of the client's own accounts."""
    code = chart.house_code(client_name, house, currency)
    account = _known.get(code) or books.account_id(code) or _make(code, client, currency)
    _remember(code, account)
    return account


def _make(code: str, client: int, currency: str) -> UUID:
    return posting.ensure_house_account(
        code=code,
        client=client,
        currency=currency,
        normal_side="debit",
        created_at=clock.now(),
    )


def _remember(code: str, account: UUID) -> None:
    with _lock:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        _known[code] = account


def is_known(client_name: str, channel: str, currency: str) -> bool:
    """Tell whether an account is remembered."""
    return chart.external_code(client_name, channel, currency) in _known


def forget_all() -> None:
    """Empty the memory; for tests that empty the database."""
    with _lock:
        _known.clear()
