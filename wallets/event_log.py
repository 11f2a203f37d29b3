"""What a client may read of the log of events; see `events/log.py` for what its readers rely on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events import log
from events.log import LoggedEvent as LoggedEvent
from events.log import LogPage as LogPage
from wallet_project.kit import replica
from wallet_project.kit.replica import Source
from wallets import errors


@dataclass(frozen=True, slots=True)
class EventsPage:
    """A page of the log, and how old it may be."""

    log: LogPage
    stale_as_of: datetime | None = None
    """Since when the primary may have moved on, while only the replica can answer."""


def page(
    client: int, *, after: int | None, limit: int, type_: str | None, wallet: UUID | None
) -> EventsPage:
    """List a client's events above a position; None: from the oldest that is kept.

    :raises EventsArchived: if some above the position are in the archive only.
    :raises PositionNotReached: if the log has not come to the position.
    """

    def ask(source: Source) -> EventsPage:
        moment = source.heartbeat()
        source.need(source.is_fresh(moment))
        found = log.page(
            client, after=after, limit=limit, type_=type_, stream=wallet, using=source.using
        )
        shown = EventsPage(found, stale_as_of=moment if source.is_last_resort else None)
        if after is None or found.archived <= after <= found.head:
            return shown
        if after < found.archived:
            raise _archived(after, found, source)
        source.need(source.is_last_resort)
        if source.is_last_resort:
            return shown  # empty: the replica has not come so far yet
        raise errors.PositionNotReached(
            f"The log ends at position {found.head}.", field="after", head=found.head
        )

    return replica.read(ask)


def _archived(after: int, found: LogPage, source: Source) -> errors.EventsArchived:
    file = log.file_of(after + 1, using=source.using)
    return errors.EventsArchived(
        f"Events up to position {found.archived} were moved to the archive, those after {after} "
        f"to {file}. Ask the operator for them, then go on after {found.archived}.",
        field="after",
        archive=file,
        archivedThrough=found.archived,
    )
