"""From results to answers: status, headers and bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.errors import DomainError
from wallet_project.kit.money import format_minor
from wallets import queries
from wallets.api import parameters, shapes, shapes_books
from wallets.api.calls import JSON, Answer, Call, standard_headers
from wallets.movements import MovementRecord
from wallets.operations._commands import Outcome
from wallets.operations.open_wallet import Opened
from wallets.queries import WalletView
from wallets.trial_balance import TrialBalanceView

BASE: Final = "/api/v1"

_encoder: Final = msgspec.json.Encoder()


def movement(call: Call, outcome: Outcome) -> Answer:
    """Answer a deposit, withdrawal or transfer.

    :raises DomainError: the refusal that the outcome holds instead of a record.
    """
    call.replayed = outcome.replayed  # a refusal may be a replay too
    record = outcome.unwrap()
    return answer(
        call,
        201,
        _movement(record),
        location=f"{BASE}/transactions/{record.transaction_id}",
        version=record.version,
    )


def bulk(
    call: Call,
    outcomes: Sequence[Outcome],
    *,
    atomic: bool,
    told: Callable[[DomainError], tuple[int, bytes]],
) -> Answer:
    """Answer POST /transactions/bulk; `told` renders the error of a single movement.

    :raises DomainError: what an atomic bulk failed with, instead of being done.
    """
    call.replayed = all(outcome.replayed for outcome in outcomes)
    if atomic and outcomes[0].error is not None:
        raise outcomes[0].error
    return answer(
        call,
        200,
        shapes_books.BulkResults(
            results=[_bulk_result(index, one, told) for index, one in enumerate(outcomes)]
        ),
    )


def opened(call: Call, result: Opened) -> Answer:
    """Answer POST /wallets."""
    call.replayed = result.replayed
    return answer(
        call,
        201,
        _wallet(result.wallet),
        location=f"{BASE}/wallets/{result.wallet.id}",
        version=result.wallet.version,
    )


def wallet(call: Call, view: WalletView) -> Answer:
    """Answer with a wallet, or with 304 where the caller has this version already."""
    if call.method in ("GET", "HEAD") and parameters.is_known_to_caller(call, view.version):
        headers = standard_headers(call, JSON)
        del headers["Content-Type"]
        return Answer(304, headers=headers | {"ETag": f'"{view.version}"'})
    return answer(call, 200, _wallet(view), version=view.version, stale_as_of=view.stale_as_of)


def wallets_page(call: Call, found: queries.WalletsPage, limit: int) -> Answer:
    """Answer GET /wallets with a page; one view more than the limit tells that another follows."""
    shown = found.items[:limit]
    more = parameters.wallets_cursor(shown[-1].id) if len(found.items) > limit else None
    page = shapes.WalletPage(items=[_wallet(view) for view in shown], next_cursor=more)
    return answer(call, 200, page, stale_as_of=found.stale_as_of)


def history_page(call: Call, found: queries.HistoryPage, limit: int) -> Answer:
    """Answer GET …/transactions with a page; one item more than the limit tells of another."""
    shown = found.items[:limit]
    more = None
    if len(found.items) > limit:
        more = parameters.history_cursor(shown[-1].posting_sequence)
    page = shapes.HistoryPage(items=[_history_item(item) for item in shown], next_cursor=more)
    return answer(call, 200, page, stale_as_of=found.stale_as_of)


def balance(call: Call, view: queries.BalanceView) -> Answer:
    """Answer GET …/balance."""
    shown = shapes.BalanceShown(
        wallet_id=str(view.wallet_id),
        balance=format_minor(view.balance, view.currency),
        held=format_minor(view.held, view.currency),
        available=format_minor(view.available, view.currency),
        currency=view.currency,
        version=view.version,
        as_of=rfc3339(view.as_of),
        stale=view.stale,
    )
    return answer(call, 200, shown)


def past_balance(call: Call, view: queries.PastBalanceView) -> Answer:
    """Answer GET …/balance/historical."""
    shown = shapes.PastBalanceShown(
        wallet_id=str(view.wallet_id),
        balance=format_minor(view.balance, view.currency),
        currency=view.currency,
        as_of=rfc3339(view.as_of),
        posting_sequence=view.posting_sequence,
        transaction_id=_text(view.transaction_id),
        final=view.final,
    )
    return answer(call, 200, shown)


def transaction(call: Call, view: queries.TransactionView) -> Answer:
    """Answer GET /transactions/{id}."""
    shown = shapes.TransactionShown(
        transaction_id=str(view.transaction_id),
        type=view.type,
        amount=format_minor(view.amount, view.currency),
        currency=view.currency,
        reference_id=view.reference or None,
        description=view.description,
        metadata=_notes(view.metadata),
        channel=view.channel,
        value_date=view.value_date,
        created_at=rfc3339(view.created_at),
        reverses=_text(view.reverses),
        corrects=_text(view.corrects),
        postings=[_posting(line, view.currency) for line in view.lines],
    )
    return answer(call, 200, shown)


def trial_balance(call: Call, view: TrialBalanceView) -> Answer:
    """Answer GET /trial-balance."""
    shown = shapes_books.TrialBalanceShown(
        as_of=rfc3339(view.as_of),
        currencies=[
            shapes_books.CurrencyTotalsShown(
                currency=one.currency,
                debit=format_minor(one.debit, one.currency),
                credit=format_minor(one.credit, one.currency),
                difference=format_minor(one.credit - one.debit, one.currency),
            )
            for one in view.currencies
        ],
        accounts=[
            shapes_books.AccountBalanceShown(
                code=one.code,
                currency=one.currency,
                balance=format_minor(one.balance, one.currency),
            )
            for one in view.accounts
        ],
    )
    return answer(call, 200, shown)


def allowed_methods(call: Call, allowed: Sequence[str]) -> Answer:
    """Answer OPTIONS."""
    headers = standard_headers(call, JSON)
    del headers["Content-Type"]
    return Answer(204, headers=headers | {"Allow": ", ".join(allowed)})


def answer(
    call: Call,
    status: int,
    shown: shapes.Shown,
    *,
    location: str | None = None,
    version: int | None = None,
    stale_as_of: datetime | None = None,
) -> Answer:
    """Make the answer that shows something."""
    headers = standard_headers(call, JSON)
    if stale_as_of is not None:
        headers["X-Stale-As-Of"] = rfc3339(stale_as_of)
    if location is not None:
        headers["Location"] = location
    if version is not None:
        headers["ETag"] = f'"{version}"'
    return Answer(status, _encoder.encode(shown), headers)


def _bulk_result(
    index: int, outcome: Outcome, told: Callable[[DomainError], tuple[int, bytes]]
) -> shapes_books.BulkResult:
    if outcome.error is None:
        return shapes_books.BulkResult(index=index, status=201, body=_movement(outcome.unwrap()))
    status, problem = told(outcome.error)
    return shapes_books.BulkResult(index=index, status=status, problem=msgspec.Raw(problem))


def facts_of(record: MovementRecord) -> dict[str, Any]:
    """Tell what every movement's answer tells."""
    return {
        "transaction_id": str(record.transaction_id),
        "type": record.kind.upper(),
        "wallet_id": str(record.wallet_id),
        "amount": format_minor(record.amount, record.currency),
        "currency": record.currency,
        "balance": format_minor(record.balance, record.currency),
        "version": record.version,
        "reference_id": record.reference or None,
        "description": record.description,
        "created_at": rfc3339(record.created_at),
    }


def _movement(record: MovementRecord) -> shapes.Shown:
    facts = facts_of(record)
    if record.destination_wallet_id is None:
        return shapes.MovementShown(**facts)
    return shapes.TransferShown(destination_wallet_id=str(record.destination_wallet_id), **facts)


def _wallet(view: WalletView) -> shapes.WalletShown:
    return shapes.WalletShown(
        id=str(view.id),
        user_id=view.user_id,
        reference=view.reference,
        currency=view.currency,
        status=view.status,
        balance=format_minor(view.balance, view.currency),
        held=format_minor(view.held, view.currency),
        available=format_minor(view.available, view.currency),
        version=view.version,
        metadata=dict(view.metadata),
        created_at=rfc3339(view.created_at),
        updated_at=rfc3339(view.updated_at),
    )


def _history_item(item: queries.HistoryItem) -> shapes.HistoryItemShown:
    return shapes.HistoryItemShown(
        transaction_id=str(item.transaction_id),
        type=item.type,
        amount=format_minor(item.amount, item.currency),
        direction=_direction(item.is_credit),
        balance=format_minor(item.balance, item.currency),
        posting_sequence=item.posting_sequence,
        counterparty_wallet_id=_text(item.counterparty_wallet_id),
        currency=item.currency,
        reference_id=item.reference or None,
        description=item.description,
        metadata=_notes(item.metadata),
        created_at=rfc3339(item.created_at),
        value_date=item.value_date,
    )


def _posting(line: queries.TransactionLine, currency: str) -> shapes.PostingShown:
    return shapes.PostingShown(
        wallet_id=_text(line.wallet_id),
        account=line.account,
        direction=_direction(line.is_credit),
        amount=format_minor(line.amount, currency),
        balance=None if line.balance is None else format_minor(line.balance, currency),
        posting_sequence=line.posting_sequence,
    )


def _direction(is_credit: bool) -> str:
    return "CREDIT" if is_credit else "DEBIT"


def _notes(metadata: Any) -> dict[str, Any] | None:
    return None if metadata is None else dict(metadata)


def _text(identity: UUID | None) -> str | None:
    return None if identity is None else str(identity)
