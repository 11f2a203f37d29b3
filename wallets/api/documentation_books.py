"""What the OpenAPI document says of bulks and of the books as a whole."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from wallets.api import shapes_books
from wallets.api.calls import JSON
from wallets.api.documentation import _described, _header

BULK: Final = _described(
    name="bulk",
    summary="Make many movements in one call",
    tag="Movements",
    shown=shapes_books.BulkResults,
    request={JSON: shapes_books.Bulk},
    failures=(400, 404, 413, 415, 422),
    headers=[_header("Idempotent-Replayed", "`true` when every key had ended before.", [200, 422])],
    examples=[
        OpenApiExample(
            "Each by itself",
            {
                "transactions": [
                    {
                        "type": "deposit",
                        "walletId": "customer-42",
                        "amount": "100.00",
                        "referenceId": "salary-2026-01-42",
                    },
                    {
                        "type": "withdraw",
                        "walletId": "customer-43",
                        "amount": "9.99",
                        "referenceId": "fee-2026-01-43",
                    },
                ]
            },
            request_only=True,
        ),
        OpenApiExample(
            "All or none",
            {
                "atomic": True,
                "transactions": [
                    {
                        "type": "transfer",
                        "walletId": "customer-42",
                        "destinationWalletId": "customer-43",
                        "amount": "25.00",
                        "referenceId": "split-7-a",
                    },
                    {
                        "type": "transfer",
                        "walletId": "customer-42",
                        "destinationWalletId": "customer-44",
                        "amount": "25.00",
                        "referenceId": "split-7-b",
                    },
                ],
            },
            request_only=True,
        ),
    ],
)
TRIAL_BALANCE: Final = _described(
    name="getTrialBalance",
    summary="Sum the books",
    tag="Books",
    shown=shapes_books.TrialBalanceShown,
    failures=(400,),
    parameters=[
        OpenApiParameter(
            "asOf",
            type=OpenApiTypes.STR,
            description="RFC 3339, inclusive; without a zone it is UTC. Not in the future; now "
            "unless given.",
            examples=[OpenApiExample("A moment", "2026-01-15T10:30:00")],
        )
    ],
    examples=[
        OpenApiExample(
            "One deposit",
            {
                "asOf": "2026-01-15T10:30:00.000000Z",
                "currencies": [
                    {"currency": "USD", "debit": "100.00", "credit": "100.00", "difference": "0.00"}
                ],
                "accounts": [
                    {"code": "wallets:USD", "currency": "USD", "balance": "100.00"},
                    {"code": "acme:external:card:USD", "currency": "USD", "balance": "-100.00"},
                ],
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
)
