"""Take a user's personal data from his wallets and from all that is kept about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from events import contracts, outbox
from ledger import erasing
from wallet_project.kit import audit, database
from wallet_project.kit.audit import Act
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.personal_data import Holding, holdings
from wallets import balance_cache, personal, queries
from wallets.models import Wallet
from wallets.operations import _facts, _locking
from wallets.privacy import records
from wallets.privacy.models import PrivacyKind
from wallets.privacy.records import Order
from wallets.sources import as_cached

ROWS_A_BATCH: Final = 200
ENTRIES: Final = "entry"
WALLETS: Final = "wallet"


@dataclass(slots=True)
class Erasure:
    """What became of one wallet."""

    wallet: UUID
    erased: Counter[str] = field(default_factory=Counter)
    """Rows whose personal data went, by kind; with a dry run those whose would."""
    left_because: str = ""
    """What must end before the rest can go."""
    is_done: bool = False
    from_sequence: int = 1
    """The posting of the wallet from which the books still have to be looked at."""


def wallets_of(client: int, user_id: str) -> list[UUID]:
    """List a user's wallets that are not wholly erased, by id."""
    rows = Wallet.objects.using(PRIMARY).filter(client_id=client, user_id=user_id)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def erase_user(
    *,
    wallets: Collection[UUID],
    order: Order,
    batch_size: int = ROWS_A_BATCH,
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[Erasure]:
    """Erase wallet by wallet and yield what became of each, until `enough()`.

    Each batch is a transaction with its record. The wallet loses the user's name in its last one,
    so whoever asks for the user again finds exactly the wallets that are left.
    """
    for wallet in sorted(wallets):
        if enough():
            return
        erasure = Erasure(wallet)
        for _ in _batches(erasure, order, batch_size):
            if enough():
                break
        else:
            _finish(erasure, order, batch_size, enough)
        yield erasure


def count_texts(*, wallets: Collection[UUID], batch_size: int = ROWS_A_BATCH) -> Iterator[Erasure]:
    """Tell wallet by wallet what an erasure would take, and change nothing."""
    for wallet in sorted(wallets):
        found = Erasure(wallet, left_because=personal.open_work(wallet))
        found.erased.update({one.name: one.count(wallet) for one in holdings() if one.count})
        sequence: int | None = 1
        while sequence is not None:
            step = erasing.count_texts(wallet, from_sequence=sequence, limit=batch_size)
            found.erased[ENTRIES] += step.erased
            sequence = step.next_sequence
        row = Wallet.objects.using(PRIMARY).get(pk=wallet)
        found.erased[WALLETS] = int(_has_text(row))
        yield found


def _batches(erasure: Erasure, order: Order, size: int) -> Iterator[None]:
    """Erase all that needs no lock of the wallet, a transaction a step."""
    for holding in holdings():
        while _run(partial(_erase_rows, erasure, order, holding, size)) == size:
            yield
    while _run(lambda: _erase_entries(erasure, order, size)):
        yield
    yield


def _erase_rows(erasure: Erasure, order: Order, holding: Holding, size: int) -> int:
    if holding.erase is None:
        return 0
    with transaction.atomic(using=PRIMARY, durable=True):
        changed = holding.erase(erasure.wallet, size)
        _keep(erasure, order, Counter({holding.name: changed}))
    erasure.erased[holding.name] += changed
    return changed


def _erase_entries(erasure: Erasure, order: Order, size: int) -> bool:
    """Erase a batch of the books; tell whether there is more."""
    with transaction.atomic(using=PRIMARY, durable=True):
        step = erasing.erase_texts(erasure.wallet, from_sequence=erasure.from_sequence, limit=size)
        _keep(erasure, order, Counter({ENTRIES: step.erased}))
    erasure.erased[ENTRIES] += step.erased
    if step.next_sequence is None:
        return False
    erasure.from_sequence = step.next_sequence
    return True


def _finish(erasure: Erasure, order: Order, size: int, enough: Callable[[], bool]) -> None:
    """End a wallet's erasure under its lock; what came in meanwhile is erased before."""
    while not _run(lambda: _end(erasure, order, size)):
        if enough():
            return
        for _ in _batches(erasure, order, size):
            if enough():
                return


def _end(erasure: Erasure, order: Order, size: int) -> bool:
    """Take the user's name and notes from the wallet; tell whether that was the end of it.

    Holds whose time has passed are left to whoever ends them: this moves nothing that counts.
    """
    found: Counter[str] = Counter()
    wallet = erasure.wallet
    with transaction.atomic(using=PRIMARY, durable=True):
        _, moment = _locking.lock_wallets([wallet])
        # While a wallet is locked nothing new comes into its books.
        step = erasing.erase_texts(wallet, from_sequence=erasure.from_sequence, limit=size)
        found[ENTRIES] = step.erased
        found.update({one.name: one.erase(wallet, size) for one in holdings() if one.erase})
        is_full = step.next_sequence is not None or size in found.values()
        left = personal.open_work(wallet)
        row = Wallet.objects.using(PRIMARY).get(pk=wallet)
        is_last = not is_full and not left
        if is_last and _has_text(row):
            found[WALLETS] = 1
            row.user_id, row.metadata = None, {}
            row.version += 1
            row.updated_at = moment
            Wallet.objects.using(PRIMARY).filter(pk=row.pk).update(
                user_id=None, metadata={}, version=row.version, updated_at=moment
            )
            outbox.record([_facts.about(row, contracts.UPDATED, moment)])
        _keep(erasure, order, found, is_complete=is_last)
    erasure.erased.update(found)
    erasure.left_because, erasure.is_done = left, is_last
    if found[WALLETS]:
        view = queries.view_of(row)
        balance_cache.put([as_cached(view, view.updated_at)])
    return is_last or not is_full


def _keep(
    erasure: Erasure, order: Order, found: Counter[str], *, is_complete: bool = False
) -> None:
    """Record a step that changed something, with a line in the audit log."""
    counts = {name: number for name, number in sorted(found.items()) if number}
    if not counts and not (is_complete and erasure.erased.total()):
        return
    records.keep(order, PrivacyKind.ERASED, counts, wallet=erasure.wallet, is_complete=is_complete)
    act = Act(
        "wallet.erase",
        Wallet._meta.label_lower,
        str(erasure.wallet),
        order.reason,
        {"run": str(order.run), "rows": counts, "complete": is_complete},
    )
    audit.record(order.actor, act)


def _has_text(row: Wallet) -> bool:
    return row.user_id is not None or bool(row.metadata)


def _run(step: Callable[[], int]) -> int:
    return database.run_retrying(step, database.INTERACTIVE, operation="erase_user")
