"""From results to answers of the short dialect."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_shortest
from wallets.api.calls import JSON, Answer, Call, standard_headers
from wallets.api.rendering import BASE
from wallets.api.shapes import Shown
from wallets.api.short import shapes
from wallets.movements import MovementRecord
from wallets.operations._commands import Outcome
from wallets.queries import BalanceView, HistoryItem, OldestFirst

_EVENT_TYPES: Final = {
    "DEPOSIT": "FUNDS_DEPOSITED",
    "WITHDRAWAL": "FUNDS_WITHDRAWN",
    "TRANSFER_OUT": "TRANSFER_SENT",
    "TRANSFER_IN": "TRANSFER_RECEIVED",
}
"""A kind of movement that the dialect has no word for keeps its own."""


def moved(call: Call, name: str, outcome: Outcome) -> Answer:
    """Answer a deposit or withdrawal with the balance that it left, under the caller's name.

    :raises DomainError: the refusal that the outcome holds instead of a record.
    """
    call.replayed = outcome.replayed  # a refusal may be a replay too
    record = outcome.unwrap()
    shown = shapes.ShortBalanceShown(
        wallet_id=name, balance=_number(record.balance, record.currency)
    )
    return _made(call, shown, record)


def transferred(call: Call, name: str, to: str, outcome: Outcome) -> Answer:
    """Answer a transfer, both wallets as the caller named them.

    :raises DomainError: the refusal that the outcome holds instead of a record.
    """
    call.replayed = outcome.replayed
    record = outcome.unwrap()
    shown = shapes.ShortTransferShown(
        saga_id=str(record.transaction_id),
        state="COMPLETED",
        from_wallet_id=name,
        to_wallet_id=to,
        amount=_number(record.amount, record.currency),
    )
    return _made(call, shown, record)


def balance(call: Call, name: str, view: BalanceView) -> Answer:
    """Answer GET /v1/wallet/{name}."""
    shown = shapes.ShortBalanceShown(wallet_id=name, balance=_number(view.balance, view.currency))
    return _answer(call, 200, shown)


def history(call: Call, page: OldestFirst) -> Answer:
    """Answer GET …/history: the wallet's creation is item 1, its n-th posting item n + 1."""
    items = [_item(item) for item in page.items]
    if page.created_at is not None:
        items.insert(
            0,
            shapes.ShortHistoryItemShown(
                id=1,
                event_type="WALLET_CREATED",
                amount=None,
                metadata=None,
                created_at=rfc3339(page.created_at),
            ),
        )
    return _answer(call, 200, items)


def _item(item: HistoryItem) -> shapes.ShortHistoryItemShown:
    return shapes.ShortHistoryItemShown(
        id=item.posting_sequence + 1,
        event_type=_EVENT_TYPES.get(item.type, item.type),
        amount=_number(item.amount, item.currency),
        metadata={"requestId": item.reference} if item.reference else None,
        created_at=rfc3339(item.created_at),
    )


def _made(call: Call, shown: Shown, record: MovementRecord) -> Answer:
    answer = _answer(call, 201, shown)
    answer.headers["Location"] = f"{BASE}/transactions/{record.transaction_id}"
    answer.headers["ETag"] = f'"{record.version}"'
    return answer


def _answer(call: Call, status: int, shown: Any) -> Answer:
    return Answer(status, msgspec.json.encode(shown), standard_headers(call, JSON))


def _number(minor: int, currency: str) -> msgspec.Raw:
    return shapes.number(format_shortest(minor, currency))
