"""Reads the parameters of GET /events."""

from __future__ import annotations

from dataclasses import dataclass

from events.contracts import TYPES
from wallets.api import errors
from wallets.api.calls import Call
from wallets.api.parameters import _WHOLE_NUMBER, _limit, _parameters


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """Which of a client's events a page shows."""

    after: int | None
    limit: int
    type: str | None
    wallet: str | None
    """As the caller named it."""


def events_query(call: Call) -> EventsQuery:
    """Read the parameters.

    :raises InvalidParameter: if one cannot be read.
    """
    sent = _parameters(call, {"after", "limit", "type", "walletId"})
    after, type_ = sent.get("after"), sent.get("type")
    if after is not None and not _WHOLE_NUMBER.fullmatch(after):
        raise errors.InvalidParameter("after must be a whole number.", field="after")
    if type_ is not None and type_ not in TYPES:
        raise errors.InvalidParameter(f"type must be one of {', '.join(TYPES)}.", field="type")
    return EventsQuery(
        after=None if after is None else int(after),
        limit=_limit(sent.get("limit")),
        type=type_,
        wallet=sent.get("walletId"),
    )
