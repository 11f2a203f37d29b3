"""Who appears in the tests. Alice and Bob are customers of Acme, Charlie is one of Globex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from events.models import OutboxEvent
from ledger.models import JournalEntry, Posting
from wallet_project.kit.database import PRIMARY
from wallets import idempotency
from wallets.identity import WalletIdentity, identify
from wallets.models import Refusal, Wallet
from wallets.operations._commands import MovementRequest
from wallets.operations.deposit import deposit
from wallets.operations.open_wallet import open_wallet


@dataclass(frozen=True, slots=True)
class Company:
    """A client of the service with an API key that may do everything."""

    id: int
    name: str
    key: str


def wallet_of(company: Company, reference: str, *, currency: str = "USD") -> WalletIdentity:
    """Open an empty wallet."""
    open_wallet(
        client=company.id,
        user_id=f"user-{reference}",
        reference=reference,
        currency=currency,
        metadata={},
        key=idempotency.made_here(company.id),
    )
    return identify(company.id, reference)


def asks(
    amount: int, *, wallet: WalletIdentity, key: str | None = None, **more: Any
) -> MovementRequest:
    """Ask for a movement of so many minor units, with a header key or one made here."""
    made = idempotency.made_here(wallet.client)
    chosen = made if key is None else idempotency.from_header(wallet.client, key)
    return MovementRequest(amount=amount, key=chosen, actor="key:test", **more)


def fund(wallet: WalletIdentity, amount: int) -> None:
    """Deposit minor units."""
    deposit(wallet=wallet, request=asks(amount, wallet=wallet))


def balance(wallet: WalletIdentity) -> int:
    """Tell a wallet's balance in minor units, as the primary has it."""
    return Wallet.objects.using(PRIMARY).get(pk=wallet.id).balance


def books_now() -> dict[str, Any]:
    """Take a picture of everything a movement may change; equal pictures mean nothing happened."""
    wallets = Wallet.objects.using(PRIMARY).order_by("pk")
    return {
        "wallets": list(wallets.values_list("pk", "balance", "held", "version", "status")),
        "entries": JournalEntry.objects.count(),
        "postings": Posting.objects.count(),
        "events": OutboxEvent.objects.count(),
    }


def refusals() -> list[str]:
    """List the codes of stored refusals."""
    return list(Refusal.objects.order_by("created_at").values_list("code", flat=True))
