"""Files made in the background: killed, doubled, stolen, cancelled, tried again, and equal."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from ledger import account_lines
from tests import databases
from tests.people import books_now, fund
from wallet_project.kit.audit import Actor
from wallets.exports import claims, figures, issuing, jobs, worker
from wallets.exports.errors import ExportNotReady, ExportTooLong
from wallets.exports.jobs import NewExport
from wallets.exports.models import ExportJob, ExportStatus, Format, IssuedStatement, Kind
from wallets.identity import WalletIdentity

STAFF = Actor("staff:1", "carol")
TEXTS = [Format.CSV, Format.JSON, Format.CAMT053]


class Killed(BaseException):
    """The process is gone."""


def ask(
    wallet: WalletIdentity, format_: Format = Format.CSV, kind: Kind = Kind.STATEMENT
) -> ExportJob:
    asked = NewExport(kind=kind, format=format_, by="key:test")
    return jobs.request(wallet=wallet, asked=asked).job


def work(**more: Any) -> int:
    return worker.run(enough=lambda: False, **more)


def file_of(job: ExportJob) -> bytes:
    job.refresh_from_db()
    assert (job.status, job.error) == (ExportStatus.DONE, "")
    with worker.storage().open(job.file, "rb") as file:
        return bytes(file.read())


def undisturbed(wallet: WalletIdentity, format_: Format, kind: Kind = Kind.STATEMENT) -> bytes:
    job = ask(wallet, format_, kind)
    work()
    return file_of(job)


def its_lease_ends() -> None:
    ExportJob.objects.filter(status=ExportStatus.RUNNING).update(lease_until="2020-01-01T00:00:00Z")


def parts() -> list[str]:
    return [path.name for path in worker.folder().glob("*.part")]


def test_killed_again_and_again_the_file_is_the_undisturbed_one(
    alice: WalletIdentity, history: int
) -> None:
    """By `kill -9`, at three places: in the proof, in the file, and before it is offered."""
    job = ask(alice)
    for checkpoints in ("3", "4", "8"):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.export_process", checkpoints],
            env=databases.environment() | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
            capture_output=True,
            timeout=120,
        )
        assert ended.returncode == -9, ended.stderr
        job.refresh_from_db()
        assert job.status == ExportStatus.RUNNING
        assert not jobs.is_offered(job)
        assert work() == 0, "its lease still runs"
        its_lease_ends()
    assert (job.proven, job.written > 0) == (history, True)
    work()
    file = file_of(job)
    assert file == undisturbed(alice, Format.CSV)
    assert parts() == []
    assert IssuedStatement.objects.count() == 1


@pytest.mark.parametrize("format_", [*TEXTS, Format.XLSX, Format.PDF])
def test_wherever_it_is_killed_the_file_is_the_same(
    alice: WalletIdentity, history: int, format_: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = undisturbed(alice, format_)
    write_down, after = claims.checkpoint, 0
    while True:
        after, left = after + 1, after + 1

        def dies(job: ExportJob, **columns: Any) -> None:
            nonlocal left
            write_down(job, **columns)
            left -= 1
            if left == 0:
                raise Killed

        job = ask(alice, format_)
        monkeypatch.setattr(claims, "checkpoint", dies)
        try:
            work()
        except Killed:
            its_lease_ends()
            left = -1
            work()
        else:
            break
        finally:
            monkeypatch.setattr(claims, "checkpoint", write_down)
        assert file_of(job) == wanted, after
    assert after > 3
    assert parts() == []


def test_an_export_is_made_in_slices_that_take_turns(alice: WalletIdentity, history: int) -> None:
    first, second = ask(alice), ask(alice, Format.JSON)
    turns = []
    while unfinished := list(ExportJob.objects.filter(status=ExportStatus.PENDING)):
        looks = iter(range(9))
        worker.run(enough=lambda looks=looks: next(looks) > 1)  # type: ignore[misc]
        turns += [
            job.format
            for job in unfinished
            if (job.proven, job.written)
            != ExportJob.objects.values_list("proven", "written").get(pk=job.pk)
        ]
    assert turns[:4] == ["csv", "json", "csv", "json"]
    assert len(turns) > 8
    assert file_of(first) == undisturbed(alice, Format.CSV)
    assert file_of(second) == undisturbed(alice, Format.JSON)


@override_settings(EXPORTS_AT_ONCE=8)
def test_two_workers_at_once_make_one_file(alice: WalletIdentity, history: int) -> None:
    job, start = ask(alice), threading.Barrier(4)

    def works(_: int) -> int:
        start.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(works, range(4))) == 1
    folder = worker.folder().parent
    assert len([path for path in folder.rglob(f"{job.pk.hex}*") if path.is_file()]) == 1
    assert file_of(job) == undisturbed(alice, Format.CSV)


@override_settings(EXPORTS_AT_ONCE=8)
def test_a_worker_that_slept_over_its_lease_harms_nobody(
    alice: WalletIdentity, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wakes up in the middle of the file, after another one has finished it."""
    job = ask(alice)
    write_down = claims.checkpoint

    def sleeps(mine: ExportJob, **columns: Any) -> None:
        if mine.written == 15:
            monkeypatch.setattr(claims, "checkpoint", write_down)
            its_lease_ends()
            work()
            seen.append(file_of(job))
        write_down(mine, **columns)

    seen: list[bytes] = []
    monkeypatch.setattr(claims, "checkpoint", sleeps)
    work()
    assert seen == [file_of(job)]
    assert file_of(job) == undisturbed(alice, Format.CSV)


def test_what_is_made_is_what_there_was_when_it_was_asked_for(
    alice: WalletIdentity, history: int
) -> None:
    job = ask(alice, Format.JSON)
    wanted = undisturbed(alice, Format.JSON)
    other = ask(alice, Format.JSON)
    fund(alice, 1)
    work()
    assert file_of(job) == file_of(other) == wanted


def test_a_cancelled_export_stops_and_can_be_made_again(
    alice: WalletIdentity, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, before = ask(alice), books_now()
    write_down = claims.checkpoint

    def cancelled(mine: ExportJob, **columns: Any) -> None:
        if mine.written == 10:
            jobs.cancel(export=job.pk, by=STAFF, reason="not needed")
        write_down(mine, **columns)

    monkeypatch.setattr(claims, "checkpoint", cancelled)
    work()
    job.refresh_from_db()
    assert (job.status, job.file) == (ExportStatus.CANCELLED, "")
    with pytest.raises(ExportNotReady):
        jobs.cancel(export=job.pk, by=STAFF, reason="again")
    monkeypatch.setattr(claims, "checkpoint", write_down)
    jobs.retry(export=job.pk, by=STAFF, reason="needed after all")
    work()
    assert file_of(job) == undisturbed(alice, Format.CSV)
    with pytest.raises(ExportNotReady):
        jobs.retry(export=job.pk, by=STAFF, reason="once more")
    assert books_now() == before


def test_what_never_comes_forward_has_failed(
    alice: WalletIdentity, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> Any:
        raise OSError(28, "No space left on device")

    job = ask(alice)
    monkeypatch.setattr(worker, "_go_on", full)
    for _ in range(claims.ATTEMPTS_MAX + 2):
        work()
    job.refresh_from_db()
    assert job.status == ExportStatus.FAILED
    assert "No space left on device" in job.error


@override_settings(EXPORT_PDF_LINES_MAX=10)
def test_a_format_that_cannot_hold_it_is_refused_at_once(
    alice: WalletIdentity, history: int
) -> None:
    with pytest.raises(ExportTooLong, match="33 movements, PDF holds 10"):
        ask(alice, Format.PDF)
    assert not ExportJob.objects.exists()


def test_a_gap_in_the_books_is_told_and_nothing_is_issued(
    alice: WalletIdentity, history: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = account_lines.lines
    monkeypatch.setattr(
        account_lines,
        "lines",
        lambda *a, **k: [x for x in whole(*a, **k) if x.sequence != 7],
    )
    job = ask(alice)
    work()
    job.refresh_from_db()
    assert job.status == ExportStatus.FAILED
    assert "has 4 postings from sequence 6 to 10" in job.error
    assert not IssuedStatement.objects.exists()


def test_the_command_works_on_what_waits(alice: WalletIdentity, history: int) -> None:
    job = ask(alice, Format.XLSX, Kind.TRANSACTIONS)
    call_command("work_exports", once=True)
    assert file_of(job).startswith(b"PK")


def test_a_statement_takes_as_many_queries_for_one_line_as_for_many(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "CHUNK", 1_000)
    counts = []
    for more in (1, 40):
        for _ in range(more):
            fund(alice, 1)
        with CaptureQueriesContext(connection) as queries:
            within = figures.look(alice, since=None, before=None)
            assert issuing.issue(within, by="key:test").lines == within.lines
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_long_workbook_waits_for_a_process_of_its_own(
    alice: WalletIdentity, history: int
) -> None:
    book, text = ask(alice, Format.XLSX), ask(alice, Format.CSV)
    assert work(books_max=32) == 1
    book.refresh_from_db()
    text.refresh_from_db()
    assert (book.status, text.status) == (ExportStatus.PENDING, ExportStatus.DONE)
    assert work(books_max=33) == 1
    assert file_of(book).startswith(b"PK")
