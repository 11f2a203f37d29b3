"""The routes of holds, carried by DRF."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallets import hold_queries
from wallets.api import parameters
from wallets.api.binding import READS, ApiView
from wallets.api.holds import documentation, parsing, rendering
from wallets.api.throttling import ReadClass
from wallets.models import HoldStatus, Scope
from wallets.operations import group_commit, void_hold


@extend_schema_view(get=documentation.LIST_HOLDS, post=documentation.PLACE_HOLD)
class HoldsView(ApiView):
    """A wallet's holds."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ, "POST": Scope.HOLDS_WRITE}
    reads_as = ReadClass.LIST
    moves_money = True
    takes_query = READS

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """List a wallet's holds, newest first."""
        asked = parameters.ids_query(self.call, rendering.CURSOR, statuses=list(HoldStatus))
        found = hold_queries.holds_page(
            self.wallet(wallet_id),
            status=None if asked.status is None else HoldStatus(asked.status),
            before=asked.before,
            limit=asked.limit + 1,
            min_version=parameters.min_version(self.call),
        )
        return self.answer(rendering.page(self.call, found, asked.limit))

    def post(self, request: Request, wallet_id: str) -> HttpResponse:
        """Set money aside."""
        wallet = self.wallet(wallet_id)
        asked = parsing.place(wallet, self.call, self.principal, self.body())
        outcome = group_commit.run(asked.command())
        return self.answer(rendering.placed(self.call, outcome))


@extend_schema_view(get=documentation.GET_HOLD)
class HoldView(ApiView):
    """One hold."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ}

    def get(self, request: Request, hold_id: str) -> HttpResponse:
        """Show a hold."""
        asked = parameters.min_version(self.call)
        found = hold_queries.hold(self.principal.client, hold_id, min_version=asked)
        return self.answer(rendering.shown(self.call, found))


@extend_schema_view(post=documentation.CAPTURE_HOLD)
class CaptureView(ApiView):
    """Captures a hold."""

    scopes = {"POST": Scope.HOLDS_WRITE}
    moves_money = True

    def post(self, request: Request, hold_id: str) -> HttpResponse:
        """Let what was held leave the wallet."""
        hold, wallet = hold_queries.identify_to_end(self.principal.client, hold_id)
        body = self.optional_body()
        asked = parsing.capture(hold, wallet, self.call, self.principal, body)
        outcome = group_commit.run(asked.command())
        return self.answer(rendering.captured(self.call, outcome))


@extend_schema_view(post=documentation.VOID_HOLD)
class VoidView(ApiView):
    """Voids a hold."""

    scopes = {"POST": Scope.HOLDS_WRITE}
    moves_money = True

    def post(self, request: Request, hold_id: str) -> HttpResponse:
        """Give a hold up."""
        hold, _ = hold_queries.identify_to_end(self.principal.client, hold_id)
        key = parsing.void(hold, self.call, self.optional_body())
        command = void_hold.command(hold=hold, key=key, actor=self.principal.actor)
        return self.answer(rendering.voided(self.call, group_commit.run(command)))
