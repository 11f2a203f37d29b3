"""The Celery application and everything that runs by the clock.

Tasks carry no facts, only "look now": a message may be lost or come twice, and the next tick finds
the work in the database again. A request never sends a task.
"""

from __future__ import annotations

import logging.config
import os
from contextlib import AbstractContextManager
from typing import Any, Final

from celery import Celery, signals
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallet_project.settings")

BEAT: Final[dict[str, dict[str, Any]]] = {
    "tell the outside what happened": {
        "task": "events.tasks.drain_outbox",
        "schedule": 1.0,
        # A tick that waited a whole interval is a second look at the same rows.
        "options": {"expires": 1.0},
    },
    "forget old refusals": {
        "task": "wallets.tasks.purge_refusals",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3600.0},
    },
}
"""The whole schedule."""

app = Celery("wallet_project")
# Where the broker is stands in the settings; how tasks behave is the same everywhere.
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    beat_schedule=BEAT,
    beat_max_loop_interval=1,
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    timezone="UTC",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    # A task is acknowledged when it is done; each is safe to run twice.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=30,
    task_time_limit=60,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5},
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=10,
    # Workers have nothing to say to each other, and the filesystem broker would pile it up.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)
app.autodiscover_tasks()

_named: dict[str, AbstractContextManager[None]] = {}


@signals.setup_logging.connect
def use_our_logging(**kwargs: Any) -> None:
    """Keep Celery from installing log handlers of its own."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@signals.task_prerun.connect
def name_the_work(task_id: str, **kwargs: Any) -> None:
    """Put the task's id on every record it logs."""
    from wallet_project.kit.logs import working_for

    _named[task_id] = working_for(task_id)
    _named[task_id].__enter__()


@signals.task_postrun.connect
def forget_the_work(task_id: str, **kwargs: Any) -> None:
    """Take the task's id off again."""
    if named := _named.pop(task_id, None):
        named.__exit__(None, None, None)
