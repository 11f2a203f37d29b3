"""Copies of rows in Redis that only ever move forward.

A copy carries the row's version and the moment at which it was true. It is stored only over an
older version, and it ends a fixed time after that moment, not after it was stored: so neither a
late writer nor an eviction can bring back what is older than that. Everything here is allowed to
fail: then there is no copy.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from wallet_project.kit import servers

TIMEOUT_SECONDS: Final = 0.05

_STORE: Final = """\
for i, key in ipairs(KEYS) do
  local version, text, ends_at = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local known = redis.call('GET', key)
  if not known or tonumber(string.match(known, '^%d+')) < tonumber(version) then
    redis.call('SET', key, version .. ' ' .. text)
    redis.call('PEXPIREAT', key, ends_at)
  end
end
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A row as it was at some moment, as text that its owner can read."""

    key: str
    version: int
    as_of: datetime
    text: str
    ends_at: datetime | None = None
    """From when on it is not true any more, where that is known; it is not kept beyond."""


def read(found: bytes) -> tuple[int, str] | None:
    """Take apart what Redis keeps of a copy, version and text; None: that is no copy."""
    version, _, text = found.partition(b" ")
    return (int(version), text.decode()) if version.isdigit() else None


def store_arguments(
    copies: Collection[Copy], kept: timedelta
) -> tuple[str, int, list[str | bytes]]:
    """Write what EVAL is called with to store copies over older ones: script, number of keys,
    keys and arguments."""
    arguments: list[str | bytes] = [copy.key for copy in copies]
    for copy in copies:
        ends_at = copy.as_of + kept
        if copy.ends_at is not None:
            ends_at = min(ends_at, copy.ends_at)
        arguments += (str(copy.version), copy.text, str(int(ends_at.timestamp() * 1000)))
    return _STORE, len(copies), arguments


class VersionedCache:
    """A Redis that is asked for at most 50 ms, and not at all for a second after it was silent."""

    def __init__(self, url: str, *, kept: timedelta) -> None:
        """Take the server's address and how long after its moment a copy ends."""
        self._url = url
        self._kept = kept

    def get(self, key: str) -> tuple[int, str] | None:
        """Return version and text of a copy, or None where there is none or Redis is away."""
        if not servers.redis.allows():
            return None
        try:
            found = cast("bytes | None", self._redis.get(key))
        except redis.RedisError as error:
            servers.note_redis(error)
            return None
        servers.note_redis(None)
        if found is None:
            return None
        return read(found)

    def put(self, copies: Collection[Copy]) -> None:
        """Store copies over older ones, in one trip; a copy past its time is none."""
        if not copies or not servers.redis.allows():
            return
        try:
            script, keys, arguments = store_arguments(copies, self._kept)
            self._redis.eval(script, keys, *arguments)
        except redis.RedisError as error:
            servers.note_redis(error)
        else:
            servers.note_redis(None)

    def forget_failures(self) -> None:
        """Ask again at once; for tests that stop and start Redis."""
        servers.redis.forget()

    @cached_property
    def _redis(self) -> redis.Redis:
        options: dict[str, Any] = {
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            # A second try would double the wait; the database answers meanwhile.
            "retry": Retry(NoBackoff(), 0),
        }
        return redis.Redis.from_url(self._url, **options)
