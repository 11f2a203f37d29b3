"""What an operator decides about webhooks, and the schedule of retries that follows from it."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_JITTER = 0.1
"""How much later a retry may come, as a part of its delay: a crowd must not come back as one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All of them; made from the settings, checked at the start."""

    retries: tuple[int, ...]
    """Seconds before each retry. After the last one the delivery has failed."""
    connect_seconds: int
    """For the look-up of the name, and again for the connection."""
    total_seconds: int
    """For a whole attempt."""
    lease_seconds: int
    """How long an attempt that never ended keeps others from trying."""
    concurrency: int
    """Attempts at a time, of one process."""
    endpoint_concurrency: int
    """And of them to one endpoint."""
    overlap_seconds: int
    """How long a rotated secret goes on signing beside its successor."""
    disable_after_seconds: int
    disable_after_failures: int
    """An endpoint is disabled when it has failed for so long and so often without a success."""
    endpoints_max: int
    """Of one client."""
    allow_http: bool
    ports: tuple[int, ...]
    """Where receivers may listen; empty: anywhere."""
    networks: tuple[Network, ...]
    """Addresses that may be reached although they are private."""

    @property
    def overlap(self) -> timedelta:
        """How long a rotated secret goes on signing."""
        return timedelta(seconds=self.overlap_seconds)

    def delay_after(self, failures: int, *, asked_seconds: int = 0) -> timedelta | None:
        """Tell how long to wait after so many failures in a row; None: it was the last attempt.

        A receiver may ask for more (`Retry-After`), up to the longest delay of the schedule.
        """
        if failures > len(self.retries):
            return None
        base = max(self.retries[failures - 1], min(asked_seconds, max(self.retries)))
        late = random.uniform(0, base * _JITTER)  # noqa: S311 - spreads load, hides nothing
        return timedelta(seconds=base + late)


def rules(
    *,
    retries: Sequence[str],
    ports: Sequence[str],
    networks: Sequence[str],
    lease_seconds: int,
    total_seconds: int,
    **numbers: int,
) -> Rules:
    """Read the rules from the settings' words and numbers.

    :raises ImproperlyConfigured: if they make no sense.
    """
    if lease_seconds <= total_seconds:
        raise ImproperlyConfigured(
            "WEBHOOK_LEASE_SECONDS must be above WEBHOOK_TOTAL_SECONDS, or two attempts overlap."
        )
    try:
        return Rules(
            retries=tuple(_positive(word) for word in retries),
            ports=tuple(_positive(word) for word in ports),
            networks=tuple(ipaddress.ip_network(word) for word in networks),
            lease_seconds=lease_seconds,
            total_seconds=total_seconds,
            **numbers,  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise ImproperlyConfigured(f"The settings of webhooks: {error}.") from error


def _positive(word: str) -> int:
    found = int(word)
    if found < 1:
        raise ValueError(f"{word} is not above zero")
    return found
