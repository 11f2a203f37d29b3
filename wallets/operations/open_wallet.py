"""Open a wallet: its row, its account in the books and its first event, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from events import outbox
from ledger import queries as books
from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import exponent_of
from wallets import balance_cache, errors, idempotency, queries
from wallets.idempotency import Key
from wallets.identity import check_reference
from wallets.models import Hold, Operation, Refusal, Wallet, WalletStatus
from wallets.operations import _openings
from wallets.operations._replay import key_reused
from wallets.queries import WalletView
from wallets.sources import as_cached


@dataclass(frozen=True, slots=True)
class Opened:
    """A wallet as it was when it was opened, now or when this key was first used."""

    wallet: WalletView
    replayed: bool


def open_wallet(
    *,
    client: int,
    user_id: str | None,
    reference: str | None,
    currency: str,
    metadata: Mapping[str, Any],
    key: Key,
) -> Opened:
    """Open a wallet with nothing in it.

    :raises UnknownCurrency, FieldInvalid: if currency or reference cannot be.
    :raises ReferenceTaken: if another wallet of the client has the reference.
    :raises KeyReused: if the key has already named another request.
    """
    exponent_of(currency)
    if reference is not None:
        check_reference(reference)
    digest = idempotency.request_hash("open_wallet", [user_id, reference, currency, dict(metadata)])
    wallet = Wallet(
        id=uuid7(),
        client_id=client,
        user_id=user_id,
        reference=reference,
        currency=currency,
        metadata=dict(metadata),
        idempotency_key=key.digest,
        request_hash=digest,
    )
    opened = database.run_retrying(
        lambda: _attempt(wallet), database.INTERACTIVE, operation="open_wallet"
    )
    if not opened.replayed:
        balance_cache.put([as_cached(opened.wallet, wallet.created_at)])
        balance_cache.note_opened(client, wallet.created_at)
    return opened


def _attempt(wallet: Wallet) -> Opened:
    with transaction.atomic(using=PRIMARY, durable=True):
        earlier = _opened_before(wallet)
        if earlier is not None:
            return earlier
        if wallet.reference is not None and _is_taken(wallet):
            raise errors.ReferenceTaken(
                "Another wallet of yours has this reference.", field="reference"
            )
        outbox.record(_openings.insert_rows([wallet], queries.primary_clock()))
    return Opened(queries.view_of(wallet), replayed=False)


def _opened_before(wallet: Wallet) -> Opened | None:
    """Return what this key opened before, as it was then: the request itself tells how."""
    rows = Wallet.objects.using(PRIMARY).filter(idempotency_key=wallet.idempotency_key)
    found = rows.values_list("id", "request_hash", "created_at").first()
    if found is None:
        if _key_moves_money(wallet.idempotency_key):
            raise key_reused()
        return None
    wallet_id, request_hash, created_at = found
    if request_hash is None or bytes(request_hash) != wallet.request_hash:
        raise key_reused()
    wallet.id = wallet_id
    wallet.created_at = wallet.updated_at = created_at
    wallet.status = WalletStatus.ACTIVE
    return Opened(queries.view_of(wallet), replayed=True)


def _key_moves_money(key: bytes) -> bool:
    refusals = Refusal.objects.using(PRIMARY).filter(pk=key)
    operations = Operation.objects.using(PRIMARY).filter(idempotency_key=key)
    holds = Hold.objects.using(PRIMARY).filter(Q(idempotency_key=key) | Q(void_key=key))
    return (
        books.hash_of_key(key) is not None
        or refusals.exists()
        or operations.exists()
        or holds.exists()
    )


def _is_taken(wallet: Wallet) -> bool:
    twins = Wallet.objects.using(PRIMARY).filter(
        client_id=wallet.client_id, reference=wallet.reference
    )
    return twins.exists()
