"""The sections of a wallet's page: the latest of everything that belongs to it.

Each takes one look-up in an index, and is there for those who may see its table.
"""

from __future__ import annotations

from typing import Final

from events import stream_queries
from events.consumers.fraud import queries as fraud
from events.consumers.notifications import queries as notifications
from wallets import staff_queries
from wallets.admin.cells import Cell, Links, Section, amount, short, titles, utc
from wallets.chart import OPERATION_TYPES, Kind
from wallets.models import HoldOwner, OperationStatus
from wallets.staff_queries import WalletFacts

SHOWN: Final = 20

STATUS_TONES: Final = {"ACTIVE": "success", "FROZEN": "warning", "CLOSED": "danger"}
_HOLD_TONES: Final = {"ACTIVE": "info", "CAPTURED": "success"}
_OPERATION_TONES: Final = {
    OperationStatus.PENDING: "warning",
    OperationStatus.COMPLETED: "success",
    OperationStatus.FAILED: "danger",
}
_PAYOUT_TONES: Final = {"PAID": "success", "REFUSED": "danger", "UNKNOWN": "warning"}
_EVENT_TONES: Final = {"Published": "success", "Quarantined": "danger", "Held": "warning"}
_ALERT_TONES: Final = {"Open": "warning", "Cleared": "success", "Confirmed": "danger"}


def sections(facts: WalletFacts, links: Links) -> list[Section]:
    """Make the sections that this person may see."""
    makers = (
        ("wallets.view_hold", holds),
        ("wallets.view_operation", operations),
        ("wallets.view_payout", payouts),
        ("events.view_outboxevent", events),
        ("fraud.view_fraudalert", alerts),
        ("notifications.view_notification", messages),
    )
    return [make(facts, links) for permission, make in makers if links.may(permission)]


def holds(facts: WalletFacts, links: Links) -> Section:
    """Show money that was set aside, and what became of it."""
    found = staff_queries.latest_holds(facts.row.pk, facts.true_at, limit=SHOWN)
    rows = [
        (
            Cell(short(hold.id), links.row("wallets", "hold", hold.id)),
            Cell(hold.status, tone=_HOLD_TONES.get(hold.status, "warning")),
            amount(hold.amount, hold.currency),
            amount(hold.captured, hold.currency),
            Cell("payout" if hold.owner == HoldOwner.PAYOUT else "client"),
            Cell(utc(hold.created_at)),
            Cell(utc(hold.expires_at) if hold.expires_at else "never"),
        )
        for hold in found
    ]
    return Section(
        "Holds",
        titles("Hold", "Status", "Amount#", "Captured#", "Ended by", "Placed", "Expires"),
        rows,
        "Nothing was ever set aside in this wallet.",
        links.list("wallets", "hold", q=str(facts.row.pk)),
    )


def operations(facts: WalletFacts, links: Links) -> Section:
    """Show what was accepted to be made afterwards."""
    found = staff_queries.latest_operations(facts.row.pk, limit=SHOWN)
    rows = [
        (
            Cell(short(one.operation_id), links.row("wallets", "operation", one.pk)),
            Cell(OPERATION_TYPES[Kind(one.kind)]),
            Cell(
                OperationStatus(one.status).label,
                tone=_OPERATION_TONES.get(OperationStatus(one.status), "info"),
                hint=one.reason,
            ),
            amount(one.amount, one.currency),
            Cell(utc(one.created_at)),
            Cell(utc(one.processed_at)),
        )
        for one in found
    ]
    return Section(
        "Operations",
        titles("Operation", "Type", "Status", "Amount#", "Accepted", "Processed"),
        rows,
        "No operation was accepted for this wallet; its movements were made at once.",
        links.list("wallets", "operation", q=str(facts.row.pk)),
    )


def payouts(facts: WalletFacts, links: Links) -> Section:
    """Show money on its way out by the payment gateway."""
    found = staff_queries.latest_payouts(facts.row.pk, limit=SHOWN)
    rows = [
        (
            Cell(short(payout.pk), links.row("wallets", "payout", payout.pk)),
            Cell(payout.status, tone=_PAYOUT_TONES.get(payout.status, "info"), hint=payout.reason),
            amount(payout.amount, payout.currency),
            Cell(short(payout.entry), links.entry(payout.entry)) if payout.entry else Cell("-"),
            Cell(utc(payout.created_at)),
            Cell(utc(payout.ended_at)),
        )
        for payout in found
    ]
    return Section(
        "Payouts",
        titles("Payout", "Status", "Amount#", "Entry", "Asked for", "Ended"),
        rows,
        "No payout was asked for from this wallet.",
        links.list("wallets", "payout", wallet=str(facts.row.pk)),
    )


def events(facts: WalletFacts, links: Links) -> Section:
    """Show what the world was told of the wallet, as far as the outbox still has it."""
    found = stream_queries.latest_facts(facts.row.pk, limit=SHOWN)
    rows = [
        (
            Cell(str(fact.sequence), links.event(fact.row)),
            Cell(fact.type),
            Cell(fact.status, tone=_EVENT_TONES.get(fact.status, "info")),
            Cell(short(fact.entry), links.entry(fact.entry)) if fact.entry else Cell("-"),
            Cell(utc(fact.occurred_at)),
        )
        for fact in found
    ]
    return Section(
        "Events",
        titles("Version", "Type", "Status", "Entry", "Happened"),
        rows,
        "The outbox has no event of this wallet any more; the archive has the older ones.",
        links.list("events", "outboxevent", q=str(facts.row.pk)),
    )


def alerts(facts: WalletFacts, links: Links) -> Section:
    """Show what the fraud rules found."""
    found = fraud.latest_alerts(facts.row.pk, limit=SHOWN)
    rows = [
        (
            Cell(str(alert.id), links.row("fraud", "fraudalert", alert.id)),
            Cell(alert.rule),
            Cell(alert.status, tone=_ALERT_TONES.get(alert.status, "info"), hint=alert.decided_by),
            Cell(alert.action),
            Cell(utc(alert.triggered_at)),
        )
        for alert in found
    ]
    return Section(
        "Fraud alerts",
        titles("Alert", "Rule", "Status", "What it did", "Triggered"),
        rows,
        "No fraud rule was ever met by this wallet.",
        links.list("fraud", "fraudalert", status="all", q=str(facts.row.pk)),
    )


def messages(facts: WalletFacts, links: Links) -> Section:
    """Show what the holder was told, never to which address."""
    found = notifications.latest_notifications(facts.row.pk, limit=SHOWN)
    rows = [
        (
            Cell(str(one.id), links.row("notifications", "notification", one.id)),
            Cell(one.kind),
            Cell(one.channel),
            _sent(one),
            Cell(utc(one.created_at)),
        )
        for one in found
    ]
    return Section(
        "Notifications",
        titles("Number", "About", "Channel", "State", "Made"),
        rows,
        "The holder was told nothing: nobody asked for it, or nothing happened.",
        links.list("notifications", "notification", q=str(facts.row.pk)),
    )


def _sent(one: notifications.Told) -> Cell:
    if one.sent_at is not None:
        return Cell("Sent", tone="success", hint=utc(one.sent_at))
    return Cell("Waiting", tone="info") if one.is_waiting else Cell("Not sent", tone="danger")
