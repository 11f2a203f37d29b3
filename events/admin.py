"""What the world was told, and what it still has to be told. To be read, not changed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events.models import OutboxEvent, OutboxStatus
from wallet_project.kit.admin import NOTHING, ReadOnlyAdmin, coloured

_COLOURS = {
    OutboxStatus.PENDING.label: "info",
    OutboxStatus.PUBLISHED.label: "success",
    OutboxStatus.HELD.label: "warning",
    OutboxStatus.QUARANTINED.label: "danger",
}


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """Events, newest first."""

    list_display = ("place", "type", "stream", "sequence", "state", "occurred_at")
    list_filter = ("status",)
    search_fields = ("event_id", "stream", "position")
    search_help_text = "The exact id of an event or a wallet, or a position"
    fields = (
        ("event_id", "type"),
        ("stream", "sequence"),
        ("client", "entry"),
        "occurred_at",
        ("state", "attempts"),
        ("position", "published_at"),
        ("topic", "shard"),
        "data",
    )

    @admin.display(description="Position")
    def place(self, event: OutboxEvent) -> str:
        return NOTHING if event.position is None else str(event.position)

    @admin.display(description="Status")
    @coloured(_COLOURS)
    def state(self, event: OutboxEvent) -> str:
        return str(event.get_status_display())

    @admin.display(description="Payload")
    def data(self, event: OutboxEvent) -> SafeString:
        return format_html("<pre>{}</pre>", _readable(bytes(event.payload)))


def _readable(payload: bytes) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:  # not JSON, or not even text
        return payload.decode(errors="backslashreplace")
