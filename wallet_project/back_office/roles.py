"""Who may do what: the five roles, and the rights of each.

A role is a group of Django's. Its rights stand here and nowhere else: a migration makes them, and
`manage.py sync_roles` after a change of this table. A maker proposes, a checker approves; the
database itself lets nobody be both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps as global_apps
from django.db import transaction

MAKER: Final = "maker"
CHECKER: Final = "checker"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One permission, and the model it is about."""

    app: str
    model: str
    codename: str

    def __str__(self) -> str:
        return f"{self.app}.{self.codename}"


def view(*models: str) -> frozenset[Right]:
    """Make the rights to see the rows of models, such as `wallets.wallet`."""
    found = (label.split(".") for label in models)
    return frozenset(Right(app, model, f"view_{model}") for app, model in found)


def act(model: str, *codenames: str) -> frozenset[Right]:
    """Make rights to act on a model's rows, by the names in its `Meta.permissions`."""
    app, _, name = model.partition(".")
    return frozenset(Right(app, name, codename) for codename in codenames)


BUSINESS: Final = view(
    "wallets.wallet",
    "wallets.hold",
    "wallets.payout",
    "wallets.operation",
    "wallets.refusal",
    "wallets.client",
    "wallets.apikey",
    "wallets.plan",
    "safeguards.limit",
    "ledger.account",
    "ledger.journalentry",
    "ledger.posting",
    "ledger.reversal",
    "ledger.correction",
    "ledger.seal",
    "ledger.ledgerproof",
    "periods.calendar",
    "periods.close",
    "periods.closingfigure",
    "events.outboxevent",
    "events.archivedfile",
    "events.consumedevent",
    "events.deadletter",
    "webhooks.webhookendpoint",
    "webhooks.webhookdelivery",
    "fraud.fraudalert",
    "fraud.alertact",
    "fraud.fraudrule",
    "reconciliation.channelsetup",
    "reconciliation.statementfile",
    "reconciliation.statementline",
    "reconciliation.item",
    "reconciliation.match",
    "reconciliation.run",
    "approvals.approval",
    "approvals.approvallimit",
    "exports.issuedstatement",
    "exports.exportjob",
    "exports.monthlystatements",
)
EXPORTING: Final = act("exports.exportjob", "request_exportjob", "download_exportjob") | act(
    "exports.issuedstatement", "verify_issuedstatement"
)
PERSONAL: Final = view(
    "notifications.contact", "notifications.notification", "privacy.privacyrecord"
)
STAFF: Final = view("auth.user", "auth.group", "kit.auditrecord")

ROLES: Final[dict[str, frozenset[Right]]] = {
    "viewer": BUSINESS,
    MAKER: BUSINESS
    | EXPORTING
    | act("wallets.wallet", "freeze_wallet")
    | act("wallets.hold", "void_hold")
    | act("wallets.payout", "try_payout")
    | act("periods.calendar", "close_period", "request_reopening")
    | act("events.deadletter", "replay_deadletter")
    | act("webhooks.webhookdelivery", "redeliver_webhookdelivery")
    | act("fraud.fraudalert", "review_fraudalert")
    | act("reconciliation.statementfile", "load_file")
    | act("reconciliation.run", "run_reconciliation")
    | act("reconciliation.item", "work_item", "request_difference")
    | act("reconciliation.match", "end_match")
    | act(
        "approvals.approval",
        *("request_approval", "request_correction", "request_unfreezing"),
        *("request_plan_change", "request_rebuild"),
    ),
    CHECKER: BUSINESS
    | EXPORTING
    | act("wallets.wallet", "unfreeze_wallet")
    | act("wallets.plan", "manage_plan")
    | act("safeguards.limit", "set_limit")
    | act("periods.calendar", "approve_reopening", "set_time_zone")
    | act("fraud.fraudrule", "change_fraudrule")
    | act("reconciliation.channelsetup", "set_up_channel")
    | act("reconciliation.item", "approve_difference")
    | act(
        "approvals.approval",
        *("decide_approval", "approve_correction", "approve_plan_change", "approve_rebuild"),
    ),
    "auditor": BUSINESS | PERSONAL | STAFF | EXPORTING,
    "operator": BUSINESS
    | act("events.outboxevent", "release_outboxevent")
    | act("events.deadletter", "replay_deadletter", "discard_deadletter")
    | act("webhooks.webhookendpoint", "switch_webhookendpoint")
    | act("webhooks.webhookdelivery", "redeliver_webhookdelivery")
    | act("wallets.client", "manage_client")
    | act("exports.monthlystatements", "manage_monthlystatements")
    | act("wallets.apikey", "manage_apikey"),
}


def are_at_odds(roles: Iterable[str]) -> bool:
    """Tell whether one person with these roles could approve what he has proposed."""
    return {MAKER, CHECKER} <= set(roles)


def sync(database: str, *, apps: Any = global_apps, dry_run: bool = False) -> list[str]:
    """Give each role exactly the rights of the table; return what had to change, one a line.

    Permissions that nobody has made yet are made here: a migration runs before Django makes them.
    """
    Group = apps.get_model("auth", "Group")
    changes = []
    with transaction.atomic(using=database):
        for role, wanted in ROLES.items():
            group = Group.objects.using(database).filter(name=role).first()
            if group is None:
                changes.append(f"{role}: new")
                if not dry_run:
                    group = Group.objects.using(database).create(name=role)
            changes += _sync_rights(database, apps, role, group, wanted, dry_run=dry_run)
    return changes


def _sync_rights(
    database: str, apps: Any, role: str, group: Any, wanted: frozenset[Right], *, dry_run: bool
) -> list[str]:
    # By the table between them: a related manager asks the router, which knows one primary only,
    # and a migration works as the tables' owner.
    links = apps.get_model("auth", "Group").permissions.through.objects.using(database)
    held = _rights_of(links, group) if group is not None else {}
    added, removed = sorted(wanted - held.keys()), sorted(held.keys() - wanted)
    if not dry_run:
        for right in added:
            permission = _permission(database, apps, right)
            links.get_or_create(group_id=group.pk, permission_id=permission.pk)
        links.filter(pk__in=[held[right] for right in removed]).delete()
    return [f"{role}: + {right}" for right in added] + [f"{role}: - {right}" for right in removed]


def _rights_of(links: Any, group: Any) -> dict[Right, int]:
    """Return the rights of a group, each with the key of its link."""
    found = links.filter(group_id=group.pk).values_list(
        "permission__content_type__app_label",
        "permission__content_type__model",
        "permission__codename",
        "pk",
    )
    return {Right(app, model, codename): pk for app, model, codename, pk in found}


def _permission(database: str, apps: Any, right: Right) -> Any:
    """Return a permission's row; make it, and its model's, where Django has not."""
    types = apps.get_model("contenttypes", "ContentType").objects.using(database)
    rows = apps.get_model("auth", "Permission").objects.using(database)
    about, _ = types.get_or_create(app_label=right.app, model=right.model)
    name = f"Can {right.codename.replace('_', ' ')}"
    return rows.get_or_create(content_type=about, codename=right.codename, defaults={"name": name})[
        0
    ]
