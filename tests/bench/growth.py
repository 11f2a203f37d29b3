"""What the size of the books does to a call: the same loads on few and on many postings."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.bench import adapter, instance, loads, measure
from tests.bench.figures import medians
from tests.bench.instance import Instance
from tests.bench.measure import Step
from tests.bench.options import Options
from tests.bench.processes import ROLES
from tests.bench.target import Target, Unusable

BAR: Final = 1.3
"""No call may take longer than this many times what it takes on the smallest books."""
_LOADS: Final = ("past balance", "statement page", "balance", "deposit")
_CONNECTIONS: Final = 4
_CATCH_UP_SECONDS: Final = 1_800.0


@dataclass
class Size:
    """What was measured on books of one size."""

    postings: int
    load_seconds: float
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    books: str = ""
    complaints: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def measure_loads(target: Target, asked: Options, size: Size) -> None:
    """Run the loads, and prove the books once at the end: on millions of rows it takes minutes."""
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as folder:
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in _LOADS}
        for turn in range(asked.rounds + 1):
            for name in _LOADS:
                one = measure.run(
                    Step(target, loads.BY_NAME[name], _CONNECTIONS),
                    seconds=asked.seconds,
                    prepared=asked.prepared,
                    folder=Path(folder),
                    seed=asked.seed + turn,
                    prove=False,
                )
                if one.failure:
                    size.complaints.append(f"{size.postings} postings, {name}: {one.failure}")
                if turn:  # the first round fills the caches
                    rounds[name].append(one.numbers)
    size.numbers = {name: medians(found) for name, found in rounds.items()}
    size.books = target.verify() or "hold"
    if size.books != "hold":
        size.complaints.append(f"{size.postings} postings: {size.books}")


def measure_size(postings: int, started: Instance, asked: Options) -> Size:
    """Load so many postings into a service's database and measure it."""
    made = _load(started, postings, asked.wallets)
    target = Target("grown", adapter.load(), started.address, ROLES, started)
    target.wallets = made["wallets"]
    target.since = datetime.fromisoformat(made["since"])
    started.settle(limit_seconds=_CATCH_UP_SECONDS)
    size = Size(made["postings"], made["seconds"])
    measure_loads(target, asked, size)
    return size


def run(sizes: Sequence[int], asked: Options, say: Callable[[str], None]) -> list[Size]:
    """Measure each size on a service and a database of its own."""
    found = []
    for place, postings in enumerate(sizes):
        say(f"growth: {postings:,} postings")
        with instance.running("grown", 13 + place % 2) as started:
            found.append(measure_size(postings, started, asked))
    return found


def _load(started: Instance, postings: int, wallets: int) -> dict[str, Any]:
    words = ["--postings", str(postings), "--wallets", str(wallets)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", *words],
        cwd=instance.REPOSITORY,
        env=dict(started.environment),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unusable(f"the loader ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_load(sizes: Sequence[Size]) -> dict[str, dict[int, float]]:
    """Return the median latency of each load by size, for the picture."""
    return {
        name: {size.postings: size.numbers[name]["p50_ms"] for size in sizes}
        for name in (_LOADS if sizes else ())
    }


def ratios(sizes: Sequence[Size], name: str, number: str = "p50_ms") -> list[float]:
    """Divide a load's number at each size by the one at the smallest."""
    values: list[float] = [size.numbers[name][number] for size in sizes]
    return [value / values[0] for value in values]


def rows(sizes: Sequence[Size]) -> list[list[str]]:
    """Make the rows of the table."""
    head = ["load", "postings", "p50 ms", "p99 ms", "CPU ms", "ratio", "within the bar", "books"]
    table = [head]
    for name in _LOADS:
        for size, ratio in zip(sizes, ratios(sizes, name), strict=True):
            numbers: Mapping[str, float] = size.numbers[name]
            cpu = numbers["cpu_ms_service"] + numbers["cpu_ms_stores"]
            table.append(
                [
                    *(name, f"{size.postings:,}", f"{numbers['p50_ms']:.2f}"),
                    *(f"{numbers['p99_ms']:.2f}", f"{cpu:.2f}", f"{ratio:.2f}"),
                    *("yes" if ratio <= BAR else "NO", size.books[:20]),
                ]
            )
    return table
