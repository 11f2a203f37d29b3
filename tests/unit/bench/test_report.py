"""Roles of processes, options, tables and the section of the document."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import adapter, loads, options, processes, report
from tests.bench.measure import Figure, Round, Step
from tests.bench.messages import Address
from tests.bench.target import Target


def figure(service: str, rate: float, *, failure: str = "", broken: str | None = "") -> Figure:
    """A load that ran once."""
    target = Target(service, adapter.load(), Address("127.0.0.1", 1), processes.ROLES)
    numbers = {"per_second": rate, "p50_ms": 1.0, "p99_ms": 2.0}
    step = Step(target, loads.BY_NAME["deposit"], 32)
    return Figure(step, [Round(numbers, {201: 10}, failure, broken)])


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("python -m gunicorn -c deploy/gunicorn.conf.py", "web"),
        ("python -m gunicorn -c deploy/gunicorn_lane.conf.py", "lane"),
        ("/usr/sbin/haproxy -f edge.cfg", "edge"),
        ("python -m celery --app wallet_project --quiet worker --pool solo", "worker"),
        ("python -m celery --app wallet_project --quiet beat --pidfile", "beat"),
        ("python manage.py relay", "relay"),
        ("/s/bin/mysqld --defaults-file=/s/parts/mysql-primary/my.cnf", "mysql-primary"),
        ("/s/bin/mysqld --defaults-file=/s/parts/mysql-replica/my.cnf", "mysql-replica"),
        ("/usr/bin/redis-server /s/parts/redis/redis.conf", "redis"),
        ("vim notes.txt", None),
    ],
)
def test_a_process_has_the_role_of_its_command_line(command: str, role: str | None) -> None:
    found = processes.role_of(command, processes.ROLES)
    assert (found.name if found else None) == role


def test_a_role_of_another_service_comes_from_the_command_line() -> None:
    assert processes.parse_role("api=bin/server").is_store is False
    assert processes.parse_role("store:db=postgres: ").name == "db"
    with pytest.raises(ValueError, match="NAME=PATTERN"):
        processes.parse_role("postgres")


def test_sizes_and_loads_are_read_as_people_write_them() -> None:
    asked = options.parse(["--growth", "1m,10k", "--loads", "deposit; transfer, Zipf"])

    assert asked.growth == [10_000, 1_000_000]
    assert asked.loads == ["deposit", "transfer, Zipf"]
    with pytest.raises(SystemExit):
        options.parse(["--loads", "nonsense"])


def test_a_ratio_needs_two_loads_that_count() -> None:
    ours, alone = figure("ours", 300), figure("alone", 100)

    assert report.ratios([ours, alone], "alone")["ours", "deposit, c32"] == 3
    assert report.ratios([ours, figure("alone", 100, failure="500")], "alone") == {}
    broken = figure("ours", 300, broken="I2")
    assert ("ours", "deposit, c32") not in report.ratios([broken, alone], "alone")


def test_bulks_and_what_runs_in_process_are_compared_with_single_deposits() -> None:
    alone, bulk = figure("alone", 100), figure("ours", 5_000)
    bulk.step = Step(bulk.step.target, loads.BY_NAME["bulk of 100"], 4)

    assert report.ratios([bulk, alone], "alone")["ours", "bulk of 100, c4"] == 50
    assert report.in_process_rows({"spine": 250.0}, 100.0)[1] == ["spine", "250", "2.50"]
    assert report.in_process_rows({"spine": 250.0}, None)[1] == ["spine", "250", ""]


def test_a_load_that_failed_shows_why_instead_of_a_rate() -> None:
    row = report.load_rows([figure("ours", 999, failure="10 x 500")], "alone")["ours"][1]

    assert row[:3] == ["deposit, c32", "FAILED", "10 x 500"]
    assert "999" not in "".join(row)
    assert len(row) == len(report.load_rows([figure("ours", 1)], "alone")["ours"][0])


def test_broken_books_and_books_that_nobody_saw_are_not_called_sound() -> None:
    assert figure("ours", 1).is_good
    assert figure("ours", 1, broken=None).books == "not looked at"
    broken = figure("ours", 1, broken="3 findings, the first: I1 something")
    assert not broken.is_good
    assert report.load_rows([broken], "alone")["ours"][1][-1] == "BROKEN"


def test_the_figures_are_written_between_their_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")

    report.write_section(page, "new")

    assert page.read_text() == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    page.write_text("no markers")
    with pytest.raises(ValueError, match="no place"):
        report.write_section(page, "new")
    assert page.read_text() == "no markers"
