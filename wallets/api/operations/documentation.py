"""What the OpenAPI document says of asynchronous operations."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from wallets.api.calls import JSON
from wallets.api.documentation import (
    _CURSOR,
    _KEY,
    _LIMIT,
    _STALE,
    _described,
    _header,
    _wallet_id,
)
from wallets.api.operations import shapes

_FAILURES: Final = (400, 404, 413, 415, 422)

ACCEPT_OPERATION: Final = _described(
    name="acceptOperation",
    summary="Accept a movement, make it afterwards",
    tag="Operations",
    status=202,
    shown=shapes.AcceptedShown,
    request={JSON: shapes.OperationIn},
    failures=_FAILURES,
    parameters=[_KEY],
    headers=[
        _header("Idempotency-Key", "The key that was used.", [202, *_FAILURES, 403, 429, 503]),
        _header("Idempotent-Replayed", "`true` when it was accepted before.", [202]),
        _header("Location", "Path of the operation, to ask for its status.", [202]),
    ],
    examples=[
        OpenApiExample(
            "A deposit",
            {
                "walletId": "customer-42",
                "operationType": "DEPOSIT",
                "amount": "100.00",
                "referenceId": "dep123",
            },
            request_only=True,
        ),
        OpenApiExample(
            "A transfer",
            {
                "walletId": "customer-42",
                "operationType": "TRANSFER",
                "destinationWalletId": "customer-43",
                "amount": "25.00",
                "referenceId": "split-7",
            },
            request_only=True,
        ),
    ],
)
LIST_OPERATIONS: Final = _described(
    name="listOperations",
    summary="List a wallet's operations",
    tag="Operations",
    shown=shapes.OperationPage,
    failures=(400, 404),
    parameters=[
        _wallet_id(),
        _CURSOR,
        _LIMIT,
        OpenApiParameter(
            "status",
            type=OpenApiTypes.STR,
            enum=["PENDING", "PROCESSING", "COMPLETED", "FAILED"],
            description="Only operations that stand there.",
        ),
    ],
    headers=[_STALE],
)
GET_OPERATION: Final = _described(
    name="getOperation",
    summary="Show an operation",
    tag="Operations",
    shown=shapes.OperationShown,
    failures=(404,),
    parameters=[
        _wallet_id(),
        OpenApiParameter(
            "operation_id",
            type=OpenApiTypes.STR,
            location=OpenApiParameter.PATH,
            description="`operationId` as it was answered.",
        ),
    ],
    headers=[_STALE],
)
