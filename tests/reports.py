"""Puts a measured table into a page of the documentation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

TITLE: Final = "# Reliability\n\nWhat was broken on purpose, and what came of it.\n"


def say(text: str) -> None:
    """Write a line of progress; standard output is left to the report."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def write_section(page: Path, heading: str, text: str) -> None:
    """Replace what stands below a heading of the second level, or add it at the end."""
    lines = (page.read_text(encoding="utf-8") if page.exists() else TITLE).splitlines()
    start = next((n for n, line in enumerate(lines) if line == heading), len(lines))
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("## ")), len(lines))
    before = "\n".join(lines[:start]).rstrip()
    after = "\n".join(lines[end:])
    page.write_text(
        f"{before}\n\n{heading}\n\n{text.strip()}\n" + (f"\n{after}\n" if after else ""),
        encoding="utf-8",
    )
