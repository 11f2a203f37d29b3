"""Where and with what the figures were taken."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

from tests.bench.instance import REPOSITORY, Instance

_PACKAGES: Final = ("django", "djangorestframework", "gunicorn", "mysqlclient", "uvloop", "msgspec")
_VARIABLES: Final = (
    "version",
    "innodb_flush_log_at_trx_commit",
    "sync_binlog",
    "innodb_buffer_pool_size",
    "binlog_format",
    "binlog_row_image",
    "transaction_isolation",
)


def describe() -> dict[str, str]:
    """Describe the machine and how busy it was with other things."""
    cpu = re.search(r"^model name\s*: (.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal: +(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory.group(1)) / 1024**2:.0f} GiB" if memory else "?",
        "system": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{one:.2f}" for one in os.getloadavg()),
    }


def versions() -> dict[str, str]:
    """Name the versions of what was measured."""
    found = {"python": sys.version.split()[0], "commit": _commit()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def stores(instance: Instance) -> dict[str, str]:
    """Read how durable the primary is asked to be."""
    return {name: instance.setting(name) for name in _VARIABLES}


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "?"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
