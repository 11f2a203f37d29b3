"""Write the sealed books to files that anybody can prove, without us (`offline_verifier.py`).

Accounts, entries and postings without personal text, as compressed JSON lines. Files come under
other names first; the manifest, without which nobody reads them, comes last. So an export is whole
or is none, and a run that was killed is begun again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ledger.models import Seal
from ledger.offline_verifier import COLUMNS, EXPORT_FORMAT
from ledger.sealed_rows import Block, accounts, head_of, walk
from wallet_project.kit.clock import now, rfc3339

POSTINGS_A_FILE: Final = 50_000
MANIFEST: Final = "manifest.json"
_PART: Final = ".part"


class ExportStopped(Exception):
    """The export was told to stop before its end."""


@dataclass(slots=True)
class Exported:
    """What was written."""

    seals: int = 0
    postings: int = 0
    accounts: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """Names, each with the SHA-256 of what is in the file before it is compressed."""


def export(
    folder: Path,
    *,
    since_seal: int = 0,
    postings_a_file: int = POSTINGS_A_FILE,
    enough: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Write all that is sealed after a seal, with all accounts, to a folder.

    :raises ExportStopped: if `enough()` before the end; the folder then holds no export.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath(MANIFEST).unlink(missing_ok=True)
    done = Exported()
    seals = walk(since_seal)
    while lines := _next_file(seals, done, postings_a_file):
        name = f"ledger-{len(done.files) + 1:06}.jsonl.gz"
        done.files[name] = _write(folder.joinpath(name), lines)
        progress(f"{done.seals} seals, {done.postings} postings written")
        if enough():
            raise ExportStopped(f"Stopped after {done.postings} postings; begin again.")
    # After the postings: an account is older than any of its postings.
    done.files["accounts.jsonl.gz"] = _write(
        folder.joinpath("accounts.jsonl.gz"), _account_lines(done)
    )
    manifest = {
        "format": EXPORT_FORMAT,
        "madeAt": rfc3339(now()),
        "sinceSeal": since_seal,
        "seals": done.seals,
        "postings": done.postings,
        "accounts": done.accounts,
        "columns": COLUMNS,
        "files": done.files,
    }
    part = folder.joinpath(MANIFEST + _PART)
    part.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    part.rename(folder.joinpath(MANIFEST))
    return done


def _next_file(seals: Iterator[tuple[Seal, Block]], done: Exported, limit: int) -> list[list[Any]]:
    """Collect the lines of the next file: whole seals, none split."""
    lines: list[list[Any]] = []
    postings = 0
    for seal, block in seals:
        lines += [["entry", *row] for row in block.entries.values()]
        lines += [["posting", *row] for row in block.postings]
        lines.append(["seal", {"head": head_of(seal), "marks": bytes(seal.marks).hex()}])
        postings += len(block.postings)
        done.seals += 1
        if postings >= limit:
            break
    done.postings += postings
    return lines


def _account_lines(done: Exported) -> Iterator[list[Any]]:
    for row in accounts():
        done.accounts += 1
        yield ["account", *row]


def _write(file: Path, lines: Iterable[list[Any]]) -> str:
    part = file.with_name(file.name + _PART)
    seen = hashlib.sha256()
    with gzip.open(part, "wb", compresslevel=3) as out:
        for line in lines:
            raw = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            seen.update(raw)
            out.write(raw)
    part.rename(file)
    return seen.hexdigest()
