"""How a command line names the user whose data are erased or handed out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from wallet_project.kit.audit import REASON_LENGTH_MAX, Actor
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY
from wallets.management.naming import client_named, wallet_named
from wallets.models import Wallet
from wallets.operations.erase_user import wallets_of
from wallets.privacy.records import Order, erased_at


def add_arguments(parser: ArgumentParser) -> None:
    """Take a client with a user of it, or a wallet, and the reason."""
    parser.add_argument("--client", help="whose user it is, by the client's name")
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--user", help="the client's own name for the user, its userId")
    whose.add_argument("--wallet", help="only this wallet: its UUID, or --client's reference of it")
    parser.add_argument("--reason", default="", help="why; it is kept for ever")


def order_of(options: dict[str, Any], command: str) -> tuple[Order, list[UUID]]:
    """Read whose data are meant; return that with the wallets, of which there may be none.

    :raises CommandError: if there is no reason, client, user or wallet of that name.
    """
    reason = options["reason"].strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise CommandError(
            f"Say why by --reason, in {REASON_LENGTH_MAX} characters at most; it is kept for ever."
        )
    actor = Actor(f"command:{command}")
    if options["wallet"] is not None:
        found = wallet_named(options["wallet"], options["client"])
        rows = Wallet.objects.using(PRIMARY).filter(pk=found.id)
        user = rows.values_list("user_id", flat=True).get()
        return Order(found.client, user, actor, reason), [found.id]
    if options["client"] is None:
        raise CommandError("Say by --client whose user it is.")
    client = client_named(options["client"])
    return Order(client, options["user"], actor, reason), wallets_of(client, options["user"])


def explain_nobody(order: Order) -> str:
    """Tell of a user without a wallet that he was erased.

    :raises CommandError: if he never had one here.
    """
    at = None if order.user_id is None else erased_at(order.client, order.user_id)
    if at is None:
        raise CommandError(
            "The client has no wallet of that user. Is the name right to the letter?"
        )
    return f"Nothing is left of that user: the last wallet was erased {rfc3339(at)}."
