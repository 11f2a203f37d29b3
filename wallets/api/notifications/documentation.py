"""What the OpenAPI document says of contacts."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiExample

from wallets.api.calls import JSON
from wallets.api.documentation import _described, _wallet_id
from wallets.api.notifications import shapes

TAG: Final = "Notifications"

GET: Final = _described(
    name="getContact",
    summary="Show how a wallet's holder is reached",
    tag=TAG,
    shown=shapes.ContactShown,
    failures=(400, 404),
    parameters=[_wallet_id()],
)
PUT: Final = _described(
    name="setContact",
    summary="Set how a wallet's holder is reached",
    tag=TAG,
    shown=shapes.ContactShown,
    request={JSON: shapes.SetContact},
    failures=(400, 404, 413, 415),
    parameters=[_wallet_id()],
    examples=[
        OpenApiExample(
            "Mails about money in and a low balance",
            {
                "email": "alice@example.org",
                "kinds": ["MONEY_IN", "LOW_BALANCE"],
                "lowBalance": "10.00",
            },
            request_only=True,
        )
    ],
)
DELETE: Final = _described(
    name="eraseContact",
    summary="Forget how a wallet's holder is reached",
    tag=TAG,
    shown=None,
    status=204,
    failures=(400, 404),
    parameters=[_wallet_id()],
)
