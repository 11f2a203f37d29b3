"""What the OpenAPI document says of limits."""

from __future__ import annotations

from typing import Final

from wallets.api.documentation import _described, _wallet_id
from wallets.api.limits import shapes

GET: Final = _described(
    name="getLimits",
    summary="Tell what may leave a wallet still",
    tag="Wallets",
    shown=shapes.LimitsShown,
    failures=(400, 404),
    parameters=[_wallet_id()],
)
