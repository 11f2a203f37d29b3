"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging
import time
from typing import Final

from celery import shared_task
from django.conf import settings

from wallets.exports import monthly, purging, worker

SLICE_SECONDS: Final = 2.0
"""Other tasks wait for so long where one worker does all of them."""

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def work_exports() -> None:
    """Work on exports that wait, for some seconds; what is left waits."""
    started = time.monotonic()
    worker.run(
        enough=lambda: time.monotonic() - started > SLICE_SECONDS,
        books_max=settings.EXPORT_TASK_LINES_MAX,
    )


@shared_task(ignore_result=True)
def monthly_statements() -> None:
    """Ask for the statements of a month that is over, for some seconds; what is left waits."""
    started = time.monotonic()
    asked = monthly.issue_due(enough=lambda: time.monotonic() - started > SLICE_SECONDS)
    if asked:
        logger.info("monthly.asked", extra={"statements": asked})


@shared_task(ignore_result=True)
def purge_exports() -> None:
    """Remove the files of exports whose time is over."""
    removed = purging.purge()
    if removed:
        logger.info("exports.purged", extra={"files": removed})
