"""Put a client on another plan, as two people have agreed."""

from __future__ import annotations

from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallets import errors
from wallets.models import Client
from wallets.operations.create_client import find_plan, lock_client


def change_plan(*, name: str, plan: str, by: Actor, reason: str) -> str:
    """Put a client on a plan and return the one it had, as a part of the caller's transaction.

    Only an approval that is carried out calls this: a plan decides how much a client may ask for.

    :raises ClientNotFound: if there is no such client.
    :raises FieldInvalid: if there is no such plan.
    :raises ClientUnchanged: if it is on the plan already.
    """
    client, wanted = lock_client(name), find_plan(plan)
    before = str(client.plan.name)
    if before == plan:
        raise errors.ClientUnchanged(f"{name} is on the plan {plan} already.")
    Client.objects.using(PRIMARY).filter(pk=client.pk).update(plan=wanted)
    detail = {"name": name, "before": before, "after": plan}
    act = Act("client.change_plan", "wallets.client", str(client.pk), reason, detail)
    audit.record(by, act)
    return before
