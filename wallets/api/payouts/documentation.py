"""What the OpenAPI document says of payouts."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from wallets.api.calls import JSON
from wallets.api.documentation import _CURSOR, _KEY, _LIMIT, _described, _write_headers
from wallets.api.payouts import shapes

_FAILURES: Final = (400, 404, 413, 415, 422)

REQUEST_PAYOUT: Final = _described(
    name="requestPayout",
    summary="Pay money to the outside",
    tag="Payouts",
    status=202,
    shown=shapes.PayoutShown,
    request={JSON: shapes.RequestPayout},
    failures=_FAILURES,
    parameters=[_KEY],
    headers=_write_headers(202, _FAILURES),
    examples=[
        OpenApiExample(
            "Pay Alice",
            {
                "walletId": "customer-42",
                "amount": "25.00",
                "destination": {"iban": "DE02120300000000202051", "name": "Alice"},
                "referenceId": "payout-2026-01-42",
            },
            request_only=True,
        )
    ],
)
LIST_PAYOUTS: Final = _described(
    name="listPayouts",
    summary="List payouts",
    tag="Payouts",
    shown=shapes.PayoutPage,
    failures=(400,),
    parameters=[
        _CURSOR,
        _LIMIT,
        OpenApiParameter(
            "status",
            type=OpenApiTypes.STR,
            enum=["PENDING", "SENDING", "UNKNOWN", "CAPTURING", "RELEASING", "PAID", "REFUSED"],
            description="Only payouts of this status.",
        ),
    ],
)
GET_PAYOUT: Final = _described(
    name="getPayout",
    summary="Show a payout",
    tag="Payouts",
    shown=shapes.PayoutShown,
    failures=(404,),
    parameters=[
        OpenApiParameter("payout_id", type=OpenApiTypes.UUID, location=OpenApiParameter.PATH)
    ],
)
