"""What the OpenAPI document says of the short dialect's routes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from wallets.api import parameters
from wallets.api.calls import JSON
from wallets.api.shapes import Body, Shown
from wallets.api.short import shapes
from wallets.api.short.failures import name_of

F = TypeVar("F", bound=Callable[..., Any])

HISTORY_DEFAULT: Final = 100
"""Items of a page of history, where the caller asks for no number."""

_REASONS: Final[dict[int, tuple[str, str]]] = {
    # status: code and message of the example
    400: ("malformed_amount", "amount: The amount must be a JSON number."),
    401: ("unauthenticated", "Send a valid API key or token."),
    403: ("scope_missing", "This needs the scope transactions:write."),
    404: ("wallet_not_found", "walletId: The wallet does not exist."),
    409: ("idempotency_key_reused", "This idempotency key was used for a different request."),
    412: ("version_not_reached", "The wallet is at version 3, 4 was asked for."),
    413: ("body_too_large", "The body may have at most 65536 bytes."),
    415: ("unsupported_media_type", "Send the body as application/json in UTF-8."),
    422: ("insufficient_funds", "70.00 USD is available, 500.00 is needed."),
    429: ("rate_limited", "The limit is 100 requests in 60 seconds; the request had no effect."),
    503: ("overloaded", "Too many requests wait already; send it again with the same key."),
}
_EVERYWHERE: Final = (401, 403, 429, 503)
_WRITES: Final = (400, 404, 409, 413, 415, 422)
_READS: Final = (400, 404, 412)


def _header(name: str, text: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(
        name, type=OpenApiTypes.STR, location=OpenApiParameter.HEADER, description=text, **more
    )


_NAME: Final = OpenApiParameter(
    "name",
    type=OpenApiTypes.STR,
    location=OpenApiParameter.PATH,
    description="The caller's own name for the wallet, or its UUID.",
)
_KEYS: Final = (
    _header("Idempotency-Key", "The key, if it shall not be X-Request-ID."),
    _header(
        "X-Request-ID",
        "Names the request, and is its idempotency key: 1 to 255 printable ASCII characters.",
    ),
)
_MIN_VERSION: Final = OpenApiParameter(
    "X-Min-Version",
    type=OpenApiTypes.INT64,
    location=OpenApiParameter.HEADER,
    description="Ask for at least this version of the wallet; 412 if it never had it.",
)


def _described(
    *,
    name: str,
    summary: str,
    shown: Any,
    about: str,
    status: int,
    failures: Sequence[int],
    request: type[Body] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[F], F]:
    codes = sorted({*failures, *_EVERYWHERE})
    answers: dict[Any, Any] = {(status, JSON): OpenApiResponse(shown, description=about)}
    for code in codes:
        answers[code, JSON] = _failure(code)
    every_status = [status, *codes]
    return extend_schema(
        operation_id=name,
        summary=summary,
        tags=["Short dialect"],
        request={JSON: request} if request else None,
        responses=answers,
        parameters=[
            _NAME,
            *parameters,
            _header("X-Request-ID", "Names this call in the logs.", response=every_status),
            _header("Retry-After", "Seconds to wait.", response=[429, 503]),
            _header("WWW-Authenticate", "How to authenticate.", response=[401]),
        ],
        examples=list(examples),
    )


def _failure(status: int) -> OpenApiResponse:
    code, message = _REASONS[status]
    name = name_of(code, status)
    example = {
        "statusCode": status,
        "error": name,
        "message": message,
        "timestamp": "2026-01-15T10:30:00.000000Z",
    }
    return OpenApiResponse(
        shapes.ShortErrorShown,
        description=message,
        examples=[OpenApiExample(name, example)],
    )


def _movement(
    name: str, summary: str, body: type[Body], shown: type[Shown], example: Any
) -> Callable[[F], F]:
    return _described(
        name=name,
        summary=summary,
        shown=shown,
        about=inspect.getdoc(shown) or "",
        status=201,
        failures=_WRITES,
        request=body,
        parameters=[
            *_KEYS,
            _header("Idempotency-Key", "The key that was used.", response=[201, *_WRITES, 403]),
            _header(
                "Idempotent-Replayed",
                "`true` when the key had ended before.",
                response=[201, 422],
            ),
        ],
        examples=[OpenApiExample(summary, example, request_only=True)],
    )


def _list_of(shape: type[Shown]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components([shape])
    item = found[shape.__name__]
    del item["title"]
    return {"type": "array", "items": item}


DEPOSIT: Final = _movement(
    "shortDeposit",
    "Deposit; the first one makes the wallet",
    shapes.ShortMovement,
    shapes.ShortBalanceShown,
    {"amount": 100},
)
WITHDRAW: Final = _movement(
    "shortWithdraw",
    "Withdraw",
    shapes.ShortMovement,
    shapes.ShortBalanceShown,
    {"amount": 50},
)
TRANSFER: Final = _movement(
    "shortTransfer",
    "Transfer; the first one makes the receiving wallet",
    shapes.ShortTransfer,
    shapes.ShortTransferShown,
    {"toWalletId": "user-456", "amount": 30},
)
GET_BALANCE: Final = _described(
    name="shortBalance",
    summary="Tell the balance",
    shown=shapes.ShortBalanceShown,
    about="What the wallet has.",
    status=200,
    failures=_READS,
    parameters=[_MIN_VERSION],
)
LIST_HISTORY: Final = _described(
    name="shortHistory",
    summary="List what happened to a wallet, oldest first",
    shown=_list_of(shapes.ShortHistoryItemShown),
    about="What happened, in that order; the wallet's creation is item 1.",
    status=200,
    failures=_READS,
    parameters=[
        _MIN_VERSION,
        OpenApiParameter(
            "limit",
            type={
                "type": "integer",
                "minimum": 1,
                "maximum": parameters.PAGE_MAX,
                "default": HISTORY_DEFAULT,
            },
            description="How many items a page has at most.",
        ),
        OpenApiParameter(
            "offset",
            type={"type": "integer", "minimum": 0, "default": 0},
            description="How many items to leave out at the beginning.",
        ),
    ],
)
