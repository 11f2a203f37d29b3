"""Errors as callers see them: `application/problem+json`, and the catalogue behind `/problems/`."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec

from wallet_project.kit import clock
from wallet_project.kit.errors import (
    Conflict,
    DomainError,
    Fact,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)
from wallet_project.kit.money import format_minor
from wallets.api import errors
from wallets.api.calls import PROBLEM, Answer, Call, standard_headers

_MONEY: Final = frozenset({"available", "held", "balance", "shortfall", "limit", "left"})
_LONGEST_NAME: Final = 100

_ADVICE_BY_KIND: Final[dict[type[DomainError], str]] = {
    Invalid: "Correct the request. It had no effect, and its idempotency key is still free.",
    NotFound: "Check the id. Things of other clients look as if they did not exist.",
    Forbidden: "Use a key that carries the scope, or ask for one.",
    Refused: "Nothing moved. The refusal is final for this idempotency key; when the reason is "
    "gone, try again with a new key.",
    Conflict: "Nothing changed. Look at what is there now, then decide.",
    Unavailable: "Wait as long as Retry-After says, then send the same request with the same "
    "idempotency key: it takes effect once, however often it is sent.",
}
_ADVICE_BY_CODE: Final[dict[str, str]] = {
    "unauthenticated": "Send a key that is neither mistyped, expired nor revoked, in one header.",
    "internal_error": "Send the same request with the same idempotency key: it takes effect once. "
    "If it keeps failing, tell us the requestId.",
    "rate_limited": "Wait as long as Retry-After says, then send the same request with the same "
    "key, which is still free. The X-RateLimit headers of every answer tell what is left.",
    "too_many_at_once": "Wait for answers to calls that are under way, then send the same request "
    "with the same key, which is still free.",
    "too_many_connections": "Close connections that you do not use, or keep them open and send "
    "more requests on each.",
    "bulk_exceeds_plan": "Nothing was done. Split the list, or ask for a larger plan.",
    "idempotency_key_reused": "Nothing was done. Take a new key for a new request, or send the "
    "first request unchanged to have its answer again.",
    "version_mismatch": "Read the wallet again and repeat the change on what it is now.",
    "version_not_reached": "Ask for a version that a write answered, or for none.",
    "too_many_channels": "Nothing was done and the key is still free. Use a channel you have.",
    "wallet_not_empty": "Nothing changed. Move what is in the wallet elsewhere, let its holds end, "
    "then close it again.",
    "reference_taken": "Choose another reference, or use the wallet that has this one.",
    "events_archived": "Ask the operator for the file that `archive` names and those after it, "
    "then go on after `archivedThrough`. Whoever reads once in the keeping time never sees this.",
    "position_not_reached": "Go on from a nextAfter that was answered. If it was: the log was "
    "restored to an earlier state; compare sequences per wallet.",
    "duplicate_key": "Name each key once in an object.",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One kind of problem, for the page that `type` points to."""

    code: str
    title: str
    sentence: str
    advice: str
    error: type[DomainError]


def is_api_path(path: str) -> bool:
    """Tell whether a path belongs to the API, whose errors are problems and not pages."""
    # As callers mean it: `//api/v1` and `/API/v1` are typing errors of a program, not of a person.
    lowered = "/" + path.lower().lstrip("/")
    return lowered == "/api" or lowered.startswith("/api/")


def problem(call: Call, error: DomainError, status: int) -> Answer:
    """Render an error under a status that the exception handler chose."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "instance": call.path,
        "code": error.code,
        "requestId": call.request_id,
        "timestamp": clock.rfc3339(clock.now()),
        "errors": _field_problems(error),
    }
    for name, fact in _facts(error).items():
        body.setdefault(name, fact)
    return Answer(status, msgspec.json.encode(body), failure_headers(call, error, PROBLEM))


def failure_headers(call: Call, error: DomainError, content_type: str) -> dict[str, str]:
    """Make the headers of an error, whatever format its body has."""
    headers = standard_headers(call, content_type)
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = error.challenge
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, Unavailable | errors.RateLimited | errors.TooManyAtOnce):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return headers


@cache
def catalogue() -> dict[str, Explained]:
    """List every error that has a code of its own, by code."""
    return {
        kind.code: Explained(
            code=kind.code,
            title=kind.title,
            sentence=" ".join((inspect.getdoc(kind) or kind.title).split("\n\n")[0].split()),
            advice=_advice(kind),
            error=kind,
        )
        for kind in sorted(coded_errors(), key=lambda kind: kind.code)
    }


def coded_errors() -> list[type[DomainError]]:
    """List the error classes that declare a code; kinds declare none."""
    found = [DomainError]
    for kind in found:
        found.extend(child for child in kind.__subclasses__() if child not in found)
    return [kind for kind in found[1:] if "code" in vars(kind)]


def _advice(kind: type[DomainError]) -> str:
    if kind.code in _ADVICE_BY_CODE:
        return _ADVICE_BY_CODE[kind.code]
    by_kind = (text for base, text in _ADVICE_BY_KIND.items() if issubclass(kind, base))
    return next(by_kind, "This is a fault of ours; tell us the requestId.")


def _field_problems(error: DomainError) -> list[dict[str, str]]:
    parts = error.errors if isinstance(error, errors.RequestInvalid) else (error,)
    return [
        {"field": part.field[:_LONGEST_NAME], "code": part.code, "detail": part.detail}
        for part in parts
        if part.field or len(parts) > 1
    ]


def _facts(error: DomainError) -> dict[str, Fact]:
    """Tell the error's numbers, amounts as decimal strings."""
    currency = error.data.get("currency")
    return {
        name: format_minor(fact, currency)
        if name in _MONEY and isinstance(fact, int) and isinstance(currency, str)
        else fact
        for name, fact in error.data.items()
    }
