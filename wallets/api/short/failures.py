"""Errors in the short dialect's format, and what it calls them."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from wallet_project.kit import clock
from wallet_project.kit.errors import DomainError
from wallets.api.calls import JSON, Answer, Call
from wallets.api.errors import RequestInvalid
from wallets.api.problems import failure_headers
from wallets.api.short import shapes

_ROUTES = re.compile(r"(/v1)?/wallet(/|$)", re.ASCII)

NAMES: Final[dict[str, str]] = {
    "balance_too_large": "BalanceLimitError",
    "body_too_large": "PayloadTooLargeError",
    "currency_mismatch": "CurrencyMismatchError",
    "destination_wallet_not_found": "WalletNotFoundError",
    "idempotency_key_reused": "DuplicateRequestError",
    "insufficient_funds": "InsufficientFundsError",
    "internal_error": "InternalServerError",
    "method_not_allowed": "MethodNotAllowedError",
    "rate_limited": "RateLimitError",
    "request_timeout": "RequestTimeoutError",
    "route_not_found": "NotFoundError",
    "same_wallet": "SameWalletError",
    "scope_missing": "ForbiddenError",
    "too_many_channels": "ChannelLimitError",
    "unauthenticated": "UnauthorizedError",
    "unsupported_media_type": "UnsupportedMediaTypeError",
    "version_not_reached": "VersionNotReachedError",
    "wallet_closed": "WalletClosedError",
    "wallet_frozen": "WalletFrozenError",
    "wallet_not_found": "WalletNotFoundError",
}
"""By the code of the error; what is not listed is called after its status."""

_BY_STATUS: Final[dict[int, str]] = {
    400: "ValidationError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "BusinessRuleError",
    503: "ServiceUnavailableError",
}


def is_short_path(path: str) -> bool:
    """Tell whether a path belongs to the short dialect, whose errors have a format of their own."""
    return _ROUTES.match(path) is not None


def failure(call: Call, error: DomainError, status: int) -> Answer:
    """Render an error under a status that the exception handler chose."""
    shown = shapes.ShortErrorShown(
        status_code=status,
        error=name_of(error.code, status),
        message=_message(error),
        timestamp=clock.rfc3339(clock.now()),
    )
    return Answer(status, msgspec.json.encode(shown), failure_headers(call, error, JSON))


def name_of(code: str, status: int) -> str:
    """Call an error what the short dialect calls it."""
    return NAMES.get(code) or _BY_STATUS.get(status, "InternalServerError")


def _message(error: DomainError) -> str:
    """Say what is wrong, each time with the field that is to blame."""
    parts = error.errors if isinstance(error, RequestInvalid) else (error,)
    return " ".join(f"{part.field}: {part.detail}" if part.field else part.detail for part in parts)
