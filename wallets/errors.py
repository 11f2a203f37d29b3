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


class SamePerson(Forbidden):
    """Who froze a wallet does not unfreeze it."""

    code = "same_person"
    title = "Another person has to"


class FrozenByOperator(Forbidden):
    """What staff, a fraud rule or the auditor has frozen, the client does not unfreeze."""

    code = "frozen_by_operator"
    title = "The operator has frozen it"


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


class LimitExceeded(Refused):
    """More would leave the wallet than its limits allow; `resetAt` says when they are whole again.

    `window` says which: `operation`, `day`, `month`, or `count`, the movements of a day.
    """

    code = "limit_exceeded"
    title = "A limit of the wallet is exceeded"


class WritesPaused(Unavailable):
    """The operators have stopped all movements of money; reads are answered."""

    code = "writes_paused"
    title = "Movements are stopped"
    retry_after_seconds = 5


class KeyReused(Refused):
    """The idempotency key has already named another command."""

    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"


class TooManyChannels(Refused):
    """A client has at most 64 payment rails for each currency and direction of the books."""

    code = "too_many_channels"
    title = "The client has too many channels"


class HoldNotFound(NotFound):
    """No such hold belongs to the client; another client's hold looks the same."""

    code = "hold_not_found"
    title = "The hold does not exist"


class HoldNotActive(Refused):
    """A hold ends once: captured, voided or expired, it stays as it is."""

    code = "hold_not_active"
    title = "The hold is not active"


class ReversalTooLarge(Refused):
    """All reversals of a movement together take back at most its amount."""

    code = "reversal_too_large"
    title = "The reversal is larger than what is left of the movement"


class ClearingTooLarge(Refused):
    """What clears a difference takes at most what is left of it on suspense."""

    code = "clearing_too_large"
    title = "More than what is left of the difference on suspense"


class NotReversible(Refused):
    """A reversal is final: to undo it, post the movement again."""

    code = "not_reversible"
    title = "The transaction cannot be reversed"


class PeriodClosed(Refused):
    """The value date lies in a month whose books are closed, or are being closed."""

    code = "period_closed"
    title = "The month of the value date is closed"


class CaptureTooLarge(Refused):
    """A capture takes at most what the hold has set aside."""

    code = "capture_too_large"
    title = "The capture is larger than the hold"


class HoldOfPayout(Refused):
    """A payout's hold is captured or released by its payout, and by nobody else."""

    code = "hold_of_payout"
    title = "The hold belongs to a payout"


class PayoutNotFound(NotFound):
    """No such payout belongs to the client; another client's payout looks the same."""

    code = "payout_not_found"
    title = "The payout does not exist"


class NoGateway(Unavailable):
    """Payouts need a payment gateway, and this service has none."""

    code = "no_gateway"
    title = "There is no payment gateway"


class ReferenceTaken(Conflict):
    """Another wallet of the client has this reference."""

    code = "reference_taken"
    title = "The reference is taken"


class OperationNotFound(NotFound):
    """The wallet has no such operation."""

    code = "operation_not_found"
    title = "The operation does not exist"


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


class ClientUnchanged(Refused):
    """The client is as it was asked to become."""

    code = "client_unchanged"
    title = "Nothing is to be changed"


class PlanExists(Conflict):
    """A plan of that name was made before."""

    code = "plan_exists"
    title = "The plan exists already"


class KeyNotFound(NotFound):
    """No API key has that prefix."""

    code = "api_key_not_found"
    title = "The API key does not exist"


class KeyEnded(Refused):
    """The API key was revoked, or its time is over."""

    code = "api_key_ended"
    title = "The API key is not valid any more"


class KeyShown(Conflict):
    """The same request has made a key before; keys are shown once."""

    code = "api_key_shown"
    title = "The API key was shown already"


class PayoutNotWaiting(Refused):
    """A payout that has ended, or is due anyway, cannot be tried sooner."""

    code = "payout_not_waiting"
    title = "The payout does not wait"


class WalletJustOpened(Unavailable):
    """Somebody opened the wallet in another currency while this call was on its way."""

    code = "wallet_just_opened"
    title = "The wallet has just been opened"


class IssuerUnavailable(Unavailable):
    """The issuer of bearer tokens does not answer, and its keys are not known well enough."""

    code = "issuer_unavailable"
    title = "The token cannot be judged now"
    retry_after_seconds = 5


class ClockAhead(Unavailable):
    """A wallet's latest posting lies in the future of the primary's clock."""

    code = "clock_ahead"
    title = "The books' clock runs ahead"


class EventsArchived(NotFound):
    """Events after this position have left the database for the archive."""

    code = "events_archived"
    title = "The events are in the archive"


class PositionNotReached(Invalid):
    """The log of events has not come to this position; no page can have named it."""

    code = "position_not_reached"
    title = "The log has not come so far"


STORED: Final[dict[str, type[Refused]]] = {
    kind.code: kind for kind in Refused.__subclasses__() if kind.__module__ == __name__
}
"""What may be kept with its key and told again, word for word: whatever the spine refuses."""


def stored_refusal(code: str, numbers: dict[str, Fact]) -> Refused:
    """Make the error of a stored refusal again; `detail` travels among its numbers."""
    facts: dict[str, Any] = dict(numbers)
    detail = str(facts.pop("detail", ""))
    return STORED[code](detail, **facts)
