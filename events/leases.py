"""Which relay works on which shard. Leases keep duplicates rare; order never hangs on them."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from events.models import ShardLease
from events.outbox import SHARDS
from wallet_project.kit.database import INTERACTIVE, PRIMARY, run_retrying

LEASE: Final = timedelta(seconds=30)
RENEW: Final = timedelta(seconds=25)
"""A lease that has more left is not renewed: that saves a commit at most drains, and is still
longer than a chunk can take."""
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def holder_name() -> str:
    """Make a name that no other relay has, one that tells an operator where to look."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"


def take(holder: str) -> list[int]:
    """Take every free shard, extend those already held, and list what is held now.

    Writes nothing when the holder has every shard for long enough.

    One compare-and-set on the database's clock: of two relays that try at once, one gets a shard.
    """
    held = _held_for_long(holder)
    if held:
        return held
    held = run_retrying(lambda: _take(holder), INTERACTIVE)
    if not held and not _leases().exists():
        _insert_rows()  # as the migration did; somebody emptied the table
        held = run_retrying(lambda: _take(holder), INTERACTIVE)
    return held


def give_back(holder: str) -> None:
    """Free all shards of a holder, so that the next relay need not wait for their expiry."""

    def body() -> None:
        with transaction.atomic(using=PRIMARY):
            _leases().filter(holder=holder).update(holder="", expires_at=LONG_AGO)

    run_retrying(body, INTERACTIVE)


def _held_for_long(holder: str) -> list[int]:
    """List all shards if this holder has all of them for longer than a chunk takes, else none."""
    held = _leases().filter(holder=holder, expires_at__gt=Now() + RENEW).order_by("shard")
    shards = list(held.values_list("shard", flat=True))
    return shards if len(shards) == SHARDS else []


def _take(holder: str) -> list[int]:
    free_or_mine = Q(holder__in=["", holder]) | Q(expires_at__lte=Now())
    with transaction.atomic(using=PRIMARY):
        found = _leases().filter(free_or_mine).update(holder=holder, expires_at=Now() + LEASE)
    if not found:
        return []
    held = _leases().filter(holder=holder, expires_at__gt=Now()).order_by("shard")
    return list(held.values_list("shard", flat=True))


def _leases() -> models.QuerySet[ShardLease]:
    return ShardLease.objects.using(PRIMARY)


def _insert_rows() -> None:
    ShardLease.objects.using(PRIMARY).bulk_create(
        [ShardLease(shard=shard, expires_at=LONG_AGO) for shard in range(SHARDS)],
        ignore_conflicts=True,
    )
