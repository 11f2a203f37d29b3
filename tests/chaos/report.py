"""What a run came to, for people and for programs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.chaos.harness import Story
from tests.chaos.journal import Timed
from tests.chaos.schedule import catalogue
from tests.reports import write_section
from tests.stress.faults.journal import Op, Outcome

HEADING: Final = "## What the fault harness saw"
INTRODUCTION: Final = """\
`make chaos` runs the whole service with a proxy on every road and breaks one thing after the other
by a seeded timetable while clients move money. It heals everything, sends what is unknown again
with its key until it is known, and then holds the books, the events and what readers were told
against the clients' journal. The same seed makes the same timetable.

"""


def told(story: Story) -> dict[str, Any]:
    """Return everything worth knowing of a run."""
    ops = [op for journal in story.journals() for op in journal.ops]
    unknown = [op for op in ops if op.was_unknown]
    committed = [op for op in unknown if op.was_decided_untold]
    lost = [failure for failure in story.failures if "I11" in failure]
    return {
        "seed": story.seed,
        "seconds": story.seconds,
        "is_green": not story.failures,
        "operations": len(ops),
        "acknowledged": _count(ops, Outcome.OK),
        "refused": _count(ops, Outcome.FAIL),
        "unknown": len(unknown),
        "unknown_had_taken_effect": len(committed),
        "unknown_had_not": len(unknown) - len(committed),
        "left_unknown": _count(ops, Outcome.INFO),
        "checks_of_lost_red": len(lost),
        "reads": {name: n for one in story.everybody for name, n in one.reads.items()},
        "p99_seconds": {
            "before": p99(story.answers(story.began, story.first_fault)),
            "in_faults": p99(story.answers(story.first_fault, story.healed)),
            "after": p99(story.answers(story.healed + 2, story.ended)),
        },
        "level_after_seconds": round(story.level_after, 1),
        "webhook_calls": len(story.world.receiver.calls),
        "proxies": {name: dict(one.counts) for name, one in story.world.roads.by_name.items()},
        "faults": [
            {
                "fault": one.fault.name,
                "began": round(one.began - story.began, 1),
                "ended": round(one.ended - story.began, 1),
                "seen": one.what,
            }
            for one in story.seen
        ],
        "held": story.held,
        "failures": story.failures,
    }


def p99(answers: Sequence[Timed]) -> float | None:
    """Return the time that all but one of a hundred answers kept to, in seconds."""
    if not answers:
        return None
    times = sorted(one.seconds for one in answers)
    return round(times[min(len(times) - 1, len(times) * 99 // 100)], 3)


def _known(seconds: float | None) -> str:
    return "no answer came" if seconds is None else str(seconds)


def _count(ops: Sequence[Op], outcome: Outcome) -> int:
    return sum(op.outcome is outcome for op in ops)


def write_json(found: dict[str, Any], folder: Path) -> Path:
    """Write a run's facts beside those of earlier runs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{found['seed']}.json"
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return path


def as_markdown(found: dict[str, Any]) -> str:
    """Write a run's facts as the tables of the documentation."""
    times = found["p99_seconds"]
    facts = [
        ("seed · minutes of faults", f"{found['seed']} · {found['seconds'] / 60:g}"),
        ("operations", f"{found['operations']:,}"),
        ("acknowledged", f"{found['acknowledged']:,}"),
        ("refused (a definite 4xx)", f"{found['refused']:,}"),
        ("unknown at first", f"{found['unknown']:,}"),
        ("… resolved: had taken effect, or been refused", f"{found['unknown_had_taken_effect']:,}"),
        ("… resolved: had not", f"{found['unknown_had_not']:,}"),
        ("… left unknown", f"{found['left_unknown']:,}"),
        ("**acknowledged and lost**", "**0**" if not found["checks_of_lost_red"] else "**SOME**"),
        ("sums of the bank read, all right", f"{found['reads'].get('bank-total', 0):,}"),
        ("reads of own writes, all right", f"{found['reads'].get('read-your-writes', 0):,}"),
        ("p99 before · in faults · after, s", " · ".join(_known(times[name]) for name in times)),
        ("level after the end, s", str(found["level_after_seconds"])),
        ("promises checked · broken", f"{len(found['held'])} · {len(found['failures'])}"),
    ]
    lines = ["| | |", "|---|---|", *(f"| {name} | {fact} |" for name, fact in facts), ""]
    lines += ["| fault | times | seen, the last time |", "|---|---|---|"]
    by_name: dict[str, list[str]] = defaultdict(list)
    for one in found["faults"]:
        by_name[one["fault"]].append(one["seen"])
    known = [fault.name for each in catalogue() for fault in each]
    lines += [
        f"| {name} | {len(by_name[name])} | {by_name[name][-1] or 'nothing'} |"
        for name in known
        if name in by_name
    ]
    lines += [f"\nBroken: {failure}" for failure in found["failures"]]
    return "\n".join(lines) + "\n"


def write_page(found: dict[str, Any], page: Path) -> None:
    """Put a run's tables into the documentation."""
    write_section(page, HEADING, INTRODUCTION + as_markdown(found))
