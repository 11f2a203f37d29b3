"""The routes of a wallet's contact."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from events.consumers.notifications import contacts
from wallets.api.binding import ApiView
from wallets.api.notifications import documentation, parsing, rendering
from wallets.models import Scope


@extend_schema_view(get=documentation.GET, put=documentation.PUT, delete=documentation.DELETE)
class ContactView(ApiView):
    """How the holder of a wallet is reached."""

    scopes = {
        "GET": Scope.WALLETS_READ,
        "HEAD": Scope.WALLETS_READ,
        "PUT": Scope.WALLETS_WRITE,
        "DELETE": Scope.WALLETS_WRITE,
    }

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """Show the contact; an empty one where nobody has left an address."""
        wallet = self.wallet(wallet_id)
        found = contacts.contact_of(wallet.id)
        return self.answer(rendering.contact(self.call, wallet, found))

    def put(self, request: Request, wallet_id: str) -> HttpResponse:
        """Set the contact as a whole."""
        wallet = self.wallet(wallet_id)
        asked = parsing.set_contact(wallet, self.body())
        made = contacts.set_contact(wallet.id, wallet.client, asked)
        return self.answer(rendering.contact(self.call, wallet, made))

    def delete(self, request: Request, wallet_id: str) -> HttpResponse:
        """Erase the contact; doing it twice changes nothing the second time."""
        contacts.erase_contact(self.wallet(wallet_id).id)
        return self.answer(rendering.erased(self.call))
