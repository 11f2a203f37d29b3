"""Run consumers until told to stop: read, settle, commit, each consumer in a thread of its own.

At least once, effect once: the place in the topic is committed after the transaction of the effect.
A crash in between repeats records, and the inbox knows them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Final

from django.db import Error, close_old_connections, connections

from events import metrics
from events.consumer import Consumer, consumers
from events.errors import BrokerUnavailable, NoSuchConsumer
from events.settling import Interrupted, is_outage, settle
from events.sources import Source, source_of
from events.trouble import Trouble
from wallet_project.kit.retry_metrics import DATABASE_TRANSIENT, KAFKA_CONSUME

logger = logging.getLogger(__name__)

METRICS_SECONDS: Final = 5.0


def find(name: str) -> Consumer:
    """Look a consumer up.

    :raises NoSuchConsumer: if the table has none of that name.
    """
    known = consumers()
    if name not in known:
        raise NoSuchConsumer(f"There is no consumer {name}; there are {', '.join(known) or 'none'}")
    return known[name]


def run(consumers: Sequence[Consumer], stop: threading.Event) -> None:
    """Run consumers until `stop` is set, through any outage of the database and the broker.

    Each finishes the batch in hand and commits it. What time cannot heal ends them all and is
    raised.
    """
    if not consumers:
        stop.wait()
        return
    with ThreadPoolExecutor(len(consumers), thread_name_prefix="consumer") as pool:
        running = [pool.submit(_run, consumer, source_of(consumer), stop) for consumer in consumers]
        wait(running, return_when=FIRST_EXCEPTION)
        stop.set()
    for one in running:
        one.result()


def _run(consumer: Consumer, source: Source, stop: threading.Event) -> None:
    name = consumer.name
    trouble = Trouble(logger, "consumer", f"consume_{name}", consumer=name)
    gauges = _Gauges(name)
    try:
        while not stop.is_set():
            close_old_connections()
            try:
                records = source.poll()
                if records:
                    settle(consumer, records, stop)
                    source.commit()
                gauges.measure(source)
            except BrokerUnavailable as error:
                source.close()
                stop.wait(trouble.with_(KAFKA_CONSUME, error))
            except Interrupted as error:
                source.rewind()
                gauges.measure(source)
                if not stop.is_set():
                    stop.wait(trouble.with_(DATABASE_TRANSIENT, error))
            except Error as error:
                if not is_outage(error):
                    raise
                source.rewind()
                stop.wait(trouble.with_(DATABASE_TRANSIENT, error))
            else:
                trouble.over()
    finally:
        source.close()
        gauges.clear()
        connections.close_all()


class _Gauges:
    """How far a consumer is behind, measured every few seconds."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer
        self._shown: set[tuple[str, int]] = set()
        self._measured = float("-inf")

    def measure(self, source: Source) -> None:
        """Measure, unless that was done just before."""
        if time.monotonic() - self._measured < METRICS_SECONDS:
            return
        self._measured = time.monotonic()
        self._show(source.lag())

    def clear(self) -> None:
        """Show nothing for partitions that others have now."""
        self._show({})

    def _show(self, lag: Mapping[tuple[str, int], int]) -> None:
        for topic, partition in self._shown | set(lag):
            metrics.LAG.labels(self._consumer, topic, str(partition)).set(
                lag.get((topic, partition), 0)
            )
        self._shown = set(lag)
