"""Ends a Celery worker that has gone deaf, so that whoever looks after it starts it anew.

A worker fetches one message and no other before it has acknowledged that one. If the broker dies
or the connection is cut at that moment, Celery may go on with a message that is never acknowledged:
it fetches nothing more, so it never finds out that its connection is gone. There is more than one
way into this state and no sure way out of it within the process; a new process hears.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import redis
from celery import signals
from celery.concurrency.solo import TaskPool
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
ASK_SECONDS: Final = 0.5
EXIT_CODE: Final = os.EX_SOFTWARE
_SCHEMES: Final = ("redis", "rediss")

DEAF: Final = Counter(
    "wallet_worker_deaf_total", "Workers that ended because they fetched nothing that waited."
)


def is_deaf(*, waiting: int, at_work: bool, silent_seconds: float, patience_seconds: float) -> bool:
    """Tell whether a worker should leave: messages wait, and it has had all the time to take one.

    A task that runs for long is no silence, and neither is an empty queue.
    """
    return waiting > 0 and not at_work and silent_seconds >= patience_seconds


@dataclass(slots=True)
class Silence:
    """Adds up for how long a worker has left messages lying.

    It is counted by looks and not by the clock: a process that was stopped for a minute, or a
    machine that slept, has not been silent for that minute.
    """

    patience_seconds: float
    at_work: bool = False
    seconds: float = 0.0
    _signs: int = 0
    _signs_before: int = 0

    def hear(self, **_: object) -> None:
        """Note that the worker took a message, whatever became of it."""
        self._signs += 1

    def begin(self, **_: object) -> None:
        """Note that a task begins."""
        self.at_work = True
        self._signs += 1

    def end(self, **_: object) -> None:
        """Note that it has ended, well or not."""
        self._signs += 1
        self.at_work = False

    def look(self, waiting: int | None) -> bool:
        """Take one look more, with the number of messages that wait; tell whether it is deaf.

        None: the broker does not say, so there is nothing that the worker could hear.
        """
        heard = self._signs != self._signs_before
        self._signs_before = self._signs
        if not waiting or self.at_work or heard:
            self.seconds = 0.0
        else:
            self.seconds += LOOK_SECONDS
        return is_deaf(
            waiting=waiting or 0,
            at_work=self.at_work,
            silent_seconds=self.seconds,
            patience_seconds=self.patience_seconds,
        )


def install(*, broker_url: str, patience_seconds: float) -> None:
    """Have every worker of this process's application watched, from when it is ready.

    Only one with Redis as its broker and the solo pool: where children do the tasks, their parent
    does not see when one begins.
    """
    if urlsplit(broker_url).scheme not in _SCHEMES:
        return

    def watch(sender: Any, **_: object) -> None:
        if not isinstance(sender.pool, TaskPool):
            return
        silence = Silence(patience_seconds)
        for signal in (signals.task_received, signals.task_revoked):
            signal.connect(silence.hear, weak=False)
        signals.task_prerun.connect(silence.begin, weak=False)
        signals.task_postrun.connect(silence.end, weak=False)
        queues = tuple(sender.app.amqp.queues.consume_from)
        threading.Thread(
            target=_watch, args=(broker_url, queues, silence), name="worker-watch", daemon=True
        ).start()

    signals.worker_ready.connect(watch, weak=False)


def _watch(broker_url: str, queues: Sequence[str], silence: Silence) -> NoReturn:
    connection = redis.Redis.from_url(
        broker_url,
        socket_timeout=ASK_SECONDS,
        socket_connect_timeout=ASK_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    while True:
        time.sleep(LOOK_SECONDS)
        waiting = None
        with suppress(redis.RedisError):
            waiting = sum(int(connection.llen(queue)) for queue in queues)
        if silence.look(waiting):
            _leave(waiting, silence)


def _leave(waiting: int | None, silence: Silence) -> NoReturn:
    DEAF.inc()
    logger.critical(
        "worker.deaf", extra={"waiting": waiting, "silent_seconds": round(silence.seconds)}
    )
    # No farewell: the thread that would say it may be the one that stands still. A message in hand
    # was done or is given to somebody else, as after a kill.
    os._exit(EXIT_CODE)
