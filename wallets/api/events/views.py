"""The log of events over HTTP."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallets import event_log
from wallets.api.binding import READS, ApiView
from wallets.api.events import documentation, parsing, rendering
from wallets.api.throttling import ReadClass
from wallets.models import Scope


@extend_schema_view(get=documentation.LIST_EVENTS)
class EventsView(ApiView):
    """The caller's events."""

    scopes = {"GET": Scope.EVENTS_READ, "HEAD": Scope.EVENTS_READ}
    reads_as = ReadClass.LIST
    takes_query = READS

    def get(self, request: Request) -> HttpResponse:
        """List the caller's events, oldest first."""
        asked = parsing.events_query(self.call)
        page = event_log.page(
            self.principal.client,
            after=asked.after,
            limit=asked.limit,
            type_=asked.type,
            wallet=None if asked.wallet is None else self.wallet(asked.wallet).id,
        )
        return self.answer(rendering.events_page(self.call, page))
