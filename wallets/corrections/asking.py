"""What several kinds of request have in common: whose wallet it is, and what it has now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import format_minor
from wallets import errors, idempotency, staff_queries
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Line
from wallets.identity import WalletIdentity, identify, parse_uuid
from wallets.models import Client, Wallet
from wallets.operations._commands import MovementRequest
from wallets.staff_queries import WalletFacts


def wallet_of(client: int | None, text: str) -> WalletIdentity:
    """Find a wallet by its UUID.

    :raises FieldInvalid: if the text is none, or no client is named.
    :raises WalletNotFound: if the client has no such wallet.
    """
    if client is None or parse_uuid(text) is None:
        raise errors.FieldInvalid("Give the wallet's id.", field="wallet")
    return identify(client, text)


def owner_of(wallet: str) -> Wallet | None:
    """Find a wallet by its UUID or reference alone, for staff, who see those of all clients.

    :raises FieldInvalid: if several clients have a wallet of this reference.
    """
    text, rows = wallet.strip(), Wallet.objects.using(PRIMARY)
    found = parse_uuid(text)
    if found is not None:
        return rows.filter(pk=found).first()
    # By client, as the index of references begins with it.
    clients = list(Client.objects.using(PRIMARY).values_list("pk", flat=True))
    named = list(rows.filter(client__in=clients, reference=text)[:2]) if text else []
    if len(named) > 1:
        raise errors.FieldInvalid(
            "Several clients have a wallet of this reference; give its id.", field="wallet"
        )
    return named[0] if named else None


def facts_of(wallet: UUID) -> WalletFacts:
    """Read what a wallet has now.

    :raises WalletNotFound: if there is none.
    """
    found = staff_queries.facts(wallet)
    if found is None:
        raise errors.WalletNotFound("The wallet does not exist.")
    return found


def wallet_lines(wallet: UUID, change: int) -> list[Line]:
    """Tell a wallet's numbers, now and after a change of its balance in minor units."""
    facts = facts_of(wallet)
    row, currency = facts.row, facts.row.currency
    return [
        Line("Wallet", row.reference or str(row.pk), link=("wallets.wallet", row.pk)),
        Line("Status", row.status, is_state=True),
        Line("Balance", shown(row.balance, currency), shown(row.balance + change, currency)),
        Line(
            "Available", shown(facts.available, currency), shown(facts.available + change, currency)
        ),
    ]


def shown(minor: int, currency: str) -> str:
    """Write minor units for people."""
    return f"{format_minor(minor, currency)} {currency}"


def check_money(ask: Asked, currency: str) -> int:
    """Return the amount in minor units.

    :raises FieldInvalid: if there is none, or it is in another currency than the wallet.
    """
    if ask.amount is None:
        raise errors.FieldInvalid("Give an amount.", field="amount")
    if ask.currency != currency:
        raise errors.FieldInvalid(f"The wallet is in {currency}.", field="currency")
    return ask.amount


def request_of(approval: Approval, by: Actor, **more: Any) -> MovementRequest:
    """Make the movement's request: keyed by the approval, so that it happens once."""
    return MovementRequest(
        amount=approval.amount_minor or 0,
        currency=approval.currency,
        key=idempotency.approved(approval.client or 0, approval.pk),
        actor=by.id,
        reference=str(approval.pk),
        **more,
    )


def act_of(verb: str, approval: Approval, by: Actor, wallet: UUID) -> tuple[Actor, Act]:
    """Tell the audit log of it, under the wallet, where whoever asks looks."""
    detail = {
        "approval": str(approval.pk),
        "asked_by": approval.requested_by_name,
        "ticket": approval.ticket,
    }
    return by, Act(f"wallet.{verb}", "wallets.wallet", str(wallet), approval.reason, detail)
