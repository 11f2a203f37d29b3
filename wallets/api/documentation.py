"""What the OpenAPI document says of each route. The shapes themselves come from `shapes.py`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from wallets.api import parameters, shapes
from wallets.api.calls import JSON, MERGE_PATCH, PROBLEM
from wallets.api.problems import catalogue

F = TypeVar("F", bound=Callable[..., Any])

_REASONS: Final[dict[int, tuple[str, str, str]]] = {
    # status: what it means, and an example of code and detail
    400: (
        "The request cannot be understood. It had no effect.",
        "too_many_decimals",
        "USD has 2 decimals, the amount has 3.",
    ),
    401: (
        "No valid API key or token.",
        "unauthenticated",
        "Send a valid API key or token as `Authorization: Bearer …`, or the key as X-Api-Key.",
    ),
    403: (
        "The key lacks the scope.",
        "scope_missing",
        "This needs the scope transactions:write.",
    ),
    404: (
        "The caller has no such wallet or transaction.",
        "wallet_not_found",
        "The wallet does not exist.",
    ),
    409: (
        "The reference is taken.",
        "reference_taken",
        "Another wallet of yours has this reference.",
    ),
    410: (
        "The events after the position are in the archive; ask the operator for them.",
        *("events_archived", "Events up to position 90000 were moved to the archive."),
    ),
    412: (
        "The wallet has another version.",
        "version_mismatch",
        "The wallet is at version 4, not 3; read it again.",
    ),
    413: (
        "The body is too large.",
        "body_too_large",
        "The body may have at most 65536 bytes.",
    ),
    415: (
        "The body is not uncompressed JSON in UTF-8.",
        "unsupported_media_type",
        "Send the body as application/json in UTF-8, and say so in Content-Type.",
    ),
    422: (
        "Refused by the state of the wallet. Final for the idempotency key.",
        "insufficient_funds",
        "100.00 USD is available, 150.00 is needed.",
    ),
    429: (
        "The plan grants no more in this minute. It had no effect; Retry-After says when.",
        "rate_limited",
        "The limit is 100 requests in 60 seconds; the request had no effect.",
    ),
    503: (
        "Not now. Send the same request with the same key after Retry-After.",
        "overloaded",
        "Too many requests wait already; send it again with the same key.",
    ),
}
_NUMBERS: Final[dict[str, dict[str, str | int]]] = {
    "insufficient_funds": {
        "available": "100.00",
        "held": "0.00",
        "balance": "100.00",
        "shortfall": "50.00",
        "currency": "USD",
    },
    "events_archived": {
        "archive": "outbox/2026/01/15/000000080001_000000082000.jsonl.gz",
        "archivedThrough": 90000,
    },
    "rate_limited": {
        "bucket": "requests",
        "limit": 100,
        "resetAt": "2026-01-15T10:31:00.000000Z",
    },
}
_EVERYWHERE: Final = (401, 403, 429, 503)


def _header(name: str, text: str, statuses: Sequence[int], **more: Any) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        type=OpenApiTypes.STR,
        location=OpenApiParameter.HEADER,
        description=text,
        response=list(statuses),
        **more,
    )


def _asked(name: str, text: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(
        name, type=OpenApiTypes.STR, location=OpenApiParameter.HEADER, description=text, **more
    )


def _failure(status: int) -> OpenApiResponse:
    meaning, code, detail = _REASONS[status]
    example = {
        "type": f"/problems/{code}",
        "title": catalogue()[code].title,
        "status": status,
        "detail": detail,
        "instance": "/api/v1/wallets",
        "code": code,
        "requestId": "01932f4e-9a00-7f10-b3c2-5d1e0f2a4b6c",
        "timestamp": "2026-01-15T10:30:00.000000Z",
        "errors": [{"field": "amount", "code": code, "detail": detail}] if status == 400 else [],
        **_NUMBERS.get(code, {}),
    }
    return OpenApiResponse(
        shapes.Problem, description=meaning, examples=[OpenApiExample(code, example)]
    )


def _wallet_id() -> OpenApiParameter:
    return OpenApiParameter(
        "wallet_id",
        type=OpenApiTypes.STR,
        location=OpenApiParameter.PATH,
        description="The wallet's UUID, or the caller's own reference.",
    )


_KEY: Final = _asked(
    "Idempotency-Key",
    "1 to 255 printable ASCII characters. The same key with the same request gives the same "
    "answer and moves money once. Without it `referenceId` is the key, and without that one is "
    "made and answered.",
)
_REQUEST_ID: Final = _asked(
    "X-Request-ID", "Taken over into answer and logs if it is `[A-Za-z0-9._-]{1,64}`."
)
_MIN_VERSION: Final = OpenApiParameter(
    "X-Min-Version",
    type=OpenApiTypes.INT64,
    location=OpenApiParameter.HEADER,
    description="Ask for at least this version of the wallet, such as a write has answered; 412 if "
    "it never had it.",
)
_CURSOR: Final = OpenApiParameter(
    "cursor", type=OpenApiTypes.STR, description="`nextCursor` of the page before."
)
_LIMIT: Final = OpenApiParameter(
    "limit",
    type={
        "type": "integer",
        "minimum": 1,
        "maximum": parameters.PAGE_MAX,
        "default": parameters.PAGE_DEFAULT,
    },
    description="How many items a page has at most.",
)


def _described(
    *,
    name: str,
    summary: str,
    tag: str,
    shown: type[shapes.Shown] | None,
    status: int = 200,
    request: Mapping[str, type[shapes.Body]] | None = None,
    failures: Sequence[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
    headers: Sequence[OpenApiParameter] = (),
    not_modified: bool = False,
    also: Mapping[tuple[int, str], Any] | None = None,
) -> Callable[[F], F]:
    codes = sorted({*failures, *_EVERYWHERE})
    every_status = [status, *codes]
    answers: dict[Any, Any] = {status: OpenApiResponse(description="Done.")}
    if shown is not None:
        answers = {(status, JSON): OpenApiResponse(shown, description=inspect.getdoc(shown) or "")}
    if not_modified:
        answers[304] = OpenApiResponse(description="The caller has this version already.")
    answers |= {**(also or {}), **{(code, PROBLEM): _failure(code) for code in codes}}
    return extend_schema(
        operation_id=name,
        summary=summary,
        tags=[tag],
        request=dict(request) if request else None,
        responses=answers,
        parameters=[
            *parameters,
            _REQUEST_ID,
            *headers,
            _header("X-Request-ID", "Names this call in the logs.", every_status),
            _header("Retry-After", "Seconds to wait.", [429, 503]),
            _header("WWW-Authenticate", "How to authenticate.", [401]),
        ],
        examples=list(examples),
    )


def _etag(*statuses: int) -> OpenApiParameter:
    return _header("ETag", "The wallet's version in quotes.", statuses)


_STALE: Final = _header(
    "X-Stale-As-Of",
    "As of when the answer is true, while only a replica can give one.",
    [200],
)


def _write_headers(status: int, failures: Sequence[int]) -> list[OpenApiParameter]:
    every_status = [status, *failures, 403, 429, 503]
    return [
        _header("Idempotency-Key", "The key that was used.", every_status),
        _header("Idempotent-Replayed", "`true` when the key had ended before.", [status, 422]),
        _header("Location", "Path of what was made.", [status]),
        _etag(status),
    ]


def _movement(
    name: str, summary: str, body: type[shapes.Body], shown: type[shapes.Shown], example: Any
) -> Callable[[F], F]:
    failures = (400, 404, 413, 415, 422)
    return _described(
        name=name,
        summary=summary,
        tag="Movements",
        status=201,
        shown=shown,
        request={JSON: body},
        failures=failures,
        parameters=[_wallet_id(), _KEY],
        headers=_write_headers(201, failures),
        examples=[OpenApiExample(summary, example, request_only=True)],
    )


LIST_WALLETS: Final = _described(
    name="listWallets",
    summary="List wallets",
    tag="Wallets",
    shown=shapes.WalletPage,
    failures=(400,),
    parameters=[
        _CURSOR,
        _LIMIT,
        OpenApiParameter(
            "userId", type=OpenApiTypes.STR, description="Only wallets of this customer."
        ),
    ],
    headers=[_STALE],
)
OPEN_WALLET: Final = _described(
    name="openWallet",
    summary="Open a wallet",
    tag="Wallets",
    status=201,
    shown=shapes.WalletShown,
    request={JSON: shapes.OpenWallet},
    failures=(400, 409, 413, 415, 422),
    parameters=[_KEY],
    headers=_write_headers(201, (400, 409, 413, 415, 422)),
    examples=[
        OpenApiExample("Open a wallet", {"userId": "user123"}, request_only=True),
        OpenApiExample(
            "Open a wallet with a reference",
            {"userId": "user123", "reference": "customer-42", "currency": "EUR"},
            request_only=True,
        ),
    ],
)
GET_WALLET: Final = _described(
    name="getWallet",
    summary="Show a wallet",
    tag="Wallets",
    shown=shapes.WalletShown,
    failures=(400, 404, 412),
    parameters=[
        _wallet_id(),
        _MIN_VERSION,
        _asked("If-None-Match", "ETags the caller has; 304 without a body if one still holds."),
    ],
    headers=[_etag(200, 304), _STALE],
    not_modified=True,
)
PATCH_WALLET: Final = _described(
    name="patchWallet",
    summary="Change a wallet's metadata",
    tag="Wallets",
    shown=shapes.WalletShown,
    request={JSON: shapes.PatchWallet, MERGE_PATCH: shapes.PatchWallet},
    failures=(400, 404, 412, 413, 415, 422),
    parameters=[
        _wallet_id(),
        _asked("If-Match", "One ETag; 412 if the wallet has changed since."),
    ],
    headers=[_etag(200)],
    examples=[
        OpenApiExample(
            "Set one note, remove another",
            {"metadata": {"tier": "gold", "note": None}},
            request_only=True,
        )
    ],
)
DEPOSIT: Final = _movement(
    "deposit",
    "Deposit",
    shapes.Movement,
    shapes.MovementShown,
    {"amount": "100.00", "referenceId": "dep123", "description": "Initial deposit"},
)
WITHDRAW: Final = _movement(
    "withdraw",
    "Withdraw",
    shapes.Movement,
    shapes.MovementShown,
    {"amount": "50.00", "referenceId": "wd123", "description": "Withdrawal"},
)
TRANSFER: Final = _movement(
    "transfer",
    "Transfer to another wallet",
    shapes.Transfer,
    shapes.TransferShown,
    {
        "destinationWalletId": "01932f4e-8b10-7c44-8a01-6c1de5a4f907",
        "amount": "25.00",
        "referenceId": "xfer123",
        "description": "Transfer",
    },
)
GET_BALANCE: Final = _described(
    name="getBalance",
    summary="Tell the balance",
    tag="Balances",
    shown=shapes.BalanceShown,
    failures=(400, 404, 412),
    parameters=[_wallet_id(), _MIN_VERSION],
)
GET_PAST_BALANCE: Final = _described(
    name="getPastBalance",
    summary="Tell the balance at a moment",
    tag="Balances",
    shown=shapes.PastBalanceShown,
    failures=(400, 404, 412),
    parameters=[
        _wallet_id(),
        _MIN_VERSION,
        OpenApiParameter(
            "timestamp",
            type=OpenApiTypes.STR,
            required=True,
            description="RFC 3339, inclusive; without a zone it is UTC. Not in the future.",
            examples=[OpenApiExample("A moment", "2026-01-15T10:30:00")],
        ),
    ],
)
LIST_MOVEMENTS: Final = _described(
    name="listTransactions",
    summary="List a wallet's movements",
    tag="Movements",
    shown=shapes.HistoryPage,
    failures=(400, 404, 412),
    parameters=[_wallet_id(), _MIN_VERSION, _CURSOR, _LIMIT],
    headers=[_STALE],
)
GET_TRANSACTION: Final = _described(
    name="getTransaction",
    summary="Show a transaction",
    tag="Movements",
    shown=shapes.TransactionShown,
    failures=(404,),
    parameters=[
        OpenApiParameter("transaction_id", type=OpenApiTypes.UUID, location=OpenApiParameter.PATH)
    ],
)
