"""Movements of wallets by the client's own names: the first credit under a name makes the wallet.

The digest of a command is over names, never over ids: the first call finds no wallet, its repeat
finds one, and both are the same command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings

from wallet_project.kit.ids import uuid7
from wallets import errors, idempotency, identity
from wallets.identity import WalletIdentity
from wallets.operations import deposit as deposit_verb
from wallets.operations import transfer as transfer_verb
from wallets.operations import withdraw as withdraw_verb
from wallets.operations._commands import MovementCommand, MovementRequest, Opening


@dataclass(frozen=True, slots=True)
class Payee:
    """A wallet about to be credited: one that exists, or one that the credit makes."""

    wallet: WalletIdentity
    opening: Opening | None = None


def payee(*, client: int, client_name: str, name: str, field: str) -> Payee:
    """Find the client's wallet of a name, or plan to open it in the default currency.

    :raises FieldInvalid: if there is none and it cannot be opened under that name.
    :raises WalletNotFound: if the name is the UUID of no wallet of the client.
    """
    found = identity.find(client, name)
    if found is not None:
        return Payee(found)
    if identity.parse_uuid(name) is not None:
        raise errors.WalletNotFound("The wallet does not exist.", field=field)
    reference = identity.check_reference(name, field=field)
    opening = Opening(uuid7(), reference, settings.DEFAULT_CURRENCY)
    wallet = WalletIdentity(opening.wallet, client, client_name, opening.currency, reference)
    return Payee(wallet, opening)


def deposit(*, payee: Payee, request: MovementRequest) -> MovementCommand:
    """Prepare a deposit.

    :raises TooManyChannels: if the client can have no more payment rails.
    """
    command = deposit_verb.command(wallet=payee.wallet, request=request)
    return _by_name(command, payee.opening, payee.wallet)


def withdraw(*, wallet: WalletIdentity, request: MovementRequest) -> MovementCommand:
    """Prepare a withdrawal; it never makes a wallet.

    :raises TooManyChannels: if the client can have no more payment rails.
    """
    return _by_name(withdraw_verb.command(wallet=wallet, request=request), None, wallet)


def transfer(*, source: WalletIdentity, payee: Payee, request: MovementRequest) -> MovementCommand:
    """Prepare a transfer; only its destination may be new."""
    command = transfer_verb.command(source=source, destination=payee.wallet, request=request)
    return _by_name(command, payee.opening, source, payee.wallet)


def _by_name(
    command: MovementCommand, opening: Opening | None, *wallets: WalletIdentity
) -> MovementCommand:
    names = [wallet.name for wallet in wallets]
    digest = idempotency.request_hash(
        f"{command.kind} by name", [*names, command.amount, command.currency]
    )
    return replace(command, opening=opening, request_hash=digest)
