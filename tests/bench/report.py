"""Figures as a table for people, as JSON for programs, and as a section of docs/performance.md."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.measure import Figure

Rows = list[list[str]]
BEGIN: Final = "<!-- figures: written by `make bench ARGS=--write-docs` -->"
END: Final = "<!-- end of the figures -->"
_HEAD: Final = [
    *("load", "/s", "ratio", "p50", "p95", "p99", "max ms"),
    *("CPU ms: service", "stores", "client", "bytes: disk", "binlog", "books"),
]


def ratios(figures: Sequence[Figure], baseline: str) -> dict[tuple[str, str], float]:
    """Divide each figure by the same load's on the baseline, where that was measured and counts.

    Bulks are divided by the baseline's best deposits: what the same movements are one by one.
    """
    base = {
        figure.step.title: figure.numbers["per_second"]
        for figure in figures
        if figure.step.target.name == baseline and figure.is_good
    }
    singly = best_deposits(figures, baseline)
    found = {}
    for figure in figures:
        rate = singly if figure.step.load.commands > 1 else base.get(figure.step.title)
        if rate and figure.is_good:
            key = (figure.step.target.name, figure.step.title)
            found[key] = figure.numbers["per_second"] / rate
    return found


def best_deposits(figures: Sequence[Figure], baseline: str) -> float | None:
    """Return the most deposits a second that the baseline reached."""
    rates = [
        figure.numbers["per_second"]
        for figure in figures
        if figure.step.target.name == baseline
        and figure.step.load.name == "deposit"
        and figure.is_good
    ]
    return max(rates, default=None)


def in_process_rows(rates: Mapping[str, float], base: float | None) -> Rows:
    """Make the rows of what was measured without HTTP, as multiples of the baseline's deposits."""
    head = ["what", "/s", "ratio"]
    return [head] + [
        [name, f"{rate:,.0f}", f"{rate / base:.2f}" if base else ""] for name, rate in rates.items()
    ]


def load_rows(figures: Sequence[Figure], baseline: str) -> dict[str, Rows]:
    """Make the rows of each service, head first."""
    times = ratios(figures, baseline)
    tables: dict[str, Rows] = {}
    for figure in figures:
        name = figure.step.target.name
        tables.setdefault(name, [_HEAD]).append(_row(figure, times.get((name, figure.step.title))))
    return tables


def _row(figure: Figure, ratio: float | None) -> list[str]:
    numbers = figure.numbers
    if figure.failure:
        return [figure.step.title, "FAILED", figure.failure, *[""] * 9, _books(figure)]
    shown = [
        *(_short(numbers.get(name)) for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")),
        *(
            _short(numbers.get(name), 2)
            for name in ("cpu_ms_service", "cpu_ms_stores", "cpu_ms_client")
        ),
        *(_short(numbers.get(name), 0) for name in ("disk_bytes", "binlog_bytes")),
    ]
    rate = f"{numbers['per_second']:,.0f}"
    times = "" if ratio is None else f"{ratio:.2f}"
    return [figure.step.title, rate, times, *shown, _books(figure)]


def _books(figure: Figure) -> str:
    return figure.books if len(figure.books) < 20 else "BROKEN"


def _short(value: float | None, digits: int = 1) -> str:
    return "" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def plain(rows: Rows) -> str:
    """Write rows as columns of text: words to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(rows: Rows) -> str:
    """Write rows as a table of Markdown."""
    head, *body = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *body])


def memory_rows(memory: Mapping[str, Sequence[Mapping[str, float]]]) -> Rows:
    """Make the rows of the processes' memory."""
    rows: Rows = [["process", "how many", "RSS MB each", "PSS MB each"]]
    for role, processes in sorted(memory.items()):
        each = [
            "-" if not values else f"{sum(values) / len(values):.0f}"
            for name in ("rss_mb", "pss_mb")
            for values in [[one[name] for one in processes if name in one]]
        ]
        rows.append([role, str(len(processes)), *each])
    return rows


def pair_rows(head: Sequence[str], pairs: Mapping[str, object]) -> Rows:
    """Make the rows of names and values."""
    return [list(head), *[[name, str(value)] for name, value in pairs.items()]]


def as_json(found: Mapping[str, Any], figures: Sequence[Figure]) -> str:
    """Return everything, each round included, for a program."""
    listed = [
        {
            "service": figure.step.target.name,
            "load": figure.step.load.name,
            "connections": figure.step.connections,
            "rate": figure.step.rate or None,
            "failure": figure.failure,
            "books": figure.books,
            "medians": figure.numbers,
            "rounds": [
                {"numbers": one.numbers, "statuses": one.statuses, "failure": one.failure}
                for one in figure.rounds
            ],
        }
        for figure in figures
    ]
    return json.dumps({**found, "figures": listed}, indent=1) + "\n"


def write_section(page: Path, text: str) -> None:
    """Replace what stands between the markers.

    :raises ValueError: when the page has no markers.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the figures")
    page.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}", encoding="utf-8")
