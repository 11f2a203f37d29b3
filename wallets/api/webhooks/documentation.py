"""What the OpenAPI document says of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from wallets.api.calls import JSON, MERGE_PATCH, PROBLEM
from wallets.api.documentation import (
    _CURSOR,
    _EVERYWHERE,
    _KEY,
    _LIMIT,
    _REQUEST_ID,
    F,
    _asked,
    _described,
    _failure,
    _header,
)
from wallets.api.shapes import Body, Shown
from wallets.api.webhooks import parsing, shapes

_TAG: Final = "Webhooks"


def _id(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, type=OpenApiTypes.UUID, location=OpenApiParameter.PATH)


_ENDPOINT: Final = _id("endpoint_id")
_DELIVERY: Final = _id("delivery_id")
_ECHO: Final = _asked(
    "Idempotency-Key", "Echoed. The same key rotates once; what else is done twice does no harm."
)


def _route(
    name: str,
    summary: str,
    shown: type[Shown],
    *,
    status: int = 200,
    request: Mapping[str, type[Body]] | None = None,
    failures: Sequence[int] = (400, 404),
    parameters: Sequence[OpenApiParameter] = (),
    headers: Sequence[OpenApiParameter] = (),
    example: Any = None,
) -> Callable[[F], F]:
    return _described(
        name=name,
        summary=summary,
        tag=_TAG,
        shown=shown,
        status=status,
        request=request,
        failures=failures,
        parameters=parameters,
        headers=headers,
        examples=[] if example is None else [OpenApiExample(summary, example, request_only=True)],
    )


def _act(
    name: str, summary: str, shown: type[Shown], *parameters: OpenApiParameter, **more: Any
) -> Callable[[F], F]:
    """Describe a POST that may be sent without a body."""
    return _route(
        name,
        summary,
        shown,
        failures=(400, 404, 413, 415, 422),
        parameters=[*parameters, _ECHO],
        **more,
    )


_BODY_FAILURES: Final = (400, 404, 413, 415, 422)

LIST: Final = _route(
    "listWebhookEndpoints",
    "List webhook endpoints",
    shapes.WebhookEndpointPage,
    failures=(400,),
    parameters=[_CURSOR, _LIMIT],
)
CREATE: Final = _route(
    "createWebhookEndpoint",
    "Make a webhook endpoint",
    shapes.WebhookEndpointWithSecretShown,
    status=201,
    request={JSON: shapes.CreateWebhookEndpoint},
    failures=_BODY_FAILURES,
    parameters=[_KEY],
    headers=[
        _header("Idempotency-Key", "The key that was used.", [201, *_BODY_FAILURES, *_EVERYWHERE]),
        _header("Idempotent-Replayed", "`true` when the key had ended before.", [201]),
        _header("Location", "Path of what was made.", [201]),
    ],
    example={
        "url": "https://example.com/webhooks/wallet",
        "description": "bookkeeping",
        "filters": {
            "eventTypes": ["wallet.deposited.v1", "wallet.withdrawn.v1"],
            "currency": "USD",
            "minimumAmount": "100.00",
        },
        "contactEmail": "oncall@example.com",
    },
)
GET: Final = _route(
    "getWebhookEndpoint",
    "Show a webhook endpoint",
    shapes.WebhookEndpointShown,
    parameters=[_ENDPOINT],
)
PATCH: Final = _route(
    "patchWebhookEndpoint",
    "Change a webhook endpoint",
    shapes.WebhookEndpointShown,
    request={JSON: shapes.PatchWebhookEndpoint, MERGE_PATCH: shapes.PatchWebhookEndpoint},
    failures=(400, 404, 413, 415),
    parameters=[_ENDPOINT],
    example={"enabled": True},
)
DELETE: Final = extend_schema(
    operation_id="deleteWebhookEndpoint",
    summary="Remove a webhook endpoint",
    tags=[_TAG],
    request=None,
    responses={
        204: OpenApiResponse(description="It is told nothing more."),
        **{(code, PROBLEM): _failure(code) for code in sorted({400, 404, *_EVERYWHERE})},
    },
    parameters=[_ENDPOINT, _REQUEST_ID],
)
ROTATE: Final = _act(
    "rotateWebhookSecret",
    "Rotate the secret",
    shapes.WebhookEndpointWithSecretShown,
    _ENDPOINT,
)
TEST: Final = _act(
    "testWebhookEndpoint",
    "Send a test",
    shapes.WebhookDeliveryShown,
    _ENDPOINT,
    status=202,
)
REDELIVER_RANGE: Final = _route(
    "redeliverWebhooks",
    "Send a range again",
    shapes.RedeliveredShown,
    status=202,
    request={JSON: shapes.RedeliverWebhooks},
    failures=_BODY_FAILURES,
    parameters=[_ENDPOINT, _ECHO],
    example={"from": "2026-01-15T00:00:00Z", "to": "2026-01-16T00:00:00Z"},
)
LIST_DELIVERIES: Final = _route(
    "listWebhookDeliveries",
    "List deliveries",
    shapes.WebhookDeliveryPage,
    parameters=[
        _ENDPOINT,
        _CURSOR,
        _LIMIT,
        OpenApiParameter("status", type=OpenApiTypes.STR, enum=parsing.STATUSES),
    ],
)
GET_DELIVERY: Final = _route(
    "getWebhookDelivery",
    "Show a delivery and its attempts",
    shapes.WebhookDeliveryShown,
    parameters=[_ENDPOINT, _DELIVERY],
)
REDELIVER: Final = _act(
    "redeliverWebhook",
    "Send one delivery again",
    shapes.WebhookDeliveryShown,
    _ENDPOINT,
    _DELIVERY,
    status=202,
)
