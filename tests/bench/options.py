"""The words of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench import adapter, loads, processes
from tests.bench.instance import REPOSITORY
from tests.bench.processes import Role

_UNITS: Final = {"k": 1_000, "m": 1_000_000}


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    url: str
    adapter: Path
    headers: dict[str, str]
    roles: list[Role]
    loads: list[str]
    connections: list[int]
    seconds: float
    rounds: int
    wallets: int
    rate: float
    prepared: int
    seed: int
    growth: list[int]
    compared: bool
    in_process: bool
    quick: bool
    write_docs: bool
    output: Path

    @property
    def usual_connections(self) -> int:
        """Return how many connections a load has that is measured at one number only."""
        return 32 if 32 in self.connections else max(self.connections)


def number(text: str) -> int:
    """Read 500, 10k or 1m."""
    unit = _UNITS.get(text[-1:].lower(), 1)
    return int(text[:-1] if unit > 1 else text) * unit


def _numbers(text: str) -> list[int]:
    return [number(word) for word in text.split(",") if word]


def _load_names(text: str) -> list[str]:
    chosen = [name.strip() for name in text.split(";")]
    unknown = [name for name in chosen if name not in loads.BY_NAME]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no load {unknown[0]!r}; there are: {'; '.join(loads.BY_NAME)}"
        )
    return chosen


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure this service, or the one at --url. See docs/performance.md.",
    )
    add = parser.add_argument
    add("--url", default="", help="a service that runs already; default: start this one")
    add("--adapter", type=Path, default=adapter.OURS, help="the module that knows its calls")
    add("--header", type=_header, action="append", default=[], help="'Name: value' of each request")
    add(
        "--role",
        type=processes.parse_role,
        action="append",
        default=[],
        help="NAME=PATTERN of a process to account for with --url; store:NAME=PATTERN for a store",
    )
    add("--loads", type=_load_names, default=list(loads.BY_NAME), help="names, separated by ;")
    add("--connections", type=_numbers, default=[1, 16, 32, 128], help="of deposits: 1,16,32,128")
    add("--seconds", type=float, default=2.0, help="of each load in each round (2)")
    add("--rounds", type=int, default=3, help="of which the medians are shown (3)")
    add("--wallets", type=number, default=1_000, help="funded before the loads (1k)")
    add(
        "--rate",
        type=float,
        default=100.0,
        help="deposits a second of the open loop (100); 0: none",
    )
    add("--prepared", type=int, default=8_000, help="requests prepared for each second of a load")
    add("--seed", type=int, default=1, help="of the choice of wallets")
    add("--growth", type=_numbers, default=[], help="postings to load first, as in 10k,1m,10m")
    add("--no-baseline", action="store_true", help="leave out one transaction a request")
    add("--no-in-process", action="store_true", help="leave out the spine, bare SQL and the relay")
    add("--quick", action="store_true", help="see that it works: 1 s a load, one round, few loads")
    add("--write-docs", action="store_true", help="write into docs/ as well")
    add("--output", type=Path, default=REPOSITORY / "var" / "bench", help="default: var/bench")
    asked = parser.parse_args(arguments)
    return Options(
        url=asked.url,
        adapter=asked.adapter,
        headers=dict(asked.header),
        roles=asked.role,
        loads=asked.loads,
        connections=[1, 32] if asked.quick else asked.connections,
        seconds=1.0 if asked.quick else asked.seconds,
        rounds=1 if asked.quick else asked.rounds,
        wallets=min(asked.wallets, 200) if asked.quick else asked.wallets,
        rate=asked.rate,
        prepared=asked.prepared,
        seed=asked.seed,
        growth=sorted(asked.growth),
        compared=not asked.no_baseline and not asked.url,
        in_process=not asked.no_in_process and not asked.url,
        quick=asked.quick,
        write_docs=asked.write_docs,
        output=asked.output,
    )
