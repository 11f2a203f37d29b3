"""Commands between a wallet and the outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from wallet_project.kit.errors import DomainError
from wallets import idempotency
from wallets.chart import Kind
from wallets.identity import WalletIdentity
from wallets.operations import _house_accounts
from wallets.operations._commands import MovementCommand, MovementRequest


@dataclass(frozen=True, slots=True)
class Rail:
    """What names the account of a payment rail."""

    client: int
    client_name: str
    channel: str
    currency: str

    @property
    def is_known(self) -> bool:
        """Whether its account is known without asking the database."""
        return _house_accounts.is_known(self.client_name, self.channel, self.currency)


def rail_of(wallet: WalletIdentity, request: MovementRequest) -> Rail:
    """Name the rail that a request goes by."""
    return Rail(wallet.client, wallet.client_name, request.channel, wallet.currency)


def learn(rails: Sequence[Rail]) -> list[UUID | DomainError]:
    """Find or make the accounts of rails, so that they are known; in its place each, or why not:
    TooManyChannels."""
    return [_learn(rail) for rail in rails]


def command(kind: Kind, wallet: WalletIdentity, request: MovementRequest) -> MovementCommand:
    """Prepare a deposit or a withdrawal through the payment rail the request names."""
    rail = _account_of(rail_of(wallet, request))
    digest = idempotency.request_hash(kind, [wallet.id.bytes, *request.parts(wallet)])
    return request.command(kind, wallet, counterparty=rail, request_hash=digest)


def _account_of(rail: Rail) -> UUID:
    return _house_accounts.external(
        client=rail.client,
        client_name=rail.client_name,
        channel=rail.channel,
        currency=rail.currency,
    )


def _learn(rail: Rail) -> UUID | DomainError:
    try:
        return _account_of(rail)
    except DomainError as error:
        return error
