"""Takes the steps of payouts that are due: new ones, those that wait, those that somebody left."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final
from uuid import UUID

from django.db import Error, connections

from wallet_project.kit.database import heals
from wallet_project.kit.turns import take_turns
from wallets.payouts import saga
from wallets.payouts.gateway import Gateway
from wallets.safeguards import switch

logger = logging.getLogger(__name__)

THREADS: Final = 4
"""Payouts under way in one process: a gateway that is slow for one is waited for by one."""
BATCH: Final = 100
IDLE_SECONDS: Final = 0.5


def run_once(gateway: Gateway, *, threads: int = THREADS, stop: threading.Event) -> int:
    """Advance what is due now, a batch of it; return how many payouts that were.

    While the operators have stopped all movements, payouts stay as they are.
    """
    if switch.is_paused():
        return 0
    batch = saga.due(limit=BATCH)
    if not batch:
        return 0
    with ThreadPoolExecutor(threads, thread_name_prefix="payouts") as pool:
        running = [pool.submit(_advance, payout, gateway, stop) for payout in batch]
        for done in as_completed(running):
            done.result()
    return len(batch)


def run_forever(gateway: Gateway, *, threads: int = THREADS, stop: threading.Event) -> None:
    """Advance payouts until told to stop; finish the steps in hand then."""
    take_turns(
        lambda: run_once(gateway, threads=threads, stop=stop),
        name="payouts",
        idle_seconds=IDLE_SECONDS,
        stop=stop,
    )


def _advance(payout: UUID, gateway: Gateway, stop: threading.Event) -> None:
    if stop.is_set():
        return
    started = time.monotonic()
    try:
        saga.advance(payout, gateway)
    except Error as error:
        if heals(error):
            raise
        # Its claim ends in a while and it is tried again; the others are not its fault.
        logger.exception("payout.failed", extra={"payout": str(payout)})
    finally:
        # The thread ends with its batch, and its connection with it.
        connections.close_all()
        logger.debug(
            "payout.advanced",
            extra={"payout": str(payout), "seconds": time.monotonic() - started},
        )
