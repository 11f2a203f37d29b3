"""Rate limits: units taken from windows, several windows in one step, all of them or none.

A window opens with the first unit taken and lasts its seconds, then all units are there again. So
what the headers say is the whole truth: so many are left, at that moment all are back.

The decision stands here twice, as a script that Redis runs without interruption and as `decide`,
for a process that has no Redis or whose Redis is away. Knows nothing of clients: a bucket is a key
with numbers.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from wallet_project.kit import servers

REDIS_SECONDS: Final = 0.2
"""How long Redis may take; a decision that is late is worth less than none."""

_LOCAL_BUCKETS: Final = 50_000

# The windows of one call share a hash tag, so that a cluster keeps them on one node. A window that
# ends later than it can was opened before the clock was set back: it is over.
SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept, fits = {}, 1
for i, key in ipairs(KEYS) do
  local limit, window, weight = ARGV[3 * i - 2] + 0, ARGV[3 * i - 1] + 0, ARGV[3 * i] + 0
  local found = redis.call('HMGET', key, 'used', 'ends')
  local used, ends = tonumber(found[1] or 0), tonumber(found[2] or 0)
  if ends <= now or ends - now > window then used, ends = 0, now + window end
  if weight > 0 and used + weight > limit then fits = 0 end
  kept[i] = {used, ends, weight}
end
local answer = {fits, now}
for i, key in ipairs(KEYS) do
  local used, ends, weight = unpack(kept[i])
  if fits == 1 and weight > 0 then
    used = used + weight
    redis.call('HSET', key, 'used', used, 'ends', ends)
    redis.call('PEXPIREAT', key, ends)
  end
  answer[2 * i + 1], answer[2 * i + 2] = used, ends
end
return answer
"""
SCRIPT_SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
"""The name by which Redis knows the script."""


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """A window and how much is to be taken from it; a weight of 0 only looks."""

    name: str
    """As headers tell it."""
    key: str
    limit: int
    weight: int = 1
    window_seconds: int = 60


class Level(msgspec.Struct, frozen=True, gc=False):
    """How full a bucket is after the decision."""

    bucket: Bucket
    used: int
    ends_ms: int
    """When all is back, in milliseconds since the epoch."""

    @property
    def remaining(self) -> int:
        """Tell how many units are left."""
        return max(0, self.bucket.limit - self.used)

    @property
    def fits(self) -> bool:
        """Tell whether the weight would fit, on a level that nothing was taken from."""
        return self.bucket.weight == 0 or self.used + self.bucket.weight <= self.bucket.limit


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Whether the units were taken, and what is left."""

    allowed: bool
    now_ms: int
    """By the clock that decided."""
    levels: tuple[Level, ...]

    @property
    def tightest(self) -> Level:
        """Return the level that refuses longest; where none does, the one with the least left."""
        if self.allowed:
            return min(self.levels, key=lambda level: level.remaining)
        return max((one for one in self.levels if not one.fits), key=lambda level: level.ends_ms)

    @property
    def retry_after_seconds(self) -> int:
        """Tell how long to wait until the tightest bucket is whole again."""
        return self._seconds_left(self.tightest)

    def headers(self) -> dict[str, str]:
        """Tell the tightest bucket in the customary headers, and all in the standard ones."""
        tightest = self.tightest
        return {
            "X-RateLimit-Limit": str(tightest.bucket.limit),
            "X-RateLimit-Remaining": str(tightest.remaining),
            "X-RateLimit-Reset": str(-(-tightest.ends_ms // 1000)),
            "RateLimit-Policy": ", ".join(
                f'"{one.bucket.name}";q={one.bucket.limit};w={one.bucket.window_seconds}'
                for one in self.levels
            ),
            "RateLimit": ", ".join(
                f'"{one.bucket.name}";r={one.remaining};t={self._seconds_left(one)}'
                for one in self.levels
            ),
        }

    def _seconds_left(self, level: Level) -> int:
        # Rounded up: whoever waits as long as it says must not come too early.
        return max(1, -((self.now_ms - level.ends_ms) // 1000))


def decide(buckets: Sequence[Bucket], kept: Sequence[tuple[int, int]], now_ms: int) -> Verdict:
    """Decide as the script does, on what is kept of each bucket: units used, end of its window."""
    levels = []
    for bucket, (used, ends_ms) in zip(buckets, kept, strict=True):
        window_ms = bucket.window_seconds * 1000
        if ends_ms <= now_ms or ends_ms - now_ms > window_ms:
            used, ends_ms = 0, now_ms + window_ms
        levels.append(Level(bucket, used, ends_ms))
    if not all(level.fits for level in levels):
        return Verdict(False, now_ms, tuple(levels))
    taken = (Level(one.bucket, one.used + one.bucket.weight, one.ends_ms) for one in levels)
    return Verdict(True, now_ms, tuple(taken))


def script_arguments(buckets: Sequence[Bucket]) -> list[str | int]:
    """Write what the script is called with: the number of keys, keys, and numbers for each."""
    numbers = [n for one in buckets for n in (one.limit, one.window_seconds * 1000, one.weight)]
    return [len(buckets), *(one.key for one in buckets), *numbers]


def script_verdict(buckets: Sequence[Bucket], reply: Sequence[int]) -> Verdict:
    """Read what the script has answered."""
    pairs = zip(buckets, reply[2::2], reply[3::2], strict=True)
    return Verdict(reply[0] == 1, reply[1], tuple(Level(*pair) for pair in pairs))


def shared(verdict: Verdict, callers: int) -> list[Verdict]:
    """Take apart a verdict that let several equal callers in together: what each would have been
    told if they had come one after the other, in the same millisecond."""
    return [
        Verdict(True, verdict.now_ms, tuple(_before(level, later) for level in verdict.levels))
        for later in range(callers - 1, -1, -1)
    ]


def together(buckets: Sequence[Bucket], callers: int) -> tuple[Bucket, ...]:
    """Make the buckets of several equal callers who ask as one."""
    return tuple(msgspec.structs.replace(one, weight=one.weight * callers) for one in buckets)


class LocalWindows:
    """The windows of this process alone."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def take(self, buckets: Sequence[Bucket]) -> Verdict:
        """Take the units of all buckets, or of none."""
        with self._lock:
            now_ms = int(self._now() * 1000)
            kept = [self._kept.get(one.key, (0, 0)) for one in buckets]
            verdict = decide(buckets, kept, now_ms)
            if verdict.allowed:
                for level in verdict.levels:
                    if level.bucket.weight:
                        self._kept[level.bucket.key] = (level.used, level.ends_ms)
                        self._kept.move_to_end(level.bucket.key)
            while len(self._kept) > _LOCAL_BUCKETS:
                self._kept.popitem(last=False)
        return verdict


class RateLimiter:
    """Takes units in Redis; in this process where there is none, and while it does not answer."""

    def __init__(self, redis_url: str, *, on_fallback: Callable[[bool], object]) -> None:
        self._redis = _connect(redis_url) if redis_url else None
        self._breaker = servers.redis
        if self._redis is not None:
            self._breaker.on_change(lambda: on_fallback(self._breaker.is_open))
        self._local = LocalWindows()

    def take(self, buckets: Sequence[Bucket]) -> Verdict:
        """Take the units of all buckets, or of none; waits for Redis 0.2 s at most."""
        if self._redis is None or not self._breaker.allows():
            return self._local.take(buckets)
        try:
            reply = _ask(self._redis, script_arguments(buckets))
        except redis.RedisError as error:
            servers.note_redis(error)
            return self._local.take(buckets)
        servers.note_redis(None)
        return script_verdict(buckets, reply)

    @property
    def local(self) -> LocalWindows:
        """Return the windows that count while Redis does not."""
        return self._local

    def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            self._redis.close()


def _before(level: Level, later: int) -> Level:
    return Level(level.bucket, level.used - later * level.bucket.weight, level.ends_ms)


def _connect(url: str) -> redis.Redis:
    # No second try within a call and nothing said at the greeting: one wait, and a short one.
    return redis.Redis.from_url(
        url,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )


def _ask(connection: redis.Redis, arguments: Sequence[Any]) -> list[int]:
    try:
        reply = connection.evalsha(SCRIPT_SHA, *arguments)
    except redis.exceptions.NoScriptError:
        reply = connection.eval(SCRIPT, *arguments)  # which also keeps it for the next caller
    return cast("list[int]", reply)
