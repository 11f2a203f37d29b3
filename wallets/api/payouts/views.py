"""The routes of payouts, carried by DRF."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallets import payout_queries
from wallets.api import parameters
from wallets.api.binding import READS, ApiView
from wallets.api.payouts import documentation, parsing, rendering
from wallets.api.throttling import ReadClass, RouteClass
from wallets.models import PayoutStatus, Scope
from wallets.operations import group_commit
from wallets.payouts import http_gateway, saga


@extend_schema_view(get=documentation.LIST_PAYOUTS, post=documentation.REQUEST_PAYOUT)
class PayoutsView(ApiView):
    """All payouts of the caller."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ, "POST": Scope.PAYOUTS_WRITE}
    reads_as = ReadClass.LIST
    moves_money = True
    route_class = RouteClass.WITHDRAWAL
    takes_query = READS

    def get(self, request: Request) -> HttpResponse:
        """List the caller's payouts, newest first."""
        asked = parameters.ids_query(self.call, rendering.CURSOR, statuses=list(PayoutStatus))
        found = payout_queries.payouts_page(
            self.principal.client,
            status=None if asked.status is None else PayoutStatus(asked.status),
            before=asked.before,
            limit=asked.limit + 1,
        )
        return self.answer(rendering.page(self.call, found, asked.limit))

    def post(self, request: Request) -> HttpResponse:
        """Hold the money and put the payout down; what follows is done without the caller."""
        asked = parsing.request(self.call, self.principal, self.body(), find=self.wallet)
        saga.require_gateway(http_gateway.configured())
        outcome = group_commit.run(asked.command())
        return self.answer(rendering.requested(self.call, asked, outcome))


@extend_schema_view(get=documentation.GET_PAYOUT)
class PayoutView(ApiView):
    """One payout."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ}

    def get(self, request: Request, payout_id: str) -> HttpResponse:
        """Show a payout."""
        view = payout_queries.payout(self.principal.client, payout_id)
        return self.answer(rendering.shown(self.call, view))
