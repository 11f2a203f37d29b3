"""What the callers of one event loop ask of Redis at one moment travels as one pipeline.

While a trip is under way the next one gathers by itself: a lone caller waits for nobody, a crowd
shares the way. Callers who take from the same buckets ask as one, and are each told what they
would have been told one after the other. Everything here may fail: then buckets are counted in
this process, and there are no copies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, cast

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from wallet_project.kit import rate_limit, servers, versioned_cache
from wallet_project.kit.rate_limit import Bucket, LocalWindows, Verdict
from wallet_project.kit.versioned_cache import Copy

TRIP_SECONDS: Final = rate_limit.REDIS_SECONDS
"""How long one trip may take."""

# uvloop says RuntimeError of a connection that was reset while nobody looked.
_FAULTS: Final = (RedisError, OSError, TimeoutError, RuntimeError)
PUT_SECONDS: Final = versioned_cache.TIMEOUT_SECONDS
"""How long a caller waits for its copy to be stored."""

Buckets = tuple[Bucket, ...]
Found = tuple[int, str] | None
"""Version and text of a copy."""
_Takers = tuple[Buckets, list["asyncio.Future[Verdict]"]]


@dataclass(slots=True)
class _Trip:
    takes: dict[Buckets, list[asyncio.Future[Verdict]]] = field(default_factory=dict)
    gets: dict[str, list[asyncio.Future[Found]]] = field(default_factory=dict)
    puts: dict[str, Copy] = field(default_factory=dict)
    putters: list[asyncio.Future[None]] = field(default_factory=list)

    def let_putters_go(self) -> None:
        """End the waiting of those who store."""
        for putter in self.putters:
            _settle(putter, None)


class GroupFetch:
    """One connection, one trip at a time. Belongs to the loop that first uses it."""

    def __init__(
        self,
        url: str,
        *,
        local: LocalWindows,
        kept: timedelta,
        on_fallback: Callable[[bool], object],
    ) -> None:
        """Take the server's address (empty: there is none), the windows that count without it,
        how long after its moment a copy ends, and whom to tell that Redis is away or back."""
        self._redis = _connect(url) if url else None
        self._local = local
        self._kept = kept
        self._breaker = servers.redis
        if self._redis is not None:
            self._breaker.on_change(lambda: on_fallback(self._breaker.is_open))
        self._gathering: _Trip | None = None
        self._travelling: asyncio.Task[None] | None = None

    def take(self, buckets: Buckets) -> asyncio.Future[Verdict]:
        """Take the units of all buckets, or of none."""
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        if self._redis is None:
            future.set_result(self._local.take(buckets))
        else:
            self._trip().takes.setdefault(buckets, []).append(future)
        return future

    def get(self, key: str) -> asyncio.Future[Found]:
        """Return version and text of a copy, or None where there is none or Redis is away."""
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        if self._redis is None:
            future.set_result(None)
        else:
            self._trip().gets.setdefault(key, []).append(future)
        return future

    async def put(self, copies: Iterable[Copy]) -> None:
        """Store copies over older ones; a copy past its time is none. Waits 50 ms at most."""
        if self._redis is None:
            return
        trip = self._trip()
        for copy in copies:
            known = trip.puts.get(copy.key)
            if known is None or known.version < copy.version:
                trip.puts[copy.key] = copy
        loop = asyncio.get_running_loop()
        if not trip.putters:
            # They go on when the time is up, and their copies are still on the way.
            loop.call_later(PUT_SECONDS, trip.let_putters_go)
        stored: asyncio.Future[None] = loop.create_future()
        trip.putters.append(stored)
        await stored

    async def close(self) -> None:
        """Give the connection back, after the trip that is under way."""
        if self._travelling is not None:
            await self._travelling
        if self._redis is not None:
            await self._redis.aclose()

    def _trip(self) -> _Trip:
        if self._gathering is None:
            self._gathering = _Trip()
            if self._travelling is None:
                self._start()
        return self._gathering

    def _start(self) -> None:
        self._travelling = asyncio.create_task(self._travel())

    async def _travel(self) -> None:
        try:
            while self._gathering is not None:
                trip, self._gathering = self._gathering, None
                try:
                    await self._run(trip)
                finally:
                    self._answer_alone(trip)  # whatever it was, nobody is left waiting
        finally:
            self._travelling = None
            if self._gathering is not None:  # what nobody foresaw ends one trip, not all
                self._start()

    async def _run(self, trip: _Trip) -> None:
        if not self._breaker.allows():
            self._answer_alone(trip)
            return
        try:
            async with asyncio.timeout(TRIP_SECONDS):
                await self._ask(trip)
        except _FAULTS as error:
            servers.note_redis(error)
            self._answer_alone(trip)
            # An answer that comes late must not be read as that of the next question.
            with suppress(*_FAULTS):
                await self._hang_up()
            return
        servers.note_redis(None)

    async def _ask(self, trip: _Trip) -> None:
        pipeline = self._pipeline()
        takes = list(trip.takes.items())
        for buckets, takers in takes:
            _add_take(pipeline, rate_limit.together(buckets, len(takers)))
        if trip.gets:
            pipeline.mget(list(trip.gets))
        if trip.puts:
            copies = trip.puts.values()
            script, keys, arguments = versioned_cache.store_arguments(copies, self._kept)
            pipeline.eval(script, keys, *arguments)
        replies = await pipeline.execute(raise_on_error=False)
        await self._hand_out_takes(takes, replies[: len(takes)])
        if trip.gets:
            _hand_out_gets(trip, replies[len(takes)])
        trip.let_putters_go()

    async def _hand_out_takes(self, takes: Sequence[_Takers], replies: Sequence[Any]) -> None:
        """Tell takers what they have got; ask one by one for those who did not fit together."""
        alone: list[tuple[Buckets, asyncio.Future[Verdict]]] = []
        for (buckets, takers), reply in zip(takes, replies, strict=True):
            if isinstance(reply, NoScriptError):
                alone += [(buckets, taker) for taker in takers]
                continue
            verdict = rate_limit.script_verdict(buckets, _sound(reply))
            if verdict.allowed:
                for taker, told in zip(
                    takers, rate_limit.shared(verdict, len(takers)), strict=True
                ):
                    _settle(taker, told)
            elif len(takers) == 1:
                _settle(takers[0], verdict)
            else:
                alone += [(buckets, taker) for taker in takers]
        if not alone:
            return
        pipeline = self._pipeline()
        pipeline.script_load(rate_limit.SCRIPT)
        for buckets, _ in alone:
            _add_take(pipeline, buckets)
        _, *answers = await pipeline.execute()
        for (buckets, taker), reply in zip(alone, answers, strict=True):
            _settle(taker, rate_limit.script_verdict(buckets, reply))

    def _answer_alone(self, trip: _Trip) -> None:
        for buckets, takers in trip.takes.items():
            for taker in takers:
                if not taker.done():
                    taker.set_result(self._local.take(buckets))
        for getters in trip.gets.values():
            for getter in getters:
                _settle(getter, None)
        trip.let_putters_go()

    def _pipeline(self) -> Pipeline:
        return cast("redis.asyncio.Redis", self._redis).pipeline(transaction=False)

    async def _hang_up(self) -> None:
        pool = cast("redis.asyncio.Redis", self._redis).connection_pool
        await pool.disconnect(inuse_connections=True)


def _connect(url: str) -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(
        url,
        socket_timeout=TRIP_SECONDS,
        socket_connect_timeout=TRIP_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )


def _add_take(pipeline: Pipeline, buckets: Buckets) -> None:
    keys, *rest = rate_limit.script_arguments(buckets)
    pipeline.evalsha(rate_limit.SCRIPT_SHA, int(keys), *rest)


def _hand_out_gets(trip: _Trip, reply: Any) -> None:
    for getters, found in zip(trip.gets.values(), _sound(reply), strict=True):
        read = None if found is None else versioned_cache.read(found)
        for getter in getters:
            _settle(getter, read)


def _sound(reply: Any) -> Any:
    if isinstance(reply, RedisError):
        raise reply
    return reply


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():  # whoever asked may have gone
        future.set_result(answer)
