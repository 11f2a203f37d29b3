"""How much each role may ask for and approve. The audit log keeps what each was before."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets.approvals.models import ApprovalLimit

_COLUMNS: Final = ("role", "currency", "request_max", "approve_max")


def set_limit(limit: ApprovalLimit, *, by: Actor) -> None:
    """Make a limit, or change it, from the next request and the next decision on."""
    with transaction.atomic(using=PRIMARY):
        before = _found(limit)
        limit.save(using=PRIMARY)
        _record("set", limit, by, {"before": before, "after": _values(limit)})


def remove_limit(limit: ApprovalLimit, *, by: Actor) -> None:
    """Remove a limit: the default counts again."""
    with transaction.atomic(using=PRIMARY):
        before, number = _found(limit), limit.pk
        limit.delete(using=PRIMARY)
        limit.pk = number
        _record("remove", limit, by, {"before": before, "after": None})


def _found(limit: ApprovalLimit) -> dict[str, Any] | None:
    if limit.pk is None:
        return None
    rows = ApprovalLimit.objects.using(PRIMARY).select_for_update()
    found = rows.filter(pk=limit.pk).first()
    return None if found is None else _values(found)


def _values(limit: ApprovalLimit) -> dict[str, Any]:
    return {name: getattr(limit, name) for name in _COLUMNS}


def _record(verb: str, limit: ApprovalLimit, by: Actor, detail: dict[str, Any]) -> None:
    act = Act(f"approvallimit.{verb}", "approvals.approvallimit", str(limit.pk), detail=detail)
    audit.record(by, act)
