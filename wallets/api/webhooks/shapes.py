"""The shapes of bodies about webhooks, in and out."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from events import contracts
from wallets.api.shapes import AmountIn, AmountOut, Body, CurrencyCode, Id, Shown, Time, WalletName

_EVENT: Final = "01932f4e-9a00-7f10-b3c2-5d1e0f2a4b6c"

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2048,
        description="Where events are POSTed: https, a public address, port 443 or 8443.",
        examples=["https://example.com/webhooks/wallet"],
    ),
]
EventType = Annotated[str, Meta(max_length=64, examples=[contracts.DEPOSITED])]
EventTypes = Annotated[
    list[EventType],
    Meta(max_length=64, description="Which events; empty: all, also types to come."),
]
Note = Annotated[str, Meta(max_length=255, examples=["bookkeeping"])]
ContactEmail = Annotated[
    str,
    Meta(
        max_length=254,
        description="Who is told when the service disables the endpoint.",
        examples=["oncall@example.com"],
        extra_json_schema={"format": "email"},
    ),
]
Wallets = Annotated[
    list[WalletName], Meta(max_length=100, description="Which wallets; empty: all.")
]
Secret = Annotated[
    str,
    Meta(
        description="Signs every call. Shown here and never again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ),
]
Status = Annotated[
    str,
    Meta(
        extra_json_schema={"enum": ["PENDING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED"]},
        examples=["SUCCEEDED"],
    ),
]


class WebhookFilters(Body, frozen=True, kw_only=True):
    """What an event must be like to be sent; what is left out takes any. Bounds of the amount need
    a currency, and events without an amount do not pass them."""

    event_types: EventTypes | None = None
    wallet_ids: Wallets | None = None
    currency: CurrencyCode | None = None
    minimum_amount: AmountIn | UnsetType = UNSET
    maximum_amount: AmountIn | UnsetType = UNSET


class CreateWebhookEndpoint(Body, frozen=True, kw_only=True):
    """A new endpoint."""

    url: Url
    description: Note | None = None
    filters: WebhookFilters | None = None
    contact_email: ContactEmail | None = None
    enabled: bool | None = None


class PatchWebhookEndpoint(Body, frozen=True, kw_only=True):
    """A JSON merge patch of an endpoint, but for the filters: they are replaced as a whole."""

    url: Url | UnsetType = UNSET
    description: Note | UnsetType | None = UNSET
    filters: WebhookFilters | UnsetType | None = UNSET
    contact_email: ContactEmail | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class RedeliverWebhooks(Body, frozen=True, kw_only=True):
    """Which deliveries are sent again: by the time of their events, `from` up to before `to`."""

    start: Annotated[str, Meta(max_length=40)] = msgspec.field(name="from")
    end: Annotated[str, Meta(max_length=40)] = msgspec.field(name="to")
    event_types: EventTypes | None = None


class WebhookFiltersShown(Shown, frozen=True, kw_only=True):
    """What an event must be like to be sent."""

    event_types: EventTypes
    wallet_ids: list[Id]
    currency: CurrencyCode | None
    minimum_amount: AmountOut | None
    maximum_amount: AmountOut | None


class WebhookEndpointShown(Shown, frozen=True, kw_only=True):
    """A URL that is told of events."""

    id: Id
    url: Url
    description: Note | None
    filters: WebhookFiltersShown
    contact_email: ContactEmail | None
    enabled: bool
    disabled_reason: Annotated[
        str | None,
        Meta(
            description="REQUESTED by you, FAILING for too long, or GONE: it answered 410.",
            extra_json_schema={"enum": ["REQUESTED", "FAILING", "GONE", None]},
        ),
    ]
    disabled_at: Time | None
    failures: Annotated[int, Meta(description="Attempts that failed since the last success.")]
    failing_since: Time | None
    former_secret_until: Annotated[
        Time | None, Meta(description="Until then the secret before the last rotation signs too.")
    ]
    created_at: Time
    updated_at: Time


class WebhookEndpointWithSecretShown(WebhookEndpointShown, frozen=True, kw_only=True):
    """A URL that is told of events, with its new secret."""

    secret: Annotated[
        Secret | None,
        Meta(description="Null in the repeat of a call whose secret has been rotated since."),
    ]


class WebhookEndpointPage(Shown, frozen=True, kw_only=True):
    """Endpoints, newest first."""

    items: list[WebhookEndpointShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]


class WebhookAttemptShown(Shown, frozen=True, kw_only=True):
    """One try to deliver."""

    number: int
    started_at: Time
    finished_at: Annotated[Time | None, Meta(description="Null while it runs.")]
    duration_ms: int | None
    status_code: int | None
    error: Annotated[str | None, Meta(description="Null where it succeeded.", examples=["timeout"])]
    response: Annotated[str, Meta(description="The first 1,024 bytes of the receiver's answer.")]


class WebhookDeliveryItemShown(Shown, frozen=True, kw_only=True):
    """An event on its way to an endpoint."""

    id: Id
    endpoint_id: Id
    event_id: Annotated[Id, Meta(description="`webhook-id` of every attempt.", examples=[_EVENT])]
    event_type: EventType
    wallet_id: Id | None
    status: Status
    attempts: int
    last_status_code: int | None
    last_error: str | None
    occurred_at: Time
    next_attempt_at: Time | None
    finished_at: Time | None


class WebhookDeliveryShown(WebhookDeliveryItemShown, frozen=True, kw_only=True):
    """An event on its way to an endpoint, with what is sent and how each try went."""

    payload: Annotated[dict[str, Any], Meta(extra_json_schema={"additionalProperties": {}})]
    log: list[WebhookAttemptShown]


class WebhookDeliveryPage(Shown, frozen=True, kw_only=True):
    """Deliveries to an endpoint, newest first."""

    items: list[WebhookDeliveryItemShown]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")]


class RedeliveredShown(Shown, frozen=True, kw_only=True):
    """How many deliveries are sent again."""

    count: int
    next_from: Annotated[
        Time | None,
        Meta(description="Where the next call begins; null when the range is done."),
    ]
