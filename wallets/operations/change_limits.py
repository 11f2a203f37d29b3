"""Change what a plan grants, as two people have agreed."""

from __future__ import annotations

from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import Plan
from wallets.operations.create_plan import checked_limits


def change_limits(
    *,
    name: str,
    requests_per_minute: int | None,
    withdrawals_per_minute: int | None,
    by: Actor,
    reason: str,
) -> None:
    """Change what a plan grants to all clients that are on it, as a part of the caller's
    transaction; None: no limit.

    Only an approval that is carried out calls this.

    :raises FieldInvalid: if there is no such plan, or the numbers cannot be.
    """
    limits = checked_limits(requests_per_minute, withdrawals_per_minute)
    plans = Plan.objects.using(PRIMARY).filter(name=name)
    plan = plans.select_for_update().first()
    if plan is None:
        raise errors.FieldInvalid(f"There is no plan {name}.", field="name")
    before = {key: getattr(plan, key) for key in limits}
    plans.update(**limits)
    detail = {"name": name, "before": before, "after": limits}
    audit.record(by, Act("plan.change", "wallets.plan", str(plan.pk), reason, detail))
