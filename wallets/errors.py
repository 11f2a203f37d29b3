"""Every way the business turns something down, a sentence each."""

from __future__ import annotations

from typing import Any, Final

from wallet_project.kit.errors import (
    Conflict,
    Fact,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)


class WalletNotFound(NotFound):
    """No such wallet belongs to the client; another client's wallet looks the same."""

    code = "wallet_not_found"
    title = "The wallet does not exist"


class DestinationNotFound(WalletNotFound):
    """The transfer's destination is not a wallet of the client."""

    code = "destination_wallet_not_found"
    title = "The destination wallet does not exist"


class InsufficientFunds(Refused):
    """The wallet has less available than the debit needs."""

    code = "insufficient_funds"
    title = "Not enough money is available"


class WalletFrozen(Refused):
    """A frozen wallet takes neither credits nor debits."""

    code = "wallet_frozen"
    title = "The wallet is frozen"


class WalletClosed(Refused):
    """A closed wallet takes nothing."""

    code = "wallet_closed"
    title = "The wallet is closed"


class WalletNotEmpty(Refused):
    """A wallet is closed only when it has no money and no holds."""

    code = "wallet_not_empty"
    title = "The wallet is not empty"


class SameWallet(Refused):
    """A transfer needs two wallets."""

    code = "same_wallet"
    title = "Source and destination are the same wallet"


class CurrencyMismatch(Refused):
    """The wallets, or the wallet and the command, are in different currencies."""

    code = "currency_mismatch"
    title = "The currencies differ"


class BalanceTooLarge(Refused):
    """The balance after the credit would not fit the books."""

    code = "balance_too_large"
    title = "The balance would be too large"


class KeyReused(Refused):
    """The idempotency key has already named another command."""

    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"


class TooManyChannels(Refused):
    """A client has at most 64 payment rails for each currency and direction of the books."""

    code = "too_many_channels"
    title = "The client has too many channels"


class ReferenceTaken(Conflict):
    """Another wallet of the client has this reference."""

    code = "reference_taken"
    title = "The reference is taken"


class ScopeMissing(Forbidden):
    """The API key does not carry the scope."""

    code = "scope_missing"
    title = "The API key does not allow this"


class FieldInvalid(Invalid):
    """One field of the request breaks a rule."""

    code = "invalid_field"
    title = "A field is not valid"


class TimestampInFuture(Invalid):
    """A balance can only be told for a moment that has come."""

    code = "timestamp_in_future"
    title = "The timestamp lies in the future"


class PreconditionFailed(Conflict):
    """`If-Match` names an older version of the wallet."""

    code = "version_mismatch"
    title = "The wallet has changed"


class VersionNotReached(Conflict):
    """`X-Min-Version` asks for a version that the wallet does not have on the primary either."""

    code = "version_not_reached"
    title = "The wallet has no such version"


class ClientExists(Conflict):
    """A client of that name was admitted before."""

    code = "client_exists"
    title = "The client exists already"


class ClientNotFound(NotFound):
    """No client has that name."""

    code = "client_not_found"
    title = "The client does not exist"


class WalletJustOpened(Unavailable):
    """Somebody opened the wallet in another currency while this call was on its way."""

    code = "wallet_just_opened"
    title = "The wallet has just been opened"


class ClockAhead(Unavailable):
    """A wallet's latest posting lies in the future of the primary's clock."""

    code = "clock_ahead"
    title = "The books' clock runs ahead"


STORED: Final[dict[str, type[Refused]]] = {
    kind.code: kind
    for kind in (
        InsufficientFunds,
        WalletFrozen,
        WalletClosed,
        SameWallet,
        CurrencyMismatch,
        BalanceTooLarge,
    )
}
"""Refusals decided under the lock: kept with their key and told again, word for word."""


def stored_refusal(code: str, numbers: dict[str, Fact]) -> Refused:
    """Make the error of a stored refusal again; `detail` travels among its numbers."""
    facts: dict[str, Any] = dict(numbers)
    detail = str(facts.pop("detail", ""))
    return STORED[code](detail, **facts)
