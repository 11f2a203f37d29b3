"""Statements proven later: by the service, and by one file that runs anywhere."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from ledger import sealing, settled, statement_verifier
from ledger.models import Posting
from ledger.statement_verifier import Head, Line, Tail
from tests import databases, outages, tampering
from tests.statements import from_json
from wallets.exports import figures, issuing
from wallets.exports.formats import json_file, known
from wallets.exports.models import Format, IssuedStatement
from wallets.identity import WalletIdentity


@pytest.fixture
def row(alice: WalletIdentity, history: int) -> IssuedStatement:
    """The statement of all that Alice did."""
    return issuing.issue(figures.look(alice, since=None, before=None), by="key:test")


def written(row: IssuedStatement, format_: Format, folder: Path) -> Path:
    path = folder / f"statement.{format_.value}"
    _, body = known.render(issuing.range_of(row), issuing.printed(row), format_)
    path.write_bytes(body)
    return path


def outside(*arguments: Any) -> tuple[int, str]:
    """Run a copy of the verifier where neither Django nor the project can be imported."""
    folder = Path(str(arguments[-1])).parent / "elsewhere"
    folder.mkdir(exist_ok=True)
    program = shutil.copy(statement_verifier.__file__, folder / "verifier.py")
    ended = subprocess.run(
        [sys.executable, "-I", "-S", program, *map(str, arguments)],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode, ended.stdout + ended.stderr


def inside(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str]:
    """Run it here, which is faster."""
    code = statement_verifier.main([str(one) for one in arguments])
    return code, capsys.readouterr().out


def digest(row: IssuedStatement) -> str:
    return bytes(row.sha256).hex()


@pytest.fixture
def books(row: IssuedStatement, tmp_path: Path) -> Path:
    """An export of the sealed books."""
    sealing.seal(upto=settled.end_of_books(), size=16, tell=lambda head: None)
    call_command("export_ledger", out=tmp_path / "books", stdout=StringIO(), stderr=StringIO())
    return tmp_path / "books"


def changed(books: Path, change: Callable[[list[Any]], None], *, name: str = "") -> None:
    """Change lines of an export, and the manifest so that it does not show."""
    manifest = json.loads((books / "manifest.json").read_text())
    for file in [name] if name else list(manifest["files"]):
        packed = (books / file).read_bytes()
        rows = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
        for one in rows:
            change(one)
        raw = b"".join(json.dumps(one).encode() + b"\n" for one in rows)
        (books / file).write_bytes(gzip.compress(raw))
        manifest["files"][file] = hashlib.sha256(raw).hexdigest()
    (books / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("format_", [Format.JSON, Format.CSV])
def test_what_was_issued_holds_anywhere(
    row: IssuedStatement, books: Path, tmp_path: Path, format_: Format
) -> None:
    file = written(row, format_, tmp_path)
    code, told = outside("--sha256", digest(row), "--export", books, file)
    assert (code, told) == (0, f"Statement {row.pk}, 33 lines: all holds.\n")
    assert "proves only itself" in outside(file)[1]


@pytest.mark.parametrize("format_", [Format.JSON, Format.CSV])
def test_one_changed_digit_fails_and_names_the_line(
    row: IssuedStatement, tmp_path: Path, format_: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(row, format_, tmp_path)
    text, rng = file.read_text(encoding="utf-8"), random.Random(4)
    begin = text.index("\nline,") if format_ == Format.CSV else text.index('"lines":[')
    end = text.index("\nfact,,,,,closing") if format_ == Format.CSV else text.index('"closingBal')
    digits = [
        place for place in range(begin, end) if text[place].isascii() and text[place].isdigit()
    ]
    for place in rng.sample(digits, 150):
        digit = rng.choice("123456789".replace(text[place], ""))
        file.write_text(text[:place] + digit + text[place + 1 :], encoding="utf-8", newline="")
        code, told = inside(capsys, file)
        number = len(re.findall(r"\nline," if format_ == Format.CSV else r"\n\{", text[:place]))
        assert code == 2, text[place - 40 : place + 40]
        assert f"line {number} (" in told


@pytest.mark.parametrize("name", ["openingBalance", "closingBalance", "issuedAt", "totalDebits"])
def test_what_stands_around_the_lines_is_covered_too(
    row: IssuedStatement, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(row, Format.JSON, tmp_path)
    said = json.loads(file.read_text())
    said[name] = re.sub(r"\d", lambda found: str((int(found[0]) + 1) % 10), said[name], count=1)
    file.write_text(json.dumps(said))
    code, told = inside(capsys, file)
    assert code == 2
    assert "hash: the file says" in told


def test_who_makes_the_hash_anew_is_found_by_the_one_kept_elsewhere(
    row: IssuedStatement, tmp_path: Path, books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line for piece in figures.pieces(issuing.range_of(row)) for line in piece]
    lines[4] = lines[4]._replace(reference="somebody else")
    said = issuing.printed(row)
    link = statement_verifier.begin(said.head)
    for line in lines:
        link = statement_verifier.chain(link, statement_verifier.leaf(line))
    forged = issuing.Issued(said.head, said.tail, statement_verifier.finish(link, said.tail))
    writer = json_file.StatementJson(forged)
    file = tmp_path / "forged.json"
    file.write_bytes(writer.begin() + writer.add(lines, after=0) + writer.end())
    assert inside(capsys, file)[0] == 0
    code, told = inside(capsys, "--sha256", digest(row), file)
    assert (code, "kept elsewhere" in told) == (2, True)
    code, told = inside(capsys, "--export", books, file)
    assert code == 2
    assert "line 5 (sequence 5, " in told
    assert "its reference is somebody else, the books have" in told


@pytest.mark.parametrize("column", [3, 4, 5])
def test_one_changed_digit_of_an_exported_posting_names_the_line(
    alice: WalletIdentity,
    row: IssuedStatement,
    books: Path,
    tmp_path: Path,
    column: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Amount, balance and sequence of the seventh."""

    def change(one: list[Any]) -> None:
        kind, *values = one
        if kind == "posting" and values[2] == str(alice.id) and values[5] == "7":
            text = str(values[column])
            one[column + 1] = text[:-1] + str((int(text[-1]) + 1) % 10)

    file = written(row, Format.CSV, tmp_path)
    changed(books, change)
    code, told = inside(capsys, "--export", books, file)
    assert code == 2
    assert "line 7 (sequence 7, " in told


def test_an_export_that_was_changed_without_its_manifest_is_told(
    row: IssuedStatement, books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = (books / "manifest.json").read_text()
    changed(books, lambda one: one.append("x") if one[0] == "account" else None)
    (books / "manifest.json").write_text(manifest)
    code, told = inside(capsys, "--export", books, written(row, Format.CSV, tmp_path))
    assert code == 2
    assert "export, accounts.jsonl.gz: it is not as it was exported" in told


def test_an_export_that_ends_before_the_statement_proves_nothing(
    row: IssuedStatement, books: Path, tmp_path: Path, alice: WalletIdentity
) -> None:
    def shorten(one: list[Any]) -> None:
        if one[0] == "posting" and one[3] == str(alice.id) and int(one[6]) > 20:
            one[3] = str(row.pk)

    changed(books, shorten)
    code, told = outside("--export", books, written(row, Format.CSV, tmp_path))
    assert code == 1
    assert "ends at posting 20 of the wallet, the statement at 33" in told
    (tmp_path / "not.csv").write_text("a,b\n1,2\n")
    assert outside(tmp_path / "not.csv")[0] == 1


def test_the_service_finds_that_the_books_were_changed(
    alice: WalletIdentity, row: IssuedStatement
) -> None:
    assert issuing.verify(row) == []
    out = StringIO()
    call_command("verify_statement", str(row.pk), stdout=out, stderr=StringIO())
    assert "holds" in out.getvalue()
    changed_ = Posting.objects.get(account_id=alice.id, sequence=12)
    tampering.by_hand(
        "UPDATE ledger_posting SET amount = amount + 1 WHERE id = %(id)s", id=changed_.pk
    )
    if databases.is_mysql():
        outages.catch_up()  # it reads from the replica
    differences = " ".join(issuing.verify(row))
    assert "line 12 (sequence 12, " in differences
    assert "the books make" in differences
    for arguments in ([str(row.pk)], ["--wallet", str(alice.id)], ["--all"]):
        with pytest.raises(SystemExit) as ended:
            call_command("verify_statement", *arguments, stdout=StringIO(), stderr=StringIO())
        assert ended.value.code == 2


def test_the_lines_of_any_time_lead_from_opening_to_closing(
    alice: WalletIdentity, history: int
) -> None:
    times = list(
        Posting.objects.filter(account_id=alice.id)
        .order_by("sequence")
        .values_list("posted_at", flat=True)
    )
    rng = random.Random(5)
    for _ in range(60):
        since, before = sorted(rng.sample([None, *times, None], 2), key=lambda t: t or times[0])
        if since == before and since is not None:
            continue
        first = times.index(since) + 1 if since else 1
        last = times.index(before) if before and before is not since else history
        within = figures.look(alice, since=since, before=before if before is not since else None)
        row = issuing.issue(within, by="key:test")
        _, body = known.render(within, issuing.printed(row), Format.JSON)
        told = from_json(body)
        assert [line[0] for line in told.lines] == list(range(first, last + 1))
        assert told.opening + sum(line[2] for line in told.lines) == told.closing
        assert told.credits - told.debits == told.closing - told.opening
        balance = told.opening
        for _, _, amount, after in told.lines:
            balance += amount
            assert balance == after
        assert issuing.verify(row) == []
    assert isinstance(balance, Decimal)


def test_the_hash_is_what_the_document_says() -> None:
    """Bytes that were written by hand: who changes them changes every statement there is."""
    head = Head("n", "w", "USD", None, "t", "i", "1", "1", "0.00")
    line = Line("1", "p", "d", "t", "DEPOSIT", "für", "1.00", "1.00")
    tail = Tail("1.00", "1", "1.00", "0.00")
    first = hashlib.sha256(
        b"18:wallet-statement/1,1:n,1:w,3:USD,-,1:t,1:i,1:1,1:1,4:0.00,"
    ).digest()
    leaf = hashlib.sha256("1:1,1:p,1:d,1:t,7:DEPOSIT,4:für,4:1.00,4:1.00,".encode()).digest()
    link = hashlib.sha256(first + leaf).digest()
    made = hashlib.sha256(link + b"4:1.00,1:1,4:1.00,4:0.00,").hexdigest()
    assert statement_verifier.begin(head) == first
    assert statement_verifier.leaf(line) == leaf
    assert statement_verifier.finish(statement_verifier.chain(first, leaf), tail) == made
    assert statement_verifier.mark(leaf) == leaf.hex()[:8]
