"""What stands in the side bar, by task. Each line is seen by those who may open its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse_lazy

_LINKS: Final[list[Any]] = []
"""Where the lines lead; addresses are not known yet when this module is read."""


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    def has(request: HttpRequest) -> bool:
        return bool(request.user.has_perm(permission))

    return has


def _is_at(link: Any) -> Callable[[HttpRequest], bool]:
    """Tell whether a page is the line's own: below its address, and below no longer one."""

    def is_there(request: HttpRequest) -> bool:
        below = [one for one in _LINKS if request.path.startswith(str(one))]
        return bool(below) and str(link) == str(max(below, key=lambda one: len(str(one))))

    return is_there


def page(title: str, icon: str, url: str, permission: str, *args: str) -> dict[str, Any]:
    """Make a line that leads to a page by the name of its URL, such as `admin:home`."""
    link = reverse_lazy(url, args=args)
    _LINKS.append(link)
    return {
        "title": title,
        "icon": icon,
        "link": link,
        "active": _is_at(link),
        "permission": _may(permission),
    }


def rows(title: str, icon: str, model: str) -> dict[str, Any]:
    """Make a line that leads to the list of a model, such as `wallets.wallet`."""
    app, _, name = model.partition(".")
    return page(title, icon, f"admin:{app}_{name}_changelist", f"{app}.view_{name}")


DESK: Final = [
    rows("Waiting for approval", "approval", "approvals.approval"),
    rows("Approval limits", "price_check", "approvals.approvallimit"),
]
MONEY: Final = [
    rows("Wallets", "account_balance_wallet", "wallets.wallet"),
    rows("Holds", "lock_clock", "wallets.hold"),
    rows("Payouts", "payments", "wallets.payout"),
    rows("Operations", "sync_alt", "wallets.operation"),
    rows("Refusals", "block", "wallets.refusal"),
    rows("Limits", "speed", "safeguards.limit"),
    rows("Statements", "description", "exports.issuedstatement"),
    rows("Exports", "download", "exports.exportjob"),
    rows("Monthly statements", "calendar_month", "exports.monthlystatements"),
]
BOOKS: Final = [
    rows("Journal", "menu_book", "ledger.journalentry"),
    rows("Postings", "receipt_long", "ledger.posting"),
    rows("Accounts", "list_alt", "ledger.account"),
    page("Account tree", "account_tree", "admin:ledger_account_tree", "ledger.view_account"),
    page("Trial balance", "balance", "admin:ledger_account_trial_balance", "ledger.view_account"),
    page("Balance sheet", "finance", "admin:ledger_account_balance_sheet", "ledger.view_account"),
    page("Safeguarding", "shield", "admin:ledger_account_safeguarding", "ledger.view_account"),
    page("By channel", "swap_vert", "admin:ledger_account_channels", "ledger.view_account"),
    page("Fees", "percent", "admin:ledger_account_fees", "ledger.view_account"),
    rows("Reversals", "undo", "ledger.reversal"),
    rows("Corrections", "edit_note", "ledger.correction"),
    rows("Periods", "calendar_month", "periods.calendar"),
    rows("Closed months", "event_available", "periods.close"),
    rows("Proofs", "verified", "ledger.ledgerproof"),
    rows("Seals", "lock", "ledger.seal"),
]
RECONCILIATION: Final = [
    rows("Items", "compare_arrows", "reconciliation.item"),
    page(
        "Suspense by age",
        "hourglass_bottom",
        "admin:reconciliation_item_suspense",
        "reconciliation.view_item",
    ),
    rows("Runs", "fact_check", "reconciliation.run"),
    rows("Matches", "join_inner", "reconciliation.match"),
    rows("Files", "upload_file", "reconciliation.statementfile"),
    rows("Lines", "view_list", "reconciliation.statementline"),
    rows("Channels", "tune", "reconciliation.channelsetup"),
]
EVENTS: Final = [
    rows("Outbox", "outbox", "events.outboxevent"),
    rows("Dead letters", "report", "events.deadletter"),
    rows("Consumed events", "inbox", "events.consumedevent"),
    rows("Webhook endpoints", "webhook", "webhooks.webhookendpoint"),
    rows("Webhook deliveries", "send", "webhooks.webhookdelivery"),
    rows("Notifications", "mail", "notifications.notification"),
    rows("Archive", "inventory_2", "events.archivedfile"),
]
RISK: Final = [
    rows("Fraud alerts", "gpp_maybe", "fraud.fraudalert"),
    rows("Decisions", "gavel", "fraud.alertact"),
    rows("Rules", "rule", "fraud.fraudrule"),
    page(
        "Stop all money",
        "pan_tool",
        "admin:approvals_approval_list_act",
        "approvals.request_approval",
        "pause",
    ),
]
ACCESS: Final = [
    rows("Clients", "business", "wallets.client"),
    rows("API keys", "key", "wallets.apikey"),
    rows("Plans", "speed", "wallets.plan"),
    rows("Contacts", "contact_mail", "notifications.contact"),
    rows("Staff", "badge", "auth.user"),
    rows("Roles", "groups", "auth.group"),
    rows("Audit log", "policy", "kit.auditrecord"),
    rows("Privacy", "shield_person", "privacy.privacyrecord"),
]

SIDEBAR: Final[dict[str, Any]] = {
    "show_search": True,
    "show_all_applications": False,
    "navigation": [
        {
            "items": [
                {"title": "Home", "icon": "space_dashboard", "link": reverse_lazy("admin:index")}
            ]
        },
        {"title": "Finance desk", "separator": True, "items": DESK},
        {"title": "Money", "separator": True, "items": MONEY},
        {"title": "Books", "separator": True, "items": BOOKS},
        {"title": "Reconciliation", "separator": True, "items": RECONCILIATION},
        {"title": "Events", "separator": True, "items": EVENTS},
        {"title": "Risk", "separator": True, "items": RISK},
        {"title": "Access", "separator": True, "items": ACCESS},
    ],
}
