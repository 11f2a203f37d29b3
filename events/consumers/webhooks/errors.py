"""Every way webhooks turn a caller down."""

from wallet_project.kit.errors import Invalid, NotFound, Refused


class EndpointNotFound(NotFound):
    """No such webhook endpoint belongs to the client; another client's looks the same."""

    code = "webhook_endpoint_not_found"
    title = "The webhook endpoint does not exist"


class DeliveryNotFound(NotFound):
    """The endpoint has no such delivery."""

    code = "webhook_delivery_not_found"
    title = "The webhook delivery does not exist"


class EndpointDisabled(Refused):
    """A disabled endpoint is sent nothing; enable it first."""

    code = "webhook_endpoint_disabled"
    title = "The webhook endpoint is disabled"


class TooManyEndpoints(Refused):
    """A client has a limited number of webhook endpoints."""

    code = "too_many_webhook_endpoints"
    title = "The client has too many webhook endpoints"


class UrlNotAllowed(Invalid):
    """The service does not send to such a URL: wrong scheme, port or form, or a private address."""

    code = "webhook_url_not_allowed"
    title = "The URL is not allowed"


class UnknownEventType(Invalid):
    """No event has this type."""

    code = "unknown_event_type"
    title = "The event type is unknown"
