"""One load on one service: prepare, send, wait for the rest, prove, put the figures together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench import closed_loop, loads, messages, open_loop
from tests.bench.answers import Answers, complaint
from tests.bench.figures import medians
from tests.bench.loads import Load
from tests.bench.target import Reading, Target

UNPROVEN: Final = "not looked at"


@dataclass(frozen=True)
class Step:
    """A load on a service at so many connections; at a fixed rate, if there is one."""

    target: Target
    load: Load
    connections: int
    rate: float = 0.0

    @property
    def title(self) -> str:
        """Name it as in the table, without the service."""
        how = f"{self.rate:g}/s" if self.rate else f"c{self.connections}"
        return f"{self.load.name}, {how}"


@dataclass
class Round:
    """What one run of a step found."""

    numbers: dict[str, float]
    statuses: Mapping[int, int]
    failure: str
    """Why the load must not count, or nothing."""
    broken_books: str | None
    """What verification found; None when nobody could look."""


@dataclass
class Figure:
    """A step's rounds and their medians."""

    step: Step
    rounds: list[Round] = field(default_factory=list)

    @property
    def numbers(self) -> dict[str, float]:
        """Return the medians over the rounds."""
        return medians([one.numbers for one in self.rounds])

    @property
    def failure(self) -> str:
        """Return the first reason not to count it, or nothing."""
        return next((one.failure for one in self.rounds if one.failure), "")

    @property
    def books(self) -> str:
        """Say what verification found."""
        if any(one.broken_books is None for one in self.rounds):
            return UNPROVEN
        return next((one.broken_books for one in self.rounds if one.broken_books), "hold")

    @property
    def is_good(self) -> bool:
        """Whether it counts."""
        return not self.failure and self.books in ("hold", UNPROVEN)


def run(
    step: Step, *, seconds: float, prepared: int, folder: Path, seed: int, prove: bool = True
) -> Round:
    """Carry out a step once."""
    target, load = step.target, step.load
    file = folder / "requests"
    most = round(step.rate * seconds) if step.rate else round(prepared * seconds)
    messages.write_file(
        file,
        (
            messages.encode(request, target.address)
            for request in loads.prepare(load, target.scene(seed), most)
        ),
    )
    target.settle()
    pids = target.pids()
    before = target.read(pids)
    if step.rate:
        answers = open_loop.run(
            target.address, file, rate=step.rate, seconds=seconds, connections=step.connections
        )
    else:
        answers = closed_loop.run(
            target.address,
            file,
            connections=step.connections,
            seconds=seconds,
            again=not load.moves,
        )
    settled = target.settle()
    after = target.read(pids)
    expected = load.expected(target.adapter)
    failure = complaint(answers, expected, expected) or _lost(step, answers, before, after)
    numbers = _numbers(step, answers, before, after) | {"settle_seconds": settled}
    return Round(numbers, answers.statuses, failure, target.verify() if prove else None)


def _lost(step: Step, answers: Answers, before: Reading, after: Reading) -> str:
    """Say if more was answered than the books have: acknowledged and forgotten."""
    if step.target.instance is None or not step.load.moves:
        return ""
    kept = after.recorded - before.recorded
    acknowledged = answers.total * step.load.commands
    return f"{acknowledged} acknowledged, {kept} in the books" if kept < acknowledged else ""


def _numbers(step: Step, answers: Answers, before: Reading, after: Reading) -> dict[str, float]:
    found = dict(answers.latency_ms)
    seconds = answers.seconds or 1.0
    requests = answers.total or 1
    found["requests_per_second"] = answers.total / seconds
    found["per_second"] = answers.total * step.load.commands / seconds
    commands = requests * step.load.commands
    cpu = {role: after.cpu[role] - before.cpu.get(role, 0.0) for role in after.cpu}
    for role, used in cpu.items():
        found[f"cpu_ms:{role}"] = used * 1_000 / commands
    stores = {role.name for role in step.target.roles if role.is_store}
    found["cpu_ms_service"] = _sum(cpu, stores, of_stores=False) * 1_000 / commands
    found["cpu_ms_stores"] = _sum(cpu, stores, of_stores=True) * 1_000 / commands
    found["cpu_ms_client"] = answers.client_cpu_seconds * 1_000 / commands
    grown = after.recorded - before.recorded
    if step.load.moves and grown > 0:
        stored = after.stored
        found["disk_bytes"] = (stored.tables - before.stored.tables) / grown
        found["binlog_bytes"] = (stored.binary_log - before.stored.binary_log) / grown
    return found


def _sum(cpu: Mapping[str, float], stores: set[str], *, of_stores: bool) -> float:
    return sum(used for role, used in cpu.items() if (role in stores) == of_stores)
