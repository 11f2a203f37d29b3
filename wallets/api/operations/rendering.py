"""From operations to answers; see `wallets/api/rendering.py`."""

from __future__ import annotations

import msgspec

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.api import parameters
from wallets.api.calls import Answer, Call
from wallets.api.operations import shapes
from wallets.api.rendering import BASE, _text, answer
from wallets.operation_queries import OperationsPage, OperationView
from wallets.operations.accept_operation import Accepted


def accepted(call: Call, operation: Accepted) -> Answer:
    """Answer POST /wallet."""
    call.replayed = operation.replayed
    shown = shapes.AcceptedShown(
        operation_id=str(operation.operation_id), wallet_id=str(operation.wallet)
    )
    where = f"{BASE}/wallets/{operation.wallet}/operations/{operation.operation_id}"
    return answer(call, 202, shown, location=where)


def operation(call: Call, view: OperationView) -> Answer:
    """Answer GET …/operations/{operationId}."""
    return answer(call, 200, _operation(view), stale_as_of=view.stale_as_of)


def operations_page(call: Call, found: OperationsPage, limit: int) -> Answer:
    """Answer GET …/operations with a page; one more than the limit tells that another follows."""
    shown = found.items[:limit]
    more = parameters.operations_cursor(shown[-1].number) if len(found.items) > limit else None
    page = shapes.OperationPage(items=[_operation(view) for view in shown], next_cursor=more)
    return answer(call, 200, page, stale_as_of=found.stale_as_of)


def _operation(view: OperationView) -> shapes.OperationShown:
    return shapes.OperationShown(
        operation_id=str(view.operation_id),
        wallet_id=str(view.wallet_id),
        operation_type=view.type,
        destination_wallet_id=_text(view.destination_wallet_id) or msgspec.UNSET,
        amount=format_minor(view.amount, view.currency),
        status=view.status,
        reason=view.reason or None,
        transaction_id=_text(view.transaction_id),
        balance=None if view.balance is None else format_minor(view.balance, view.currency),
        created_at=rfc3339(view.created_at),
        processed_at=None if view.processed_at is None else rfc3339(view.processed_at),
    )
