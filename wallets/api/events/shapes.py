"""The shapes of the log of events; see `wallets/api/shapes.py`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from wallets.api.shapes import Id, Shown, Time

Position = Annotated[
    int,
    Meta(
        description="Place in the log of all published events. Rises; numbers are left out.",
        examples=[4711],
    ),
]


class EventShown(Shown, frozen=True, kw_only=True):
    """Something that happened to a wallet, as readers of the topic are told."""

    position: Position
    id: Annotated[Id, Meta(description="The same wherever the event is told. Dedupe by it.")]
    type: Annotated[str, Meta(examples=["wallet.deposited.v1"])]
    wallet_id: Id
    sequence: Annotated[
        int, Meta(description="The wallet's version after the fact: 1, 2, 3 …", examples=[2])
    ]
    time: Time
    transaction_id: Annotated[Id | None, Meta(description="Where money moved.")]
    data: Annotated[
        Any,
        Meta(
            description="The fact; `docs/events` has a schema for each type.",
            extra_json_schema={"type": "object", "additionalProperties": True},
        ),
    ]


class EventsPage(Shown, frozen=True, kw_only=True):
    """Some of the caller's events, oldest first."""

    items: list[EventShown]
    next_after: Annotated[
        int, Meta(description="`after` of the next page; there is always one.", examples=[4711])
    ]
    has_more: Annotated[
        bool, Meta(description="False: the rest is still to happen. Ask again later.")
    ]
