"""The route of a wallet's limits."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallets import limit_queries
from wallets.api.binding import ApiView
from wallets.api.limits import documentation, rendering
from wallets.models import Scope


@extend_schema_view(get=documentation.GET)
class LimitsView(ApiView):
    """What may leave a wallet."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ}

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """Tell the limits in force, and what is left of each."""
        wallet = self.wallet(wallet_id)
        return self.answer(rendering.limits(self.call, wallet, limit_queries.limits_of(wallet)))
