"""Change the notes on a wallet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from events import contracts, outbox
from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY
from wallets import balance_cache, errors, metadata, queries
from wallets.identity import WalletIdentity
from wallets.models import Wallet, WalletStatus
from wallets.operations import _facts, _locking
from wallets.queries import WalletView
from wallets.sources import as_cached


def update_metadata(
    *, wallet: WalletIdentity, patch: Mapping[str, Any], expected_version: int | None
) -> WalletView:
    """Apply a JSON merge patch to a wallet's metadata; a patch without effect changes nothing.

    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    :raises WalletClosed: if the wallet is closed.
    :raises FieldInvalid: if the result would be too large.
    """
    changed = database.run_retrying(
        lambda: _attempt(wallet, patch, expected_version),
        database.INTERACTIVE,
        operation="update_metadata",
    )
    balance_cache.put([as_cached(changed, changed.updated_at)])
    return changed


def _attempt(
    wallet: WalletIdentity, patch: Mapping[str, Any], expected_version: int | None
) -> WalletView:
    with transaction.atomic(using=PRIMARY, durable=True):
        row, _, moment = _locking.lock_row(wallet.id, expected_version=expected_version)
        if row.status == WalletStatus.CLOSED:
            raise errors.WalletClosed("A closed wallet takes no changes.")
        merged = metadata.merge(row.metadata, patch)
        metadata.check(merged)
        if merged == row.metadata:
            return queries.view_of(row)
        row.metadata = merged
        row.version += 1
        row.updated_at = moment
        Wallet.objects.using(PRIMARY).filter(pk=row.pk).update(
            metadata=row.metadata, version=row.version, updated_at=row.updated_at
        )
        outbox.record([_facts.about(row, contracts.UPDATED, moment)])
    return queries.view_of(row)
