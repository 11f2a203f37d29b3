"""What the OpenAPI document says of bulks and of the books as a whole."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiExample

from wallets.api import shapes
from wallets.api.calls import JSON
from wallets.api.documentation import _described, _header

BULK: Final = _described(
    name="bulk",
    summary="Make many movements in one call",
    tag="Movements",
    shown=shapes.BulkResults,
    request={JSON: shapes.Bulk},
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
