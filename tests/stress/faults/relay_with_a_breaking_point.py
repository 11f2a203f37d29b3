"""A relay that stops between two of its steps; started by the tests of crash points.

`python -m tests.stress.faults.relay_with_a_breaking_point POINT`, with one of:

* `die-before-mark`: Kafka has acknowledged, and the process is gone before a row is marked;
* `freeze-before-mark`: the same moment, but it is only stopped and may be continued;
* `freeze-before-send`: the rows are read, and by the time they are sent they are old.

At later chunks it does nothing unusual.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from events import marking  # noqa: E402
from events.broker import KafkaBroker  # noqa: E402

_ran = False


def once(act: Callable[[], None]) -> None:
    """Do it the first time only."""
    global _ran
    if not _ran:
        _ran = True
        act()


def freeze() -> None:
    """Stop this process until somebody continues it."""
    os.kill(os.getpid(), signal.SIGSTOP)


def before_mark(act: Callable[[], None]) -> None:
    """Act when the broker has acknowledged something and no row is marked yet."""
    mark = marking.mark_published

    def acting(ids: Sequence[int]) -> int:
        if ids:
            once(act)
        return mark(ids)

    marking.mark_published = acting


def before_send(act: Callable[[], None]) -> None:
    """Act when the rows are read and nothing of them is sent."""
    send = KafkaBroker.send

    def acting(self: KafkaBroker, records: Sequence[Any], *, deadline_seconds: float) -> Any:
        once(act)
        return send(self, records, deadline_seconds=deadline_seconds)

    KafkaBroker.send = acting  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], None]] = {
    "die-before-mark": lambda: before_mark(lambda: os._exit(9)),
    "freeze-before-mark": lambda: before_mark(freeze),
    "freeze-before-send": lambda: before_send(freeze),
}


if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    call_command("relay")
