"""What the OpenAPI document says of freezing, unfreezing and closing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

from wallets.api import shapes
from wallets.api.calls import JSON
from wallets.api.documentation import F, _asked, _described, _etag, _header, _wallet_id


def _status_change(name: str, summary: str, example: Any) -> Callable[[F], F]:
    failures = (400, 404, 412, 413, 415, 422)
    return _described(
        name=name,
        summary=summary,
        tag="Wallets",
        shown=shapes.WalletShown,
        request={JSON: shapes.StatusChange},
        failures=failures,
        parameters=[
            _wallet_id(),
            _asked("If-Match", "One ETag; 412 if the wallet has changed since."),
            _asked("Idempotency-Key", "Echoed. Doing it twice changes nothing the second time."),
        ],
        headers=[_etag(200), _header("Idempotency-Key", "As it was sent.", [200, *failures])],
        examples=[OpenApiExample(summary, example, request_only=True)],
    )


FREEZE: Final = _status_change(
    "freezeWallet",
    "Freeze a wallet",
    {"reason": "card reported stolen"},
)
UNFREEZE: Final = _status_change(
    "unfreezeWallet",
    "Unfreeze a wallet",
    {"reason": "the card was found"},
)
CLOSE: Final = _status_change(
    "closeWallet",
    "Close an empty wallet",
    {"reason": "the customer has left"},
)
