"""What runs by the clock. Each task makes one call and is safe to run twice."""

from __future__ import annotations

import logging

from celery import shared_task

from wallets.approvals.operations.carry_out_due import carry_out_due
from wallets.approvals.operations.expire_approvals import expire_approvals

logger = logging.getLogger(__name__)


@shared_task
def expire_old_approvals() -> None:
    """End requests for approval whose time has passed."""
    ended = expire_approvals()
    if ended:
        logger.info("approvals.expired", extra={"approvals": ended})


@shared_task
def carry_out_approved() -> None:
    """Do what was approved and left undone."""
    done = carry_out_due()
    if done:
        logger.info("approvals.resumed", extra={"approvals": done})
