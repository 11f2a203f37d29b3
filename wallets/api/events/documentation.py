"""What the OpenAPI document says of the log of events."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from events.contracts import TYPES
from wallets.api.documentation import _STALE, _described
from wallets.api.events.shapes import EventsPage
from wallets.api.parameters import PAGE_DEFAULT, PAGE_MAX

_WALLET: Final = "01a1fe91-c13e-7e9a-bb79-785f628acc38"
_ENTRY: Final = "01a1fe91-c165-7414-8721-ecfbbf300ddc"
_TIME: Final = "2026-01-15T10:31:00.000000Z"

LIST_EVENTS: Final = _described(
    name="listEvents",
    summary="Read what happened",
    tag="Events",
    shown=EventsPage,
    failures=(400, 404, 410),
    headers=[_STALE],
    parameters=[
        OpenApiParameter(
            "after",
            type=OpenApiTypes.INT,
            description="`nextAfter` of the page before. Without it: from the oldest event that "
            "is kept.",
        ),
        OpenApiParameter(
            "limit",
            type=OpenApiTypes.INT,
            description=f"How many at most: 1 to {PAGE_MAX}, {PAGE_DEFAULT} unless given.",
        ),
        OpenApiParameter(
            "type",
            type=OpenApiTypes.STR,
            enum=list(TYPES),
            description="Only events of this type. A page may then be short, or empty, while more "
            "follow.",
        ),
        OpenApiParameter(
            "walletId",
            type=OpenApiTypes.STR,
            description="Only this wallet's, by its UUID or the caller's own reference; as above.",
        ),
    ],
    examples=[
        OpenApiExample(
            "One deposit",
            {
                "items": [
                    {
                        "position": 4711,
                        "id": "01a1fe91-c166-7c02-b3aa-0f64d1e85b97",
                        "type": "wallet.deposited.v1",
                        "walletId": _WALLET,
                        "sequence": 2,
                        "time": _TIME,
                        "transactionId": _ENTRY,
                        "data": {
                            "walletId": _WALLET,
                            "sequence": 2,
                            "currency": "USD",
                            "balance": "100.00",
                            "held": "0.00",
                            "available": "100.00",
                            "status": "ACTIVE",
                            "occurredAt": _TIME,
                            "transactionId": _ENTRY,
                            "amount": "100.00",
                            "referenceId": "dep123",
                        },
                    }
                ],
                "nextAfter": 4711,
                "hasMore": False,
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
)
