"""The loader: books that verification finds sound, with the indexes they had before."""

from __future__ import annotations

import json

import MySQLdb
import pytest
from django.db import connections

from ledger.models import JournalEntry, Posting
from tests import databases
from tests.bench import load
from tests.people import Company
from wallets import verification

pytestmark = [pytest.mark.full_stack, pytest.mark.usefixtures("database")]

TABLES = ("ledger_journalentry", "ledger_posting", "events_outboxevent")


def definitions() -> list[str]:
    """Return how the large tables are made, without their counters."""
    with connections[databases.owner()].cursor() as cursor:
        found = []
        for table in TABLES:
            cursor.execute(f"SHOW CREATE TABLE {table}")
            lines = cursor.fetchone()[1].splitlines()
            found += sorted(line.strip().rstrip(",") for line in lines[1:-1])
    return found


def filled(client: str, postings: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Load and return the wallets' ids."""
    words = ["--postings", str(postings), "--wallets", "20", "--client", client]
    assert load.main(words) == 0
    found: list[str] = json.loads(capsys.readouterr().out)["wallets"]
    return found


@pytest.mark.parametrize("chunk", [5_000, 60], ids=["indexes-stay", "indexes-afterwards"])
def test_loaded_books_hold_and_may_be_loaded_again(
    client_acme: Company,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
) -> None:
    monkeypatch.setattr(load, "CHUNK", chunk)
    before = definitions()

    first = filled(client_acme.name, 2_000, capsys)
    second = filled(client_acme.name, 3_000, capsys)

    report = verification.verify()
    assert report.findings == []
    assert (report.wallets, report.entries) == (40, 2_500)
    assert Posting.objects.count() == 5_000
    assert not set(first) & set(second)
    assert definitions() == before


def test_a_load_that_fails_leaves_the_indexes_in_place(
    client_acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK", 60)
    monkeypatch.setattr("tests.bench.rows.ENTRY", "INSERT INTO nothing_there (id) VALUES ")
    before = definitions()

    with pytest.raises(MySQLdb.Error):
        load.main(["--postings", "2000", "--wallets", "20", "--client", client_acme.name])

    assert definitions() == before
    assert not JournalEntry.objects.exists()
