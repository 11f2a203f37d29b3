"""How channels are read and matched."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, StaffAct
from wallets.reconciliation.admin.columns import DeskColumns
from wallets.reconciliation.admin.forms import NewSetupForm, SetupForm
from wallets.reconciliation.models import ChannelSetup
from wallets.reconciliation.operations.save_setup import SetupRequest, save_setup

_RIGHT = "reconciliation.set_up_channel"


@admin.register(ChannelSetup)
class ChannelSetupAdmin(DeskColumns, ActingAdmin):
    """A row for each channel of each client."""

    list_display = ("channel", "client_link", "format", "currency", "changed_at", "changed_by")
    search_fields = ("client",)
    search_help_text = "Exact number of a client"
    empty_text = "No channel is set up. A checker does it by the button above."
    fields = (
        ("channel", "client_link"),
        ("format", "currency"),
        "mapping_text",
        "rules_text",
        ("changed_at", "changed_by"),
    )
    readonly_fields = ("client_link", "mapping_text", "rules_text")
    list_acts = (StaffAct("set_up", "Set up a channel", _RIGHT, form=NewSetupForm),)
    acts = (
        StaffAct(
            "change",
            "Change the setup",
            _RIGHT,
            form=SetupForm,
            hint="It counts for files and runs from now on. What was loaded stays as it is.",
        ),
    )

    @admin.display(description="Mapping")
    def mapping_text(self, row: ChannelSetup) -> SafeString:
        return format_html('<code class="verbatim">{}</code>', json.dumps(row.mapping, indent=2))

    @admin.display(description="Rules")
    def rules_text(self, row: ChannelSetup) -> SafeString:
        return format_html('<code class="verbatim">{}</code>', json.dumps(row.rules, indent=2))

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Fill the form with what is set, or with what counts if nobody sets anything."""
        if row is None:
            return SetupForm.usual()
        return {
            "format": row.format,
            "currency": row.currency,
            "mapping": json.dumps(row.mapping, indent=2),
            "rules": json.dumps(row.rules, indent=2),
        }

    def do_set_up(self, request: HttpRequest, asked: Asked) -> str:
        """Set a channel up."""
        return _save(request, asked["client"], asked["channel"], asked)

    def do_change(self, request: HttpRequest, row: ChannelSetup, asked: Asked) -> str:
        """Change how a channel is set up."""
        return _save(request, row.client, row.channel, asked)


def _save(request: HttpRequest, client: int, channel: str, asked: Asked) -> str:
    saved = save_setup(
        request=SetupRequest(
            client=client,
            channel=channel,
            format=asked["format"],
            currency=asked["currency"].upper(),
            mapping=asked["mapping"],
            rules=asked["rules"],
        ),
        by=audit.actor_of(request),
        reason=asked["reason"],
    )
    return f"The channel {saved.channel} is set up."
