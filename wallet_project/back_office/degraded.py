"""What does not work as usual just now, for a banner on every page, and what to show without a
primary: staff may look at what the replica has."""

from __future__ import annotations

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from events import lateness
from wallet_project.back_office.tiles import EVENT_LATE, words
from wallet_project.kit import clock, replica, servers
from wallet_project.kit.database import is_transient
from wallet_project.kit.request_id import request_id_of
from wallets.safeguards import switch


def look() -> None:
    """Find out what no breaker tells: how late events are. Asks the primary, where it answers."""
    if not servers.is_read_only():
        lateness.look()


def money_is_stopped() -> bool:
    """Tell whether staff have stopped money, as far as this process has heard; asks nobody."""
    return not servers.is_read_only() and switch.was_paused()


def sentences() -> list[str]:
    """Say what is degraded, a sentence each; none when all is well. Waits for nothing."""
    found = []
    if servers.is_read_only():
        seen = replica.heartbeat_seen()
        as_of = clock.rfc3339(seen) if seen is not None else "an unknown time"
        found.append(
            f"The primary database is away. Pages show the replica as of {as_of}; nothing can be "
            "changed until it is back, which is noticed within seconds."
        )
    elif money_is_stopped():
        found.append("All movements of money are stopped. Reads and events go on.")
    if servers.replica.is_open:
        found.append("The replica is away; everything is read from the primary.")
    if servers.redis.is_open:
        found.append("Redis is away; limits of calls hold in each process by itself.")
    found += _events()
    if servers.gateway.is_open:
        found.append("The payment gateway is away; payouts wait, their money stays held.")
    return found


def _events() -> list[str]:
    """Say that events wait, and for how long: a relay that is down opens no breaker here."""
    age = lateness.known()
    is_late = age > EVENT_LATE and not servers.is_read_only()
    oldest = f", the oldest for {words(age)}," if is_late else ""
    if servers.kafka.is_open:
        return [f"Kafka is away; events wait in the outbox{oldest} and leave in order afterwards."]
    if is_late:
        return [
            f"Events are late: they wait in the outbox{oldest} and leave in order. "
            "Is a relay running, and Kafka up?"
        ]
    return []


def answer(request: HttpRequest, error: BaseException | None) -> HttpResponse | None:
    """Answer for a page of the admin that could not ask the database; None for another failure."""
    is_ours = request.path.startswith("/admin/")
    if not is_ours or not isinstance(error, Error) or not is_transient(error):
        return None
    servers.primary.suspect()  # pages ask it directly, so nobody else may find out
    return _not_now(request, sentences() or ["The database did not answer."], retry_after=5)


def overloaded(request: HttpRequest) -> HttpResponse:
    """Answer for a page of the admin that found too many others under way."""
    return _not_now(request, ["Too many pages are being made already."], retry_after=1)


def _not_now(request: HttpRequest, told: list[str], *, retry_after: int) -> HttpResponse:
    context = {"sentences": told, "request_id": request_id_of(request)}
    headers = {"Retry-After": str(retry_after), "Cache-Control": "no-store"}
    return HttpResponse(render_to_string("503.html", context), status=503, headers=headers)
