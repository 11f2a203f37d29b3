"""Columns that rows of the desk have in every list."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.utils.safestring import SafeString

from wallet_project.kit.admin import money, money_column
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallets.reconciliation.models import SUSPENSE

_SUSPENSE_SHOWN: Final = "suspense"


class DeskColumns(NamesClients):
    """Whose a row is, and how much."""

    @admin.display(description="Client")
    def client_link(self, row: Any) -> SafeString | str:
        """Link to the client."""
        return client_cell(row)

    @admin.display(description="Channel")
    def channel_name(self, row: Any) -> str:
        """Name the channel, or suspense."""
        return _SUSPENSE_SHOWN if row.channel == SUSPENSE else str(row.channel)

    @money_column("Amount")
    def amount_money(self, row: Any) -> str:
        """Write the amount with its currency."""
        return money(row.amount, row.currency)
