"""What the OpenAPI document says of reversals."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from wallets.api.calls import JSON
from wallets.api.documentation import _KEY, _described, _write_headers
from wallets.api.reversals import shapes

_FAILURES: Final = (400, 404, 413, 415, 422)

REVERSE: Final = _described(
    name="reverseTransaction",
    summary="Take a transaction back, all of it or a part",
    tag="Transactions",
    status=201,
    shown=shapes.ReversalShown,
    request={JSON: shapes.Reverse},
    failures=_FAILURES,
    parameters=[
        OpenApiParameter("transaction_id", type=OpenApiTypes.UUID, location=OpenApiParameter.PATH),
        _KEY,
    ],
    headers=_write_headers(201, _FAILURES),
    examples=[
        OpenApiExample(
            "Refund a part",
            {"amount": "25.00", "referenceId": "refund-17", "description": "One item returned"},
            request_only=True,
        )
    ],
)
