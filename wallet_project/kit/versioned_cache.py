"""Copies of rows in Redis that only ever move forward.

A copy carries the row's version and the moment at which it was true. It is stored only over an
older version, and it ends a fixed time after that moment, not after it was stored: so neither a
late writer nor an eviction can bring back what is older than that. Everything here is allowed to
fail: then there is no copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from wallet_project.kit.breaker import Breaker

TIMEOUT_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 1.0

_STORE: Final = """\
local known = redis.call('GET', KEYS[1])
if known and tonumber(string.match(known, '^%d+')) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A row as it was at some moment, as text that its owner can read."""

    key: str
    version: int
    as_of: datetime
    text: str


def read(found: bytes) -> tuple[int, str] | None:
    """Take apart what Redis keeps of a copy, version and text; None: that is no copy."""
    version, _, text = found.partition(b" ")
    return (int(version), text.decode()) if version.isdigit() else None


def store_arguments(copy: Copy, kept: timedelta) -> tuple[str, int, str, str, str, str]:
    """Write what EVAL is called with to store a copy over an older one."""
    ends_at = int((copy.as_of + kept).timestamp() * 1000)
    return _STORE, 1, copy.key, str(copy.version), copy.text, str(ends_at)


class VersionedCache:
    """A Redis that is asked for at most 50 ms, and not at all for a second after it was silent."""

    def __init__(self, url: str, *, kept: timedelta) -> None:
        """Take the server's address and how long after its moment a copy ends."""
        self._url = url
        self._kept = kept
        self._breaker = Breaker(retry_seconds=RETRY_SECONDS)

    def get(self, key: str) -> tuple[int, str] | None:
        """Return version and text of a copy, or None where there is none or Redis is away."""
        if not self._breaker.allows():
            return None
        try:
            found = cast("bytes | None", self._redis.get(key))
        except redis.RedisError:
            self._breaker.failed()
            return None
        self._breaker.succeeded()
        if found is None:
            return None
        return read(found)

    def put(self, copies: Iterable[Copy]) -> None:
        """Store copies over older ones, in one trip; a copy past its time is none."""
        if not self._breaker.allows():
            return
        pipeline = self._redis.pipeline(transaction=False)
        for copy in copies:
            pipeline.eval(*store_arguments(copy, self._kept))
        try:
            pipeline.execute()
        except redis.RedisError:
            self._breaker.failed()
        else:
            self._breaker.succeeded()

    def forget_failures(self) -> None:
        """Ask again at once; for tests that stop and start Redis."""
        self._breaker.succeeded()

    @cached_property
    def _redis(self) -> redis.Redis:
        options: dict[str, Any] = {
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            # A second try would double the wait; the database answers meanwhile.
            "retry": Retry(NoBackoff(), 0),
        }
        return redis.Redis.from_url(self._url, **options)
