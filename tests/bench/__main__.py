"""`python -m tests.bench`: what `make bench` does."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.stack.errors import StackError
from tests.bench import (
    adapter,
    charts,
    closed_loop,
    growth,
    in_process,
    instance,
    loads,
    machine,
    measure,
    options,
    report,
)
from tests.bench.figures import rotated
from tests.bench.measure import Figure, Step
from tests.bench.messages import Address
from tests.bench.options import Options
from tests.bench.processes import ROLES
from tests.bench.target import Target, Unusable

OURS: Final = "wallet service"
ALONE: Final = "one transaction a request"
_PARTS: Final = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")
_QUICK: Final = ("empty answer", "deposit", "transfer", "balance", "past balance", "bulk of 100")
_IN_LANE: Final = (
    *("deposit", "withdraw", "transfer", "bulk", "create_wallet", "balance", "balance_at"),
)
_BULK_CONNECTIONS: Final = 4
_LEAST_SECONDS: Final = {"bulk of 100": 2.0, "bulk of 1,000": 4.0}


@dataclass
class Findings:
    """Everything that is reported."""

    facts: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    in_process: dict[str, float] = field(default_factory=dict)
    growth: list[growth.Size] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; 1 when a load failed or the books are broken."""
    asked = options.parse(arguments)
    if not asked.url and not all(name in os.environ for name in _PARTS):
        words = arguments if arguments is not None else sys.argv[1:]
        stack = [sys.executable, "-m", "deploy.stack", "run", "--"]
        os.execv(sys.executable, [*stack, sys.executable, "-m", "tests.bench", *words])
    try:
        closed_loop.ensure_client()
        found = _measure(asked)
    except (StackError, Unusable, adapter.NotAnAdapter, closed_loop.ClientFailed) as error:
        say(f"error: {error}")
        return 1
    _write(asked, found)
    for complaint in found.complaints:
        say(f"FAILED: {complaint}")
    return 1 if found.complaints else 0


def say(text: str) -> None:
    """Print a line of progress; standard output is left to the tables."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _measure(asked: Options) -> Findings:
    found = Findings({"machine": machine.describe(), "versions": machine.versions()})
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="wallet-bench-") as folder:
        targets = _theirs(asked) if asked.url else _ours(asked, stack)
        for target in targets:
            say(f"{target.name}: making {asked.wallets} wallets")
            target.make_wallets(asked.wallets)
        found.figures = _run_all(asked, _steps(asked, targets), Path(folder))
        found.facts |= {
            "memory": targets[0].memory(),
            "startSeconds": {
                target.name: target.instance.start_seconds for target in targets if target.instance
            },
        }
        if targets[0].instance is not None:
            found.facts["stores"] = machine.stores(targets[0].instance)
    for figure in found.figures:
        if not figure.is_good:
            what = figure.failure or figure.books
            found.complaints.append(f"{figure.step.target.name}, {figure.step.title}: {what}")
    if asked.in_process:
        found.in_process, complaints = in_process.measure(quick=asked.quick, say=say)
        found.complaints += complaints
    found.growth = growth.run(asked.growth, asked, say)
    for size in found.growth:
        found.complaints += size.complaints
    return found


def _theirs(asked: Options) -> list[Target]:
    parts = urlsplit(asked.url)
    address = Address(parts.hostname or "127.0.0.1", parts.port or 80, asked.headers)
    spoken = adapter.load(asked.adapter)
    return [Target(spoken.NAME, spoken, address, asked.roles)]


def _ours(asked: Options, stack: ExitStack) -> list[Target]:
    spoken = adapter.load(asked.adapter)
    targets = []
    kinds = [(OURS, "ours", {}), (ALONE, "alone", {"GROUP_COMMIT": "no", "LANE_PROCESSES": "0"})]
    for place, (title, name, extra) in enumerate(kinds[: 2 if asked.compared else 1]):
        say(f"{title}: starting")
        started = stack.enter_context(instance.running(name, 10 + place, **extra))
        targets.append(Target(title, spoken, started.address, ROLES, started))
    return targets


def _steps(asked: Options, targets: Sequence[Target]) -> list[Step]:
    """Choose what is run on which; what the lane does not serve is the same on the baseline."""
    steps = []
    names = [name for name in asked.loads if not asked.quick or name in _QUICK]
    for name in names or asked.loads:
        load = loads.BY_NAME[name]
        for place, target in enumerate(targets):
            if not hasattr(target.adapter, load.call):
                continue
            if place and load.call not in _IN_LANE:
                continue
            for connections in _connections(asked, load):
                steps.append(Step(target, load, connections))
            if name == "deposit" and asked.rate:
                steps.append(Step(target, load, 64, asked.rate))
    return steps


def _connections(asked: Options, load: loads.Load) -> list[int]:
    if load.name == "deposit":
        return asked.connections
    return [_BULK_CONNECTIONS if load.commands > 1 else asked.usual_connections]


def _run_all(asked: Options, steps: Sequence[Step], folder: Path) -> list[Figure]:
    figures = [Figure(step) for step in steps]
    for turn in range(asked.rounds):
        for place in rotated(range(len(steps)), turn, asked.rounds):
            step = steps[place]
            least = _LEAST_SECONDS.get(step.load.name, 0.0)
            one = measure.run(
                step,
                seconds=max(asked.seconds, least),
                prepared=asked.prepared,
                folder=folder,
                seed=asked.seed + turn,
            )
            figures[place].rounds.append(one)
            rate, p99 = one.numbers["per_second"], one.numbers.get("p99_ms", 0.0)
            books = measure.UNPROVEN if one.broken_books is None else one.broken_books or "hold"
            say(
                f"round {turn + 1}: {step.target.name}: {step.title}: {rate:.0f}/s,"
                f" p99 {p99:.1f} ms; books: {books}{'; FAILED: ' * bool(one.failure)}{one.failure}"
            )
    return figures


def _write(asked: Options, found: Findings) -> None:
    shown, section = _sections(asked, found)
    print("\n\n".join(shown))  # noqa: T201
    asked.output.mkdir(parents=True, exist_ok=True)
    more = {
        **found.facts,
        "options": {name: str(value) for name, value in vars(asked).items()},
        "inProcess": found.in_process,
        "growth": [size.as_dict() for size in found.growth],
    }
    text = report.as_json(more, found.figures)
    (asked.output / "bench.json").write_text(text, encoding="utf-8")
    by_load = growth.by_load(found.growth)
    charts.draw(asked.output, found.figures, by_load)
    say(f"written: {asked.output}/bench.json and pictures beside it")
    if asked.write_docs:
        docs = instance.REPOSITORY / "docs"
        charts.draw(docs / "performance", found.figures, by_load)
        pictures = sorted((docs / "performance").glob("*.svg"))
        section += [f"![{path.stem}](performance/{path.name})" for path in pictures]
        report.write_section(docs / "performance.md", "\n\n".join(section))


def _sections(asked: Options, found: Findings) -> tuple[list[str], list[str]]:
    """Put the tables together: as text, and as Markdown."""
    tables = dict(report.load_rows(found.figures, ALONE))
    if found.in_process:
        base = report.best_deposits(found.figures, ALONE)
        rows = report.in_process_rows(found.in_process, base)
        tables["In one process, without HTTP"] = rows
    if found.growth:
        tables["Growth"] = growth.rows(found.growth)
    tables["Memory after the loads"] = report.memory_rows(found.facts["memory"])
    started = {
        f"seconds to start, {name}": f"{took:.1f}"
        for name, took in found.facts["startSeconds"].items()
    }
    facts = {
        **found.facts["machine"],
        **found.facts["versions"],
        **found.facts.get("stores", {}),
        "rounds, seconds each": f"{asked.rounds}, {asked.seconds:g}",
        "wallets": asked.wallets,
        **started,
    }
    tables["Taken on"] = report.pair_rows(("what", "which"), facts)
    return (
        [f"== {title}\n{report.plain(rows)}" for title, rows in tables.items()],
        [f"### {title}\n\n{report.markdown(rows)}" for title, rows in tables.items()],
    )


if __name__ == "__main__":
    sys.exit(main())
