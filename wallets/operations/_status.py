"""From one status to another: one guarded row, one step of the version, one event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import transaction

from events import outbox
from wallet_project.kit import audit, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import Refused
from wallets import balance_cache, errors, queries
from wallets.identity import WalletIdentity
from wallets.models import Wallet, WalletStatus
from wallets.operations import _facts, _locking
from wallets.operations._balances import BalanceGuardFailed
from wallets.policies import WalletState
from wallets.queries import WalletView
from wallets.sources import as_cached

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """What a caller asks of a change of status, the same for every verb."""

    actor: str
    """Who asks: `key:<prefix>`, `staff:<id>`, `command:<name>`."""
    reason: str | None = None
    """For the log only: events and answers carry no free text about people."""
    expected_version: int | None = None
    """None: whatever version the wallet has."""
    staff: audit.Actor | None = None
    """Who of ours asks: the step is then noted in the audit log, with its reason, in its own
    transaction. None for callers of the API and for consumers: what they do, their events tell."""
    by_client: bool = False
    """Asked for over the API, by the client whose wallet it is."""
    dry_run: bool = False
    """Do everything and take it back: what would be refused is refused, and nothing changes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of status that can be."""

    act: str
    """What the audit log calls it."""
    to: WalletStatus
    leaves: Collection[WalletStatus]
    told_as: str
    """The event's type."""
    refuse: Callable[[WalletState], Refused | None]
    """Why the wallet, as it is under its lock, cannot take the step; None when it can."""


def take(step: Step, wallet: WalletIdentity, request: StatusRequest) -> WalletView:
    """Bring a wallet to a status; one that has it already stays as it is, and nothing is told.

    A freeze by the operator goes before one by the client, who then cannot undo it.

    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    :raises FrozenByOperator: to a client that would undo it.
    :raises Refused: what the step's policy says.
    """
    view, changed = database.run_retrying(
        lambda: _attempt(step, wallet, request), database.INTERACTIVE, operation="change_status"
    )
    if not request.dry_run:
        _finish(step, wallet, request, view, changed=changed)
    return view


def take_within(step: Step, wallet: WalletIdentity, request: StatusRequest) -> None:
    """Take a step like `take`, as a part of the caller's transaction, which may do it only once.

    Who takes several locks the wallets in the order of their ids.

    :raises Refused: what the step's policy says.
    """
    view, changed = _change(step, wallet, request)
    transaction.on_commit(
        lambda: _finish(step, wallet, request, view, changed=changed), using=PRIMARY
    )


def _finish(
    step: Step, wallet: WalletIdentity, request: StatusRequest, view: WalletView, *, changed: bool
) -> None:
    """Tell the cache and the log of a step that is committed."""
    balance_cache.put([as_cached(view, view.updated_at)])
    if changed:
        logger.info(
            "wallet.status_changed",
            extra={
                "wallet": str(wallet.id),
                "status": step.to.value,
                "actor": request.actor,
                "reason": request.reason,
            },
        )


def _attempt(step: Step, wallet: WalletIdentity, request: StatusRequest) -> tuple[WalletView, bool]:
    with transaction.atomic(using=PRIMARY, durable=True):
        changed = _change(step, wallet, request)
        if request.dry_run:
            transaction.set_rollback(True, using=PRIMARY)
        return changed


def _change(step: Step, wallet: WalletIdentity, request: StatusRequest) -> tuple[WalletView, bool]:
    row, state, moment = _locking.lock_row(wallet.id, expected_version=request.expected_version)
    if row.status == step.to and not _is_taken_over(row, request):
        return queries.view_of(row), False
    refusal = step.refuse(state)
    if refusal is not None:
        raise refusal
    if request.by_client and row.frozen_by_operator and step.to == WalletStatus.ACTIVE:
        raise errors.FrozenByOperator(
            "The operator of this service has frozen the wallet, and only they unfreeze it."
        )
    row.status = step.to
    row.frozen_by_operator = step.to == WalletStatus.FROZEN and not request.by_client
    row.version += 1
    row.updated_at = moment
    _update(row, step)
    outbox.record([_facts.about(row, step.told_as, moment)])
    if request.staff is not None:
        _note(request.staff, request.reason or "", step, row)
    return queries.view_of(row), True


def _is_taken_over(row: Wallet, request: StatusRequest) -> bool:
    """Tell whether the operator freezes what so far only its client has frozen."""
    is_clients = row.status == WalletStatus.FROZEN and not row.frozen_by_operator
    return is_clients and not request.by_client


def _note(staff: audit.Actor, reason: str, step: Step, row: Wallet) -> None:
    detail = {"version": row.version}
    act = audit.Act(step.act, Wallet._meta.label_lower, str(row.pk), reason, detail)
    audit.record(staff, act)


def _update(row: Wallet, step: Step) -> None:
    """Write the step, guarded: the row must still be what was locked, and empty if it closes."""
    rows = Wallet.objects.using(PRIMARY).filter(
        pk=row.pk, version=row.version - 1, status__in=[*step.leaves, step.to]
    )
    if step.to == WalletStatus.CLOSED:
        rows = rows.filter(balance=0, held=0)
    matched = rows.update(
        status=row.status,
        frozen_by_operator=row.frozen_by_operator,
        version=row.version,
        updated_at=row.updated_at,
    )
    if matched != 1:
        raise BalanceGuardFailed(f"{row.pk} was locked and is not as it was when it was locked.")
