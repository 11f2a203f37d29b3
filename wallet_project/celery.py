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
    "archive old rows": {
        "task": "events.tasks.archive_rows",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "apply what was accepted and forgotten": {
        "task": "wallets.tasks.recover_operations",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "end old requests for approval": {
        "task": "wallets.approvals.tasks.expire_old_approvals",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "carry out what was approved": {
        "task": "wallets.approvals.tasks.carry_out_approved",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "add up the books": {
        "task": "ledger.tasks.roll_up",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "list what lies on suspense": {
        "task": "wallets.reconciliation.tasks.read_suspense",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "end expired holds": {
        "task": "wallets.tasks.expire_holds",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "hold wallets against the books": {
        "task": "wallets.tasks.audit_wallets",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "take payouts to the gateway": {
        "task": "wallets.tasks.advance_payouts",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "mail fraud alerts": {
        "task": "events.consumers.fraud.tasks.send_fraud_mails",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "tell customers": {
        "task": "events.consumers.notifications.tasks.send_notifications",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "seal the books": {
        "task": "wallets.tasks.seal_ledger",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "make the files of exports": {
        "task": "wallets.exports.tasks.work_exports",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "issue monthly statements": {
        "task": "wallets.exports.tasks.monthly_statements",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "remove the files of old exports": {
        "task": "wallets.exports.tasks.purge_exports",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "forget old movements": {
        "task": "events.consumers.fraud.tasks.purge_fraud_observations",
        "schedule": crontab(minute="27"),
        "options": {"expires": 3600.0},
    },
    "forget old notifications": {
        "task": "events.consumers.notifications.tasks.purge_notifications",
        "schedule": crontab(minute="37"),
        "options": {"expires": 3600.0},
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


@signals.worker_init.connect
def watch_the_worker(**kwargs: Any) -> None:
    """Have it end when it goes deaf."""
    from django.conf import settings

    from wallet_project.kit import worker_watch

    worker_watch.install(
        broker_url=settings.CELERY_BROKER_URL, patience_seconds=settings.WORKER_SILENCE_SECONDS
    )


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
