"""A process that consumes as `manage.py consume` does; started by tests.

`python -m tests.consuming_process TOPIC BATCH [die-before-commit]`: the consumer of `tests.effects`
on that topic. With the last word the process is gone, as by `kill -9`, when the first batch's
transaction is committed and its offset is not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[1]
Start = Callable[..., "subprocess.Popen[bytes]"]


def dead_letters_of(topic: str) -> str:
    """Name the topic of dead letters that goes with a test's topic."""
    return f"{topic}.dead-letters"


@contextmanager
def starting(log: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Give a function that starts such a process; whatever still runs is killed at the end."""
    errors = log.open("ab")
    started: list[subprocess.Popen[bytes]] = []

    def start(topic: str, *words: str, batch: int = 100, **more: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.consuming_process", topic, str(batch), *words],
                cwd=ROOT,
                env=environment | {"CONSUMER_SESSION_SECONDS": "6"} | more,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        )
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.close()


def _main(topic: str, batch: str, *words: str) -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from events import sources
    from tests import effects

    settings.KAFKA_TOPIC_FACTS = topic
    settings.KAFKA_TOPIC_DEAD_LETTERS = dead_letters_of(topic)
    # A group for each topic: the tests share a Kafka.
    settings.KAFKA_TOPIC_PREFIX = f"{topic}."
    settings.EVENT_CONSUMERS = "tests.consuming_process.CONSUMERS"
    CONSUMERS[effects.NAME] = effects.consumer(batch=int(batch))
    if "die-before-commit" in words:

        def die(self: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        sources.KafkaSource.commit = die  # type: ignore[method-assign]
        sources.LogSource.commit = die  # type: ignore[method-assign]
    call_command("consume", *(word for word in words if word.startswith("--")))


CONSUMERS: dict[str, object] = {}

if __name__ == "__main__":
    # Under this name the table is found by the settings' path.
    sys.modules["tests.consuming_process"] = sys.modules["__main__"]
    _main(*sys.argv[1:])
