"""What can be wrong with a call before it reaches the business, a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from wallet_project.kit.errors import (
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)


class RequestInvalid(Invalid):
    """Several things are wrong with the request; `errors` lists each with its field."""

    code = "invalid_request"
    title = "The request has several errors"

    def __init__(self, errors: Sequence[DomainError]) -> None:
        super().__init__(f"{len(errors)} things are wrong with the request; see errors.")
        self.errors = tuple(errors)


class FieldRequired(Invalid):
    """A field or parameter that the route needs is not there."""

    code = "field_required"
    title = "A field is missing"


class UnknownField(Invalid):
    """The route does not know this field; a misspelt one must not pass unseen."""

    code = "unknown_field"
    title = "A field is unknown"


class WrongType(Invalid):
    """A value has another JSON type than the field."""

    code = "wrong_type"
    title = "A value has the wrong type"


class InvalidParameter(Invalid):
    """A parameter of the query string is unknown, given twice or not readable."""

    code = "invalid_parameter"
    title = "A query parameter is not valid"


class InvalidCursor(Invalid):
    """The cursor did not come from this list."""

    code = "invalid_cursor"
    title = "The cursor is not valid"


class InvalidHeader(Invalid):
    """A request header cannot be read."""

    code = "invalid_header"
    title = "A header is not valid"


class InvalidIdempotencyKey(Invalid):
    """`Idempotency-Key` is not 1 to 255 printable ASCII characters."""

    code = "invalid_idempotency_key"
    title = "The idempotency key is not valid"


class BadRequest(Invalid):
    """The request is broken below the level of any route, such as an unknown Host."""

    code = "bad_request"
    title = "The request cannot be understood"


class LengthRequired(Invalid):
    """The body comes without a length, and in no form whose end this server can tell."""

    code = "length_required"
    title = "The body has no length"


class BodyTooLarge(Invalid):
    """The body is larger than the route takes."""

    code = "body_too_large"
    title = "The body is too large"


class UnsupportedMediaType(Invalid):
    """The body is not uncompressed JSON in UTF-8."""

    code = "unsupported_media_type"
    title = "The body has another media type"


class RequestTimeout(Invalid):
    """The body did not arrive in time."""

    code = "request_timeout"
    title = "The request took too long to arrive"


class MethodNotAllowed(Invalid):
    """The path exists and does not take this method; `Allow` lists those it takes."""

    code = "method_not_allowed"
    title = "The method is not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed: tuple[str, ...] = tuple(allowed)
        super().__init__(f"This path takes {', '.join(self.allowed)}.")


class AddressDenied(Forbidden):
    """The operators have shut the network out from which the call comes; no credential helps."""

    code = "address_denied"
    title = "This address is not served"


class RouteNotFound(NotFound):
    """No route of the API has this path; none of them ends with a slash."""

    code = "route_not_found"
    title = "The path does not exist"


class Unauthenticated(DomainError):
    """The call carries no valid credential. Why is not said: that would help a guesser."""

    code = "unauthenticated"
    title = "Authentication is required"
    challenge: ClassVar[str] = 'Bearer realm="wallet"'

    def __init__(self) -> None:
        super().__init__(
            "Send a valid API key or token as `Authorization: Bearer …`, or the key as X-Api-Key."
        )


class RateLimited(DomainError):
    """More was asked for in this minute than the plan, or the address, is granted."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_seconds: int, **data: str | int) -> None:
        super().__init__(detail, field="", **data)
        self.retry_after_seconds = retry_after_seconds


class TooManyAtOnce(DomainError):
    """The client has as many calls under way as one process works on for it; wait for some."""

    code = "too_many_at_once"
    title = "Too many calls at once"
    retry_after_seconds: ClassVar[int] = 1


class TooManyConnections(TooManyAtOnce):
    """The address has as many connections open as the edge lets one have; it says so itself."""

    code = "too_many_connections"
    title = "Too many connections"


class BulkExceedsPlan(Refused):
    """The list has more commands than the plan grants in a whole minute; it can never pass."""

    code = "bulk_exceeds_plan"
    title = "The list is longer than the plan allows"


class DatabaseUnavailable(Unavailable):
    """The database did not answer in time; a write may or may not have taken effect."""

    code = "database_unavailable"
    title = "The database cannot be reached"


class InternalError(DomainError):
    """A fault of ours. A write may or may not have taken effect; its key makes a repeat safe."""

    code = "internal_error"
    title = "Something went wrong on our side"

    def __init__(self) -> None:
        super().__init__("It has been logged under this requestId; a repeat needs the same key.")
