"""What the relay has written to a local event log."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from uuid import UUID

from events import relay
from events.broker import LocalLogBroker


def lines_of(log: LocalLogBroker) -> list[dict[str, Any]]:
    if not log.path.exists():
        return []
    return [json.loads(line) for line in log.path.read_bytes().splitlines()]


def told(log: LocalLogBroker) -> dict[UUID, list[int]]:
    """Return the sequences in the log, by stream, in the order of the log."""
    found: dict[UUID, list[int]] = defaultdict(list)
    for line in lines_of(log):
        found[UUID(line["partitionkey"])].append(line["data"]["sequence"])
    return dict(found)


def drain(log: LocalLogBroker, holder: str) -> relay.Drained:
    return relay.drain_once(log, holder=holder)
