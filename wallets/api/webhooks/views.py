"""The routes of webhooks: each reads, makes one call, answers."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from events.consumers.webhooks import deliveries, endpoints
from wallets.api.binding import READS, ApiView
from wallets.api.throttling import ReadClass
from wallets.api.webhooks import documentation, parsing, rendering
from wallets.identity import WalletIdentity, identify
from wallets.models import Scope
from wallets.operations._replay import key_reused
from wallets.sources import primary_clock


class WebhooksView(ApiView):
    """Base of the routes of webhooks, which have one scope for reading and writing."""

    scopes = dict.fromkeys(("GET", "HEAD", "POST", "PATCH", "DELETE"), Scope.WEBHOOKS_WRITE)

    @property
    def client(self) -> int:
        """Whose endpoints the call is about."""
        return self.principal.client

    def endpoint(self) -> UUID:
        """Read the endpoint's id from the path."""
        return parsing.endpoint_id(self.kwargs["endpoint_id"])

    def delivery(self) -> UUID:
        """Read the delivery's id from the path."""
        return parsing.delivery_id(self.kwargs["delivery_id"])

    def named(self, name: str) -> WalletIdentity:
        """Find a wallet that a filter names."""
        return identify(self.client, name, field="filters.walletIds")


@extend_schema_view(get=documentation.LIST, post=documentation.CREATE)
class EndpointsView(WebhooksView):
    """All webhook endpoints of the caller."""

    reads_as = ReadClass.LIST

    takes_query = READS

    def get(self, request: Request) -> HttpResponse:
        """List the caller's endpoints, newest first."""
        asked = parsing.endpoints_query(self.call)
        found = endpoints.page(client=self.client, before=asked.before, limit=asked.limit + 1)
        return self.answer(rendering.endpoints_page(self.call, found, asked.limit))

    def post(self, request: Request) -> HttpResponse:
        """Make an endpoint and its secret."""
        asked = parsing.create(self.call, self.principal, self.body(), self.named)
        made = endpoints.create(client=self.client, asked=asked, moment=primary_clock())
        if made.request_hash != asked.request_hash:
            raise key_reused()
        return self.answer(rendering.created(self.call, made))


@extend_schema_view(get=documentation.GET, patch=documentation.PATCH, delete=documentation.DELETE)
class EndpointView(WebhooksView):
    """One webhook endpoint."""

    def get(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Show an endpoint."""
        view = endpoints.get(client=self.client, endpoint=self.endpoint())
        return self.answer(rendering.endpoint(self.call, view))

    def patch(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Change an endpoint."""
        endpoint = self.endpoint()
        endpoints.get(client=self.client, endpoint=endpoint)
        changes = parsing.patch(self.body(patch=True), self.named)
        view = endpoints.update(client=self.client, endpoint=endpoint, changes=changes)
        return self.answer(rendering.endpoint(self.call, view))

    def delete(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Remove an endpoint."""
        endpoints.delete(client=self.client, endpoint=self.endpoint())
        return self.answer(rendering.deleted(self.call))


@extend_schema_view(post=documentation.ROTATE)
class RotateSecretView(WebhooksView):
    """Gives an endpoint a new secret."""

    def post(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Make a new secret; the present one signs too for a while."""
        parsing.no_body(self.optional_body())
        key = self.call.key.digest if self.call.key is not None else None
        rotated = endpoints.rotate_secret(client=self.client, endpoint=self.endpoint(), key=key)
        return self.answer(rendering.rotated(self.call, rotated))


@extend_schema_view(post=documentation.TEST)
class TestView(WebhooksView):
    """Sends an endpoint an event that stands for nothing."""

    def post(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Send a test."""
        parsing.no_body(self.optional_body())
        view = deliveries.send_test(client=self.client, endpoint=self.endpoint())
        return self.answer(rendering.delivery(self.call, view, status=202))


@extend_schema_view(post=documentation.REDELIVER_RANGE)
class RedeliverRangeView(WebhooksView):
    """Sends again what happened in a span of time."""

    reads_as = ReadClass.LIST

    def post(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Have a range sent again."""
        endpoint = self.endpoint()
        endpoints.get(client=self.client, endpoint=endpoint)
        asked = parsing.redeliver_range(self.body())
        result = deliveries.redeliver_range(
            client=self.client,
            endpoint=endpoint,
            start=asked.start,
            end=asked.end,
            types=asked.types,
        )
        return self.answer(rendering.redelivered(self.call, result))


@extend_schema_view(get=documentation.LIST_DELIVERIES)
class DeliveriesView(WebhooksView):
    """What was sent to an endpoint."""

    reads_as = ReadClass.LIST

    takes_query = READS

    def get(self, request: Request, endpoint_id: str) -> HttpResponse:
        """List an endpoint's deliveries, newest first."""
        asked = parsing.deliveries_query(self.call)
        found = deliveries.page(
            client=self.client,
            endpoint=self.endpoint(),
            status=asked.status,
            before=asked.before,
            limit=asked.limit + 1,
        )
        return self.answer(rendering.deliveries_page(self.call, found, asked.limit))


@extend_schema_view(get=documentation.GET_DELIVERY)
class DeliveryView(WebhooksView):
    """One delivery."""

    def get(self, request: Request, endpoint_id: str, delivery_id: str) -> HttpResponse:
        """Show a delivery with the log of its attempts."""
        view = deliveries.get(
            client=self.client, endpoint=self.endpoint(), delivery=self.delivery()
        )
        return self.answer(rendering.delivery(self.call, view))


@extend_schema_view(post=documentation.REDELIVER)
class RedeliverView(WebhooksView):
    """Sends one delivery again."""

    def post(self, request: Request, endpoint_id: str, delivery_id: str) -> HttpResponse:
        """Have a delivery sent now."""
        parsing.no_body(self.optional_body())
        view = deliveries.redeliver(
            client=self.client, endpoint=self.endpoint(), delivery=self.delivery()
        )
        return self.answer(rendering.delivery(self.call, view, status=202))
