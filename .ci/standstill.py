"""Note when the machine stands still: a virtual machine that is moved or saved stops for a minute.

`python3 .ci/standstill.py FILE` adds a line to the file for each beat that comes more than
LATE_SECONDS late. What holds a time limit against the clock fails in such a minute without being
wrong, and may be asked again. Runs until it is killed, or who started it
ends.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path

BEAT_SECONDS = 0.5
LATE_SECONDS = 5.0
"""Longer than a busy machine lets a process wait; shorter than any limit of the service."""


def watch(notes: Path) -> None:
    """Beat, and note what is late; a beat goes to the disk, which may stand still alone."""
    last = time.monotonic()
    with notes.with_suffix(".beat").open("w") as beat:
        parent = os.getppid()
        while os.getppid() == parent:
            beat.seek(0)
            beat.write(f"{last:.1f}\n")
            beat.flush()
            os.fsync(beat.fileno())
            time.sleep(BEAT_SECONDS)
            moment = time.monotonic()
            if moment - last > BEAT_SECONDS + LATE_SECONDS:
                until = datetime.now().astimezone().strftime("%H:%M:%S")
                with notes.open("a") as file:
                    file.write(f"still for {moment - last:.0f} s until {until}\n")
            last = moment


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
