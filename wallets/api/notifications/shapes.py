"""The shapes of contacts; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from events.consumers.notifications.models import Kind
from wallets.api.shapes import AmountIn, AmountOut, Body, Id, Shown, Time

Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        description="Mails go there.",
        examples=["alice@example.org"],
        extra_json_schema={"format": "email"},
    ),
]
Phone = Annotated[
    str,
    Meta(
        description="In international form; text messages go there.",
        examples=["+4915112345678"],
        extra_json_schema={"pattern": "^[+][1-9][0-9]{6,14}$"},
    ),
]
PushToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        description="The device's token with the push service.",
        examples=["fcm-token"],
    ),
]
KindName = Annotated[str, Meta(extra_json_schema={"enum": list(Kind.values)})]
Kinds = Annotated[
    list[KindName],
    Meta(
        max_length=20,
        description="What the holder wants to be told of; nothing else is sent.",
        examples=[["MONEY_IN", "LOW_BALANCE"]],
    ),
]


class SetContact(Body, frozen=True, kw_only=True):
    """How the holder of a wallet is reached, and of what. What is left out is erased."""

    email: Email | None = None
    phone: Phone | None = None
    push_token: PushToken | None = None
    kinds: Kinds
    low_balance: AmountIn | UnsetType = UNSET
    large_withdrawal: AmountIn | UnsetType = UNSET


class ContactShown(Shown, frozen=True, kw_only=True):
    """How the holder of a wallet is reached; without a contact everything is null or empty."""

    wallet_id: Id
    email: Email | None
    phone: Phone | None
    push_token: PushToken | None
    kinds: Kinds
    low_balance: Annotated[
        AmountOut | None, Meta(description="LOW_BALANCE is told when the balance falls below it.")
    ]
    large_withdrawal: Annotated[
        AmountOut | None, Meta(description="LARGE_WITHDRAWAL is told from this amount on.")
    ]
    updated_at: Time | None
