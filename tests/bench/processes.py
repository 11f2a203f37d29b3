"""Which processes serve, by role, and what they use: CPU, memory.

Read from the process table, so that it holds for any program in any language.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Role:
    """A part that a process may play; the first that fits its command line is its role."""

    name: str
    pattern: str
    is_store: bool = False


ROLES: Final = (
    Role("edge", r"\bhaproxy\b"),
    Role("reads", r"\bgunicorn_lane\b.* --name reads\b"),
    Role("lane", r"\bgunicorn_lane\b"),
    Role("web", r"\bgunicorn\b"),
    Role("worker", r"\bcelery\b.* worker\b"),
    Role("beat", r"\bcelery\b.* beat\b"),
    Role("relay", r"manage\.py relay\b"),
    Role("starter", r"\bdeploy\.full\b"),
    Role("mysql-primary", r"mysqld .*/mysql-primary/", is_store=True),
    Role("mysql-replica", r"mysqld .*/mysql-replica/", is_store=True),
    Role("redis", r"redis-server", is_store=True),
    Role("kafka", r"\bkafka\b", is_store=True),
)
"""This service's. A new kind of process is a new line."""


def parse_role(text: str) -> Role:
    """Read `name=pattern` from the command line; `store:name=pattern` for a store.

    :raises ValueError: when it is not of that form.
    """
    name, sign, pattern = text.partition("=")
    if not sign or not name or not pattern:
        raise ValueError(f"{text!r} is not NAME=PATTERN")
    re.compile(pattern)
    return Role(name.removeprefix("store:"), pattern, is_store=name.startswith("store:"))


def find(roles: Sequence[Role], marks: Collection[str]) -> dict[str, list[int]]:
    """Find live processes by role.

    :param marks: on a machine with several services, only processes whose command line or
        environment contains one of these count; without any, all do.
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    for folder in _PROC.glob("[0-9]*"):
        try:
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            )
            role = role_of(command, roles)
            if role is None or int(folder.name) == os.getpid():
                continue
            if marks and not any(mark in command for mark in marks):
                surroundings = (folder / "environ").read_bytes().decode("utf-8", "replace")
                if not any(mark in surroundings.split("\0") for mark in marks):
                    continue
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        found[role.name].append(int(folder.name))
    return dict(found)


def role_of(command: str, roles: Sequence[Role]) -> Role | None:
    """Tell the role of a command line."""
    return next((role for role in roles if re.search(role.pattern, command)), None)


def cpu_seconds(pid: int) -> float:
    """Return the CPU that a process has used, 0 when it is gone."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_by_role(pids: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Return the CPU used so far, by role."""
    return {role: sum(map(cpu_seconds, of_role)) for role, of_role in pids.items()}


def memory_mb(pid: int) -> dict[str, float]:
    """Return resident (RSS) and proportional (PSS: shared pages divided) memory of a process."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    sizes = dict(re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE))
    return {f"{name.lower()}_mb": int(size) / 1024 for name, size in sizes.items()}
