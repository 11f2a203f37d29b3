"""`manage.py reconcile`: the same operations, with an exit code that a script can act on."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.people import Company
from tests.reconciling import Booked, as_csv, book, left
from wallets.identity import WalletIdentity
from wallets.reconciliation.models import Item, Run


def called(*words: str) -> tuple[int, str, str]:
    out, progress, code = StringIO(), StringIO(), 0
    try:
        call_command(
            *("reconcile", "--client", "acme", "--channel", "bank", *words),
            stdout=out,
            stderr=progress,
        )
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, out.getvalue(), progress.getvalue()


@pytest.fixture
def statement(tmp_path: Path) -> Path:
    path = tmp_path / "march.csv"
    path.write_bytes(as_csv([Booked("b1", 10_00, "ref-1"), Booked("b2", 1, "extra")]))
    return path


def test_leftovers_are_exit_2_and_none_are_exit_0(
    acme: Company, alice: WalletIdentity, statement: Path
) -> None:
    book(alice, 10_00, "ref-1")
    code, out, progress = called("--file", str(statement))
    assert code == 2
    assert "Reference and amount: 1 matches of 1 lines and 1 postings, 10.00 USD." in out
    assert "Left in USD: 1 lines and 0 postings; bank less books 0.01." in out
    assert "2 lines stored" in progress
    book(alice, 1, "extra")
    assert called()[0] == 0


def test_a_dry_run_stores_nothing_and_speaks_json(
    acme: Company, alice: WalletIdentity, statement: Path
) -> None:
    book(alice, 10_00, "ref-1")
    code, out, _ = called("--file", str(statement), "--dry-run", "--json")
    told: Any = json.loads(out)
    assert (code, told["leftovers"], told["lines"], told["run"]) == (2, 1, 2, None)
    assert told["matched"]["REFERENCE"]["USD"]["amount"] == "1000"
    assert not Item.objects.exists()
    assert not Run.objects.exists()


def test_what_cannot_be_done_is_exit_1_with_the_reason(acme: Company, statement: Path) -> None:
    called("--file", str(statement))
    before = left()
    with pytest.raises(CommandError, match="was loaded on"):
        called("--file", str(statement))
    with pytest.raises(CommandError, match="cannot be read"):
        called("--file", str(statement.parent / "missing"))
    with pytest.raises(CommandError, match="channel nowhere"):
        call_command("reconcile", "--client", "acme", "--channel", "nowhere", stderr=StringIO())
    assert left() == before
