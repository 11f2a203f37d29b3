"""Identifiers made by the application, so that no insert has to ask the database for one."""

import random
import threading
import time
import uuid

_lock = threading.Lock()
_last_stamp = 0

_COUNTER_BITS = 12


def uuid7() -> uuid.UUID:
    """Make a UUIDv7 (RFC 9562, section 5.7) that is greater than any made before by this process.

    `rand_a` holds the fraction of the millisecond (method 3 of section 6.2), so ids made within
    one millisecond still sort by the time they were made. The rest comes from the generator that
    Python seeds anew in every process: ids are unique, not secret, and nothing is guarded by them.
    """
    global _last_stamp
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = milliseconds << _COUNTER_BITS | (rest << _COUNTER_BITS) // 1_000_000
    with _lock:
        if stamp <= _last_stamp:
            stamp = _last_stamp + 1
        _last_stamp = stamp
    high = (stamp >> _COUNTER_BITS) << 16 | 0x7000 | (stamp & 0xFFF)
    low = 0x8000_0000_0000_0000 | random.getrandbits(62)
    return uuid.UUID(int=high << 64 | low)
