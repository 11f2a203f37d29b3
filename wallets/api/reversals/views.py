"""The route of reversals, carried by DRF."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from ledger.errors import EntryNotFound
from wallets.api.binding import ApiView
from wallets.api.reversals import documentation, parsing, rendering
from wallets.identity import parse_uuid
from wallets.models import Scope
from wallets.operations import group_commit, reverse_transaction


@extend_schema_view(post=documentation.REVERSE)
class ReverseView(ApiView):
    """Takes a transaction back."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True

    def post(self, request: Request, transaction_id: str) -> HttpResponse:
        """Post the movement the other way round."""
        found = parse_uuid(transaction_id)
        if found is None:
            raise EntryNotFound("The transaction does not exist.", field="transactionId")
        original = reverse_transaction.identify(self.principal.client, found)
        body = self.optional_body()
        asked = parsing.reverse(original, self.call, self.principal, body)
        command = reverse_transaction.command(original=original, request=asked)
        return self.answer(rendering.reversed_(self.call, group_commit.run(command)))
