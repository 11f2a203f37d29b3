"""How long the back office's pages take on small books and on large ones.

`make bench-pages`, or `python -m deploy.stack run -- python -m tests.bench.pages --sizes 10k,1m`.
Opens every list of the admin, a page in the middle of each, and a row of each, in this process on
a database of its own; the first size is what the others are compared with. Exits 2 where a page
takes longer than it may. Rows that the server reads for a page are counted as well: that number
does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("TEST_DATABASE", "test_wallet_bench_pages")
os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.admin.utils import quote  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from tests import databases, staff  # noqa: E402
from tests.bench import instance, load  # noqa: E402
from tests.bench.options import number  # noqa: E402
from tests.filling import fill  # noqa: E402
from wallet_project.kit.admin import ReadOnlyAdmin  # noqa: E402
from wallet_project.kit.database import PRIMARY  # noqa: E402
from wallets.operations.create_client import create_client  # noqa: E402

RATIO_MAX: Final = 3.0
MEDIAN_MAX_MS: Final = 300.0
ROWS_MIN: Final = 1_000
"""Below so many rows more of them are no sign of a walk through a table."""
_FEW: Final = 60


@dataclass
class Size:
    """What pages take on books of one size."""

    postings: int
    medians: dict[str, float] = field(default_factory=dict)
    """Milliseconds by page."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows that the primary reads for a page."""


def pages() -> Iterator[tuple[str, str]]:
    """Name every page and its address, on the database as it is."""
    yield "home", reverse("admin:index")
    for model, shown in admin.site._registry.items():
        if not isinstance(shown, ReadOnlyAdmin):
            continue
        rows = model._default_manager.using(PRIMARY)
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        listed = reverse(f"admin:{name}_changelist")
        yield f"{name} list", listed
        first, last = rows.order_by("pk").first(), rows.order_by("-pk").first()
        if first is None or last is None:
            continue
        middle = _between(first.pk, last.pk)
        if middle is not None and list(shown.ordering) == ["-pk"]:
            yield f"{name} middle", f"{listed}?after={middle}"
        if shown.list_display_links is not None:
            row = _near(rows, middle) or last
            yield f"{name} row", reverse(f"admin:{name}_change", args=[quote(row.pk)])


def _between(first: Any, last: Any) -> Any:
    if isinstance(first, UUID):
        return UUID(int=(first.int + last.int) // 2)
    return (first + last) // 2 if isinstance(first, int) else None


def _near(rows: Any, middle: Any) -> Model | None:
    if middle is None:
        return None
    found: Model | None = rows.filter(pk__gte=middle).order_by("pk").first()
    return found


def rows_read() -> int:
    """Tell how many rows this session has had the primary read so far."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def time_pages(browser: Client, size: Size, rounds: int) -> Size:
    """Open each page several times; note the medians, and the rows of the last time."""
    for name, address in pages():
        took = []
        for turn in range(rounds + 1):
            before, started = rows_read(), time.perf_counter()
            answer = browser.get(address, headers={"host": "localhost"})
            if answer.status_code != 200:
                raise SystemExit(f"{address} answers {answer.status_code}")
            if turn:  # the first one compiles templates
                took.append((time.perf_counter() - started) * 1000)
                size.rows[name] = rows_read() - before
        size.medians[name] = statistics.median(took)
    return size


def measure(postings: int, wallets: int, rounds: int) -> Size:
    """Make books of a size in an empty database, and time the pages."""
    databases.make_test_database()
    create_client(name=instance.CLIENT, plan="unlimited")
    browser = staff.superuser()
    with contextlib.redirect_stdout(io.StringIO()):
        load.main(["--postings", str(postings), "--wallets", str(wallets)])
    sys.stderr.write("rolling up\n")
    # As beat does every minute; what the loader wrote is settled a minute later.
    call_command("snapshot_balances", "--wait", stdout=io.StringIO())
    for model, shown in admin.site._registry.items():
        # What the loader leaves empty is small in life, too, or served by the same code.
        if isinstance(shown, ReadOnlyAdmin) and not model._default_manager.exists():
            fill(model, _FEW)
    return time_pages(browser, Size(postings), rounds)


def too_slow(sizes: Sequence[Size]) -> list[str]:
    """Name the pages that take longer than they may."""
    smallest = sizes[0]
    found = []
    for size in sizes:
        for name, median in size.medians.items():
            ratio = median / smallest.medians.get(name, median)
            if median > MEDIAN_MAX_MS or ratio > RATIO_MAX:
                found.append(f"{name}, {size.postings:,} postings: {median:.0f} ms, {ratio:.1f} x")
            rows, least = size.rows.get(name, 0), smallest.rows.get(name, 0)
            if rows > RATIO_MAX * max(least, ROWS_MIN):
                found.append(f"{name}, {size.postings:,} postings: {rows:,} rows, not {least:,}")
    return found


def table(sizes: Sequence[Size]) -> str:
    """Write the medians, how they compare with those of the smallest books, and the rows read."""
    head = "".join(f"{size.postings:>14,}{'':8}{'rows':>9}" for size in sizes)
    lines = [f"{'median ms by postings':40}{head}"]
    for name, least in sizes[0].medians.items():
        cells = "".join(
            f"{size.medians.get(name, 0):14.1f}{size.medians.get(name, 0) / least:6.1f} x"
            f"{size.rows.get(name, 0):9,}"
            for size in sizes
        )
        lines.append(f"{name:40}{cells}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--sizes", default="10k,1m,10m", help="postings, the smallest first")
    parser.add_argument("--wallets", type=number, default=1_000)
    parser.add_argument("--rounds", type=int, default=15, help="times that a page is opened")
    asked = parser.parse_args(arguments)
    sizes = []
    for postings in map(number, asked.sizes.split(",")):
        sys.stderr.write(f"pages: {postings:,} postings\n")
        sizes.append(measure(postings, asked.wallets, asked.rounds))
    slow = too_slow(sizes)
    sys.stderr.write(table(sizes) + "\n" + "".join(f"TOO SLOW: {one}\n" for one in slow))
    sys.stdout.write(
        json.dumps(
            {
                "medianMs": {str(one.postings): one.medians for one in sizes},
                "rowsRead": {str(one.postings): one.rows for one in sizes},
                "slow": slow,
            }
        )
        + "\n"
    )
    return 2 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
