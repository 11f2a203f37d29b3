"""End with 0 if the tests that failed may be run once more: `second_try.py CACHE [--stood-still]`.

The run must have come to its end, and no check of the books may have failed. Then up to three time
limits that were missed may be tried again, and anything else only if the machine stood still.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SLOW_MAX = 3


def main(cache: str, *words: str) -> int:
    """Read what `tests/second_try.py` left in pytest's cache, and decide."""
    file = Path(cache) / "v" / "second-try"
    if not file.exists():  # the run broke off
        return 1
    found = json.loads(file.read_text())
    if found["exit"] != 1 or found.get("books", 0):
        return 1
    is_little = found.get("slow", 0) <= SLOW_MAX and not found.get("other", 0)
    return 0 if is_little or "--stood-still" in words else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
