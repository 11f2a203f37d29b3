"""Make a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from django.db import transaction

from wallet_project.kit import audit, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import Plan

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
LIMITS: Final = ("requests_per_minute", "withdrawals_per_minute")
"""What a plan grants; None: no limit."""
_LIMIT_MAX: Final = 10_000_000


def create_plan(
    *,
    name: str,
    requests_per_minute: int | None,
    withdrawals_per_minute: int | None,
    by: Actor,
    reason: str,
) -> None:
    """Make a plan; None: no limit.

    :raises FieldInvalid: if name or numbers cannot be.
    :raises PlanExists: if there is a plan of that name.
    """
    if not _NAME.fullmatch(name):
        raise errors.FieldInvalid(
            "A plan's name has 1 to 32 characters of a-z, 0-9 and -.", field="name"
        )
    limits = checked_limits(requests_per_minute, withdrawals_per_minute)

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            plan, is_new = Plan.objects.using(PRIMARY).get_or_create(name=name, defaults=limits)
            if not is_new:
                raise errors.PlanExists(f"There is a plan {name} already.", field="name")
            audit.record(by, _act("plan.create", plan, reason, {"after": limits}))

    database.run_retrying(body, database.INTERACTIVE)


def checked_limits(
    requests_per_minute: int | None, withdrawals_per_minute: int | None
) -> dict[str, int | None]:
    """Return what a plan is to grant, by the names of its columns.

    :raises FieldInvalid: if a number cannot be.
    """
    numbers = (requests_per_minute, withdrawals_per_minute)
    limits = dict(zip(LIMITS, numbers, strict=True))
    for field, limit in limits.items():
        if limit is not None and not 1 <= limit <= _LIMIT_MAX:
            raise errors.FieldInvalid(f"A limit is 1 to {_LIMIT_MAX}, or none.", field=field)
    return limits


def _act(action: str, plan: Plan, reason: str, detail: Mapping[str, object]) -> Act:
    return Act(action, "wallets.plan", str(plan.pk), reason, {"name": plan.name, **detail})
