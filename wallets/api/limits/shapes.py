"""The shapes of limits; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from wallets.api.shapes import AmountOut, CurrencyCode, Id, Shown, Time

Number = Annotated[int, Meta(ge=0, description="Of movements, for `count`.", examples=[5])]


class WindowShown(Shown, frozen=True, kw_only=True):
    """One limit and what is left of it: amounts, or for `count` numbers of movements."""

    window: Annotated[
        str,
        Meta(
            description="For one movement, in a day, in a month, or how often in a day (UTC).",
            extra_json_schema={"enum": ["operation", "day", "month", "count"]},
        ),
    ]
    limit: AmountOut | Number
    left: AmountOut | Number
    reset_at: Annotated[Time | None, Meta(description="When it is whole again.")]


class LimitsShown(Shown, frozen=True, kw_only=True):
    """The limits on what leaves a wallet; an empty list where it has none."""

    wallet_id: Id
    currency: CurrencyCode
    limits: list[WindowShown]
    stale: Annotated[bool, Meta(description="True while only a replica can answer.")]
