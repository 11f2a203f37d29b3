"""The name under which a process is a member of a consumer group.

Kafka gives a member that comes back under its old name its old partitions, at once and without
disturbing the others. So names are few and used again: the machine's, and a number that is free on
it. A number is held by a lock on a file, which the kernel lets go of when the process is gone.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import tempfile
from pathlib import Path

from django.conf import settings


class Membership:
    """A name in a group that no other process of this machine has, until `leave()`."""

    def __init__(self, group: str) -> None:
        """Take the first number that is free."""
        machine = settings.CONSUMER_INSTANCE or socket.gethostname()
        stem = re.sub(r"[^A-Za-z0-9._-]", "-", machine)[:100] or "machine"
        folder = Path(tempfile.gettempdir()) / f"wallet-consumers-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        number = 0
        while True:
            self.name = f"{stem}-{number}"
            self._lock = os.open(folder / f"{group}.{self.name}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock)
                number += 1
            else:
                return

    def __str__(self) -> str:
        return self.name

    def leave(self) -> None:
        """Let another process have the name."""
        os.close(self._lock)
