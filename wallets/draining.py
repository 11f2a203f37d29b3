"""What is under way while the service drains, and when nothing can be any more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from events import queries
from wallet_project.kit.database import PRIMARY
from wallets import operation_queries
from wallets.models import Payout, PayoutStatus
from wallets.safeguards import switch
from wallets.safeguards.models import WriteSwitch
from wallets.sources import primary_clock

_BETWEEN_STEPS = (PayoutStatus.PENDING, PayoutStatus.UNKNOWN)
"""A payout that waits for the gateway: its money is held, and it may wait for days."""
_AT_WORK = (PayoutStatus.SENDING, PayoutStatus.CAPTURING, PayoutStatus.RELEASING)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What has not come to its end."""

    request_seconds: int
    """For how long a request of before may still be at work somewhere, in a queue or a bulk."""
    operations: int
    payouts: int
    """In the middle of a step."""
    events: int
    quarantined: int
    payouts_waiting: int
    """For the gateway, between two steps: nobody waits for them."""

    @property
    def is_dry(self) -> bool:
        """Tell whether nothing moves any more and everything was told."""
        left = (self.operations, self.payouts, self.events, self.quarantined)
        return self.request_seconds <= 0 and not any(left)


def under_way() -> UnderWay:
    """Look, on the primary.

    Nobody can ask the queues of every process. But the switch bites within five seconds, and every
    request ends within its deadline: after both, nothing that came in before is at work.
    """
    payouts = Payout.objects.using(PRIMARY)
    return UnderWay(
        request_seconds=_request_seconds(),
        operations=operation_queries.waiting().operations,
        payouts=payouts.filter(status__in=_AT_WORK).count(),
        events=queries.pending_count(),
        quarantined=queries.quarantined_count(),
        payouts_waiting=payouts.filter(status__in=_BETWEEN_STEPS).count(),
    )


def _request_seconds() -> int:
    longest = timedelta(seconds=switch.BITES_SECONDS + settings.REQUEST_DEADLINE_SECONDS)
    row = WriteSwitch.objects.using(PRIMARY).filter(is_paused=True).first()
    if row is None:
        return math.ceil(longest.total_seconds())
    return max(math.ceil((row.changed_at + longest - primary_clock()).total_seconds()), 0)
