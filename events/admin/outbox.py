"""The outbox and its archive: to be read, and released where an event could not be sent."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from events import releasing
from events.admin import payloads
from events.models import ArchivedFile, OutboxEvent, OutboxStatus, Quarantined
from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, StaffAct
from wallet_project.kit.admin import NOTHING, ReadOnlyAdmin, coloured
from wallet_project.kit.client_cells import client_cell
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.links import row_link

_COLOURS = {
    OutboxStatus.PENDING.label: "info",
    OutboxStatus.PUBLISHED.label: "success",
    OutboxStatus.HELD.label: "warning",
    OutboxStatus.QUARANTINED.label: "danger",
}
_STUCK = (OutboxStatus.HELD, OutboxStatus.QUARANTINED)


class WaitingFilter(admin.SimpleListFilter):
    """Shows what is not published, by the beginning of the outbox's one index.

    What is published is nearly everything: that is the list without a filter.
    """

    title = "status"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.name, one.label) for one in (OutboxStatus.PENDING, *_STUCK)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = OutboxStatus.__members__.get(self.value() or "")
        if chosen is None or chosen is OutboxStatus.PUBLISHED:
            return queryset
        return queryset.filter(position__isnull=True, status=chosen)


@admin.register(OutboxEvent)
class OutboxEventAdmin(ActingAdmin):
    """Events, newest first. None is ever given up: readers count a wallet's without a gap."""

    list_display = ("id", "place", "type", "stream_link", "sequence", "state", "occurred_at")
    list_filter = (WaitingFilter,)
    search_fields = ("stream", "position")
    search_help_text = "The exact id of a wallet, or a position"
    empty_text = "Nothing has happened yet. Each change of a wallet puts an event here."
    fields = (
        ("event_id", "type"),
        ("stream_link", "sequence"),
        ("client_link", "entry_link"),
        "occurred_at",
        ("state", "attempts"),
        "why",
        ("position", "published_at"),
        ("topic", "shard"),
        "data",
    )
    readonly_fields = ("stream_link", "client_link", "entry_link", "state", "why", "data")
    acts = (
        StaffAct(
            "release",
            "Release the events of this wallet",
            "events.release_outboxevent",
            hint="Mend first what stood in the way. Then the relay tries the quarantined event "
            "again, and the held ones behind it, in their order. One that still cannot be sent "
            "comes back here.",
        ),
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the number of an event beside its stream, as the pages of the books name it."""
        if lookup == "sequence":
            return request is not None and "stream" in request.GET
        return bool(super().lookup_allowed(lookup, value, request))

    @admin.display(description="Position")
    def place(self, event: OutboxEvent) -> str:
        return NOTHING if event.position is None else str(event.position)

    @admin.display(description="Status")
    @coloured(_COLOURS)
    def state(self, event: OutboxEvent) -> str:
        return str(event.get_status_display())

    @admin.display(description="About")
    def stream_link(self, event: OutboxEvent) -> SafeString | str:
        """Link to the wallet of a fact; other messages may be about something else."""
        is_fact = event.sequence is not None
        return row_link("wallets.wallet", event.stream) if is_fact else str(event.stream)

    @admin.display(description="Client")
    def client_link(self, event: OutboxEvent) -> SafeString | str:
        return client_cell(event)

    @admin.display(description="Journal entry")
    def entry_link(self, event: OutboxEvent) -> SafeString | str:
        return row_link("ledger.journalentry", event.entry)

    @admin.display(description="Why it waits")
    def why(self, event: OutboxEvent) -> str:
        if event.status == OutboxStatus.HELD:
            return "An earlier event of the same wallet is quarantined."
        if event.status != OutboxStatus.QUARANTINED:
            return NOTHING
        found = Quarantined.objects.using(PRIMARY).filter(pk=event.pk).first()
        return "not known" if found is None else found.reason

    @admin.display(description="Payload")
    def data(self, event: OutboxEvent) -> SafeString:
        return payloads.shown(bytes(event.payload))

    def offers(self, act: StaffAct, row: OutboxEvent) -> bool:
        """Offer to release what is stuck."""
        return row.status in _STUCK

    def do_release(self, request: HttpRequest, row: OutboxEvent, asked: Asked) -> str:
        """Have the wallet's events tried again."""
        by = audit.actor_of(request)
        count = releasing.release(row.stream, by=by, reason=asked["reason"])
        return f"{count} events wait for the relay again."


@admin.register(ArchivedFile)
class ArchivedFileAdmin(ReadOnlyAdmin):
    """Files of the archive, newest first."""

    empty_text = (
        "Nothing has left for the archive yet. Beat moves rows when they are past their days."
    )
    list_display = ("name", "archive", "row_count", "last_position", "archived_at")
    list_filter = ("archive",)
    search_fields = ("name",)
    search_help_text = "The exact name of a file"
    fields = ("name", "archive", ("row_count", "fact_count"), "last_position", "sha256")
