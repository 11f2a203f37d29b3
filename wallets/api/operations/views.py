"""The routes of asynchronous operations, carried by DRF; see `wallets/api/views.py`."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallets import identity, operation_queries
from wallets.api import parameters, throttling
from wallets.api.binding import READS, ApiView
from wallets.api.operations import documentation, parsing, rendering
from wallets.api.parsing import Verb
from wallets.api.throttling import ReadClass
from wallets.models import Scope
from wallets.operations.accept_operation import accept


@extend_schema_view(post=documentation.ACCEPT_OPERATION)
class AcceptView(ApiView):
    """Movements to be made later."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True

    def post(self, request: Request) -> HttpResponse:
        """Accept an operation; answer when that is durable."""
        asked = parsing.operation(self.body())
        if asked.verb is Verb.WITHDRAW:
            throttling.charge_list(self.call, self.principal, commands=1, withdrawals=1)
        wallet = self.wallet(asked.wallet_name)
        movement = asked.movement(wallet, self.call, self.principal)
        destination = None
        if movement.destination is not None:
            destination = identity.identify(
                self.principal.client, movement.destination, field="destinationWalletId"
            )
        return self.answer(rendering.accepted(self.call, accept(movement.command(destination))))


@extend_schema_view(get=documentation.LIST_OPERATIONS)
class OperationsView(ApiView):
    """A wallet's operations."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}
    reads_as = ReadClass.LIST
    takes_query = READS

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """List a wallet's operations, the one accepted last first."""
        asked = parameters.operations_query(self.call)
        found = operation_queries.operations_page(
            self.wallet(wallet_id), status=asked.status, before=asked.before, limit=asked.limit + 1
        )
        return self.answer(rendering.operations_page(self.call, found, asked.limit))


@extend_schema_view(get=documentation.GET_OPERATION)
class OperationView(ApiView):
    """One operation."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}

    def get(self, request: Request, wallet_id: str, operation_id: str) -> HttpResponse:
        """Show an operation."""
        wallet = self.wallet(wallet_id)
        view = operation_queries.operation(wallet, operation_id)
        return self.answer(rendering.operation(self.call, view))
