"""The loop that delivers: claims what is due, sends it, writes down what became of it.

One event loop sends; one thread talks to the database; another sends mail. Attempts wait for
nobody but their own receiver.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

from django.db import Error, connections

from events.consumers.webhooks import claims, disabling, metrics
from events.consumers.webhooks.addresses import Lookup
from events.consumers.webhooks.claims import Claim
from events.consumers.webhooks.rules import Rules
from events.consumers.webhooks.sending import Outcome, Sender
from wallet_project.kit import database

logger = logging.getLogger(__name__)

T = TypeVar("T")

_IDLE_SECONDS: Final = 0.25
_OUTAGE_SECONDS: Final = 1.0
_SETTLED_AT_A_TIME: Final = 100
_HOUSEKEEPING_SECONDS: Final = 5.0


class Deliverer:
    """Delivers until told to stop, or until nothing is due. One use each."""

    def __init__(self, rules: Rules, lookup: Lookup | None = None) -> None:
        """Take the rules, and for tests another way to look names up."""
        self._rules = rules
        self._sender = Sender(rules, lookup)
        self._running: Counter[UUID] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[Claim, Outcome]] = []
        self._wake = asyncio.Event()
        self._database = ThreadPoolExecutor(1, thread_name_prefix="webhook-database")
        self._mail = ThreadPoolExecutor(1, thread_name_prefix="webhook-mail")

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`; then end what has begun, which takes no longer than an attempt."""
        housekeeping = asyncio.create_task(self._keep_house())
        try:
            async with self._sender:
                while not stop.is_set() and not housekeeping.done():
                    if not await self._turn():
                        await self._wait(stop)
                await self._finish()
        finally:
            housekeeping.cancel()
            with suppress(asyncio.CancelledError):
                await housekeeping
            await self._close()

    async def drain(self) -> int:
        """Deliver what is due until nothing is; return how many attempts were made."""
        made = 0
        try:
            async with self._sender:
                while True:
                    started = await self._claim()
                    made += started
                    if not started and not self._tasks and not self._ended:
                        break
                    if self._tasks:
                        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                    await self._settle()
                await self._in_thread(self._mail, disabling.tell_contacts)
        finally:
            await self._close()
        return made

    async def _turn(self) -> bool:
        """Settle and claim once; tell whether there was anything to do."""
        self._wake.clear()
        try:
            settled = await self._settle()
            started = await self._claim()
        except Error as error:
            if not database.heals(error):
                raise
            # What has ended stays in the list and is written when the database is back.
            logger.warning("webhook.database_unavailable", exc_info=error)
            await asyncio.sleep(_OUTAGE_SECONDS)
            return False
        return bool(settled or started)

    async def _claim(self) -> int:
        free = self._rules.concurrency - len(self._tasks) - len(self._ended)
        if free <= 0:
            return 0
        running = dict(self._running)
        found = await self._in_database(
            lambda: claims.claim(rules=self._rules, free=free, running=running)
        )
        for claim in found:
            self._running[claim.endpoint] += 1
            task = asyncio.create_task(self._attempt(claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(found)

    async def _attempt(self, claim: Claim) -> None:
        outcome = await self._sender.send(claim.message)
        self._ended.append((claim, outcome))
        self._wake.set()

    async def _settle(self) -> int:
        batch = self._ended[:_SETTLED_AT_A_TIME]
        if batch:
            await self._in_database(lambda: claims.settle(batch, self._rules))
            del self._ended[: len(batch)]
        for claim, _ in batch:
            self._running[claim.endpoint] -= 1
            if not self._running[claim.endpoint]:
                del self._running[claim.endpoint]
        return len(batch)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)
        while self._ended:
            await self._settle()

    async def _wait(self, stop: asyncio.Event) -> None:
        """Sleep until an attempt ends, it is time to look again, or somebody says stop."""
        waits = [asyncio.create_task(one.wait()) for one in (self._wake, stop)]
        _, pending = await asyncio.wait(
            waits, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        for one in pending:
            one.cancel()

    async def _keep_house(self) -> None:
        while True:
            try:
                await self._in_thread(self._mail, disabling.tell_contacts)
                await self._in_thread(self._mail, metrics.refresh)
            except Error as error:
                if not database.heals(error):
                    raise
                logger.warning("webhook.database_unavailable", exc_info=error)
                await self._in_thread(self._mail, connections.close_all)
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    async def _in_database(self, work: Callable[[], T]) -> T:
        return await self._in_thread(self._database, work)

    async def _in_thread(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    async def _close(self) -> None:
        for thread in (self._database, self._mail):
            await self._in_thread(thread, connections.close_all)
            thread.shutdown()


def deliver_due(rules: Rules, lookup: Lookup | None = None) -> int:
    """Deliver what is due now; return how many attempts that took."""

    async def run() -> int:
        return await Deliverer(rules, lookup).drain()

    return asyncio.run(run())
