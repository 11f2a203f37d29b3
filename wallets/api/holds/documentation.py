"""What the OpenAPI document says of holds."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from wallets.api.calls import JSON
from wallets.api.documentation import (
    _CURSOR,
    _KEY,
    _LIMIT,
    _MIN_VERSION,
    _STALE,
    _described,
    _wallet_id,
    _write_headers,
)
from wallets.api.holds import shapes

_FAILURES: Final = (400, 404, 413, 415, 422)
_HOLD_ID: Final = OpenApiParameter(
    "hold_id", type=OpenApiTypes.UUID, location=OpenApiParameter.PATH
)

PLACE_HOLD: Final = _described(
    name="placeHold",
    summary="Set money aside",
    tag="Holds",
    status=201,
    shown=shapes.HoldShown,
    request={JSON: shapes.PlaceHold},
    failures=_FAILURES,
    parameters=[_wallet_id(), _KEY],
    headers=_write_headers(201, _FAILURES),
    examples=[
        OpenApiExample(
            "Set money aside for a week",
            {"amount": "40.00", "referenceId": "order-17", "expiresIn": 604_800},
            request_only=True,
        )
    ],
)
LIST_HOLDS: Final = _described(
    name="listHolds",
    summary="List a wallet's holds",
    tag="Holds",
    shown=shapes.HoldPage,
    failures=(400, 404, 412),
    parameters=[
        _wallet_id(),
        _MIN_VERSION,
        _CURSOR,
        _LIMIT,
        OpenApiParameter(
            "status",
            type=OpenApiTypes.STR,
            enum=["ACTIVE", "CAPTURED", "VOIDED", "EXPIRED"],
            description="Only holds of this status.",
        ),
    ],
    headers=[_STALE],
)
GET_HOLD: Final = _described(
    name="getHold",
    summary="Show a hold",
    tag="Holds",
    shown=shapes.HoldShown,
    failures=(400, 404, 412),
    parameters=[_HOLD_ID, _MIN_VERSION],
)
CAPTURE_HOLD: Final = _described(
    name="captureHold",
    summary="Capture a hold, all of it or a part",
    tag="Holds",
    status=201,
    shown=shapes.CaptureShown,
    request={JSON: shapes.CaptureHold},
    failures=_FAILURES,
    parameters=[_HOLD_ID, _KEY],
    headers=_write_headers(201, _FAILURES),
    examples=[
        OpenApiExample(
            "Capture a part; the rest is available again",
            {"amount": "30.00", "referenceId": "order-17-shipped"},
            request_only=True,
        )
    ],
)
VOID_HOLD: Final = _described(
    name="voidHold",
    summary="Give a hold up",
    tag="Holds",
    shown=shapes.HoldShown,
    request={JSON: shapes.VoidHold},
    failures=_FAILURES,
    parameters=[_HOLD_ID, _KEY],
    headers=_write_headers(200, _FAILURES),
    examples=[OpenApiExample("Void", {"referenceId": "order-17-cancelled"}, request_only=True)],
)
