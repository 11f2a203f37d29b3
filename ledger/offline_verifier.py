"""Prove an export of the ledger against heads of seals that were kept elsewhere.

Needs Python 3.11, this one file, the export's folder and the file of heads; no database, no
network, no package:

    python offline_verifier.py [--since-seal N] EXPORT_DIR HEADS_FILE

EXPORT_DIR was made by `manage.py export_ledger`. HEADS_FILE has a head of a seal as JSON on each
line, as `manage.py seal_ledger --heads` and the topic `ledger.seals` give them; any heads help, the
newest proves everything before it. An export of the seals after N is to be asked for.

Exit 0: all holds. Exit 2: differences. Exit 1: it could not look, or no head covers the last seal.

The first half of this file is what a seal is, byte by byte; the service itself seals by it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

Texts = Sequence[str | None]
"""The columns of a row, in the order of `COLUMNS`, as texts; None for NULL."""
Head = Mapping[str, Any]
"""What a seal says, without its marks."""

SEAL_FORMAT: Final = "ledger-seal/1"
EXPORT_FORMAT: Final = "ledger-export/1"
MARK_BYTES: Final = 4
NO_HASH: Final = "00" * 32
"""What the first seal has in place of a previous one's hash."""
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "posting": (
        *("id", "entry_id", "account_id", "amount", "balance_after", "sequence", "version"),
        "posted_at",
    ),
    "entry": (
        *("id", "kind", "idempotency_key", "request_hash", "client", "actor", "reference"),
        *("channel", "note_hash", "reverses", "posted_at", "value_date"),
    ),
    "account": ("id", "code", "client", "currency", "normal_side"),
}
"""Numbers are decimal, ids UUIDs in lower case, digests hex, times RFC 3339 in UTC with
microseconds and `Z`, days `2026-01-31`."""


def packed(texts: Iterable[str | None]) -> bytes:
    """Write texts so that no two lists look alike: `<bytes>:<UTF-8>,` each, `-,` for NULL."""
    parts = []
    for text in texts:
        if text is None:
            parts.append(b"-,")
        else:
            raw = text.encode()
            parts.append(b"%d:%b," % (len(raw), raw))
    return b"".join(parts)


def digest(texts: Texts | None) -> bytes:
    """Digest one row; a row that does not exist has a digest of its own."""
    return hashlib.sha256(b"" if texts is None else packed(texts)).digest()


def leaf(posting: Texts, entry_digest: bytes, account_digest: bytes) -> bytes:
    """Digest a posting together with its entry and its account."""
    return hashlib.sha256(packed(posting) + entry_digest + account_digest).digest()


def mark(leaf_: bytes) -> bytes:
    """Shorten a leaf to what a seal keeps of each posting, to find out which one differs."""
    return leaf_[:MARK_BYTES]


def root_hash(head: Head, leaves: Iterable[bytes]) -> str:
    """Digest all that a seal says, the seal before it and the leaves of its postings, as hex."""
    said = ("number", "after", "upto", "postings", "entries", "sealedAt")
    totals = head["totals"]
    sums = [text for c in sorted(totals) for text in (c, totals[c]["credits"], totals[c]["debits"])]
    rows = hashlib.sha256()
    for one in leaves:
        rows.update(one)
    return hashlib.sha256(
        packed([SEAL_FORMAT, *(str(head[name]) for name in said)])
        + digest(sums)
        + digest([str(posting) for posting in head["late"]])
        + bytes.fromhex(head["previousHash"])
        + rows.digest()
    ).hexdigest()


class Tally:
    """Counts and sums the postings of one seal, in their order."""

    def __init__(self) -> None:
        self.postings: list[str] = []
        self.leaves: list[bytes] = []
        self._entries: set[str | None] = set()
        self._sums: dict[str, list[int]] = {}

    def add(self, posting: Texts, leaf_: bytes, *, currency: str) -> None:
        """Count one posting in."""
        self.postings.append(str(posting[0]))
        self.leaves.append(leaf_)
        self._entries.add(posting[1])
        amount = int(posting[3] or 0)
        sums = self._sums.setdefault(currency, [0, 0])
        sums[0 if amount > 0 else 1] += abs(amount)

    def says(self) -> dict[str, Any]:
        """Return counts and sums as a head has them."""
        return {
            "postings": len(self.leaves),
            "entries": len(self._entries),
            "totals": {
                currency: {"credits": str(sums[0]), "debits": str(sums[1])}
                for currency, sums in sorted(self._sums.items())
            },
        }


def seal_differences(head: Head, marks: bytes | None, tally: Tally) -> list[str]:
    """Tell, a sentence each, where the postings found are not those that were sealed."""
    found = tally.says()
    if root_hash(head, tally.leaves) == head["rootHash"]:
        return []
    range_ = f"({head['after']}, {head['upto']}]"
    differences = [f"its hash does not fit the {found['postings']} postings found in {range_}"]
    for name in ("postings", "entries", "totals"):
        if found[name] != head[name]:
            differences.append(f"it counted {name} {head[name]}, found are {found[name]}")
    told = list(_moved_rows(_cut(marks or b""), [mark(one) for one in tally.leaves], tally))
    if marks is None or not told:
        told = ["which posting differs cannot be told; the seal itself may have been changed"]
    return differences + told


def _cut(marks: bytes) -> list[bytes]:
    return [marks[at : at + MARK_BYTES] for at in range(0, len(marks), MARK_BYTES)]


def _moved_rows(sealed: list[bytes], found: list[bytes], tally: Tally) -> Iterator[str]:
    """Walk what was sealed and what was found side by side, telling rows that are not in both."""
    were, are = set(sealed), set(found)
    at = place = told = 0
    while (at < len(sealed) or place < len(found)) and told < 20:
        old = sealed[at] if at < len(sealed) else None
        new = found[place] if place < len(found) else None
        if old == new:
            at, place = at + 1, place + 1
            continue
        told += 1
        is_gone, is_new = old is not None and old not in are, new is not None and new not in were
        name = tally.postings[place] if new is not None else ""
        if is_gone and is_new and len(sealed) - at == len(found) - place:
            yield f"posting {name}, its entry or its account was changed"
            at, place = at + 1, place + 1
        elif is_new:
            yield f"posting {name} was added, or changed"
            place += 1
        elif is_gone:
            before = tally.postings[place - 1] if place else "the beginning"
            yield f"a posting after {before} was removed"
            at += 1
        else:
            yield f"posting {name or tally.postings[-1]} stands in another place"
            at, place = at + (old is not None), place + (new is not None)


class CannotLook(Exception):
    """The export or the heads cannot be read, so nothing is known about the ledger."""


class Verifier:
    """Walks an export once, from its first seal to its last, and remembers what it sees."""

    def __init__(self, export: Path, heads: Mapping[int, Head], since: int = 0) -> None:
        self._export = export
        self._heads = heads
        self._manifest = _manifest(export)
        self._since = since
        if int(self._manifest["sinceSeal"]) != since:
            raise CannotLook(f"It begins after seal {self._manifest['sinceSeal']}, not {since}.")
        if since and since not in heads:
            raise CannotLook(f"No head of seal {since} was given.")
        self._accounts = {row[0]: row for _, *row in self._lines("accounts.jsonl.gz")}
        self._account_digests = {id_: digest(row) for id_, row in self._accounts.items()}
        self._open: dict[str, tuple[int, int]] = {}
        """Entries whose lines do not sum to zero yet: their lines so far, and the sum."""
        self._last: dict[str, tuple[int, int]] = {}
        """The balance and the sequence of each account's last posting."""
        self.seals = 0
        self.postings = 0
        self.covered, self.range = False, ""
        self.differences: list[str] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Look at everything; what is found stands in `differences` and `notes` afterwards."""
        before: Head = self._heads.get(self._since, {"rootHash": NO_HASH, "upto": 0})
        previous, upto = str(before["rootHash"]), int(before["upto"])
        number = self._since
        for name in self._manifest["files"]:
            if not name.startswith("ledger-"):
                continue
            for seal, tally in self._blocks(name):
                head = seal["head"]
                number += 1
                self._check_place(head, number, previous, upto)
                self._check_head(head, bytes.fromhex(seal["marks"]), tally)
                number, previous = int(head["number"]), str(head["rootHash"])
                upto = int(head["upto"])
        self._check_end(number)

    def _say(self, subject: str, detail: str) -> None:
        self.differences.append(f"{subject}: {detail}.")

    def _check_place(self, head: Head, number: int, previous: str, upto: int) -> None:
        name = f"seal {head['number']}"
        if int(head["number"]) != number:
            self._say(name, f"seal {number} was expected here; seals are missing or stand twice")
        if head["previousHash"] != previous:
            self._say(name, "it does not follow from the seal before it: the chain is broken")
        if int(head["after"]) != upto:
            self._say(
                name, f"it begins after posting {head['after']}, the one before ends at {upto}"
            )

    def _check_head(self, head: Head, marks: bytes, tally: Tally) -> None:
        self.seals += 1
        name = f"seal {head['number']}"
        for detail in seal_differences(head, marks, tally):
            self._say(name, detail)
        for posting in head["late"]:
            self.notes.append(f"{name} sealed posting {posting} late; look why it came late.")
        kept = self._heads.get(int(head["number"]))
        if kept is not None and kept["rootHash"] != head["rootHash"]:
            self._say(name, "it is not the seal whose head was kept outside: it was made again")
            if root_hash(kept, tally.leaves) != kept["rootHash"]:
                self._say(name, "nor do the postings found make the hash of the head kept outside")
                for what in ("postings", "entries", "totals"):
                    if kept[what] != tally.says()[what]:
                        self._say(
                            name,
                            f"the head kept outside counted {what} {kept[what]}, "
                            f"found are {tally.says()[what]}",
                        )

    def _check_end(self, last: int) -> None:
        for number in sorted(number for number in self._heads if number > last):
            self._say(
                f"seal {number}",
                "its head was kept outside and it is not in the export: it was removed, or the "
                "export is older than the heads",
            )
        for entry, (lines, total) in self._open.items():
            self._say(f"entry {entry}", f"its {lines} lines sum to {total}, not to zero")
        newest = max(self._heads, default=0)
        self.covered = self.seals > 0 and newest >= last
        self.range = f"Seals {self._since + 1} to {last}" if self.seals else "No seal"
        if not self.covered:
            self.notes.append(f"After seal {newest} it proves only itself: no head was given.")

    def _blocks(self, name: str) -> Iterator[tuple[Any, Tally]]:
        """Walk the seals of a file, each with its postings counted."""
        seal: Any = None
        tally = Tally()
        entries: dict[str | None, bytes] = {}
        for kind, *row in self._lines(name):
            if kind == "entry":
                entries[row[0]] = digest(row)
            elif kind == "posting":
                self._take(row, entries.get(row[1]), tally)
            elif kind == "seal":
                seal = row[0]
                yield seal, tally
                tally, entries = Tally(), {}
            else:
                raise CannotLook(f"{name} has a line of the unknown kind {kind!r}.")
        if tally.leaves:
            raise CannotLook(f"{name} ends before its last seal.")

    def _take(self, row: list[Any], entry: bytes | None, tally: Tally) -> None:
        self.postings += 1
        account = self._accounts.get(row[2])
        if entry is None:
            self._say(f"posting {row[0]}", "its entry does not exist")
        if account is None:
            self._say(f"posting {row[0]}", "its account does not exist")
        made = leaf(
            row,
            digest(None) if entry is None else entry,
            self._account_digests.get(row[2], digest(None)),
        )
        currency = str(account[3]) if account else "?"
        tally.add(row, made, currency=currency)
        sum_of = f"{row[1]} in {currency}"
        lines, total = self._open.pop(sum_of, (0, 0))
        total += int(row[3])
        if total != 0 or lines == 0:
            self._open[sum_of] = (lines + 1, total)
        if row[5] is not None:
            self._check_chain(row)

    def _check_chain(self, row: list[Any]) -> None:
        posting, _, account, amount, balance, sequence, *_ = row
        known = self._last.get(account)
        if known is None:
            known = (0, 0)
            if self._since:  # what came before is not in the export
                known = (int(balance) - int(amount), int(sequence) - 1)
        if int(sequence) != known[1] + 1:
            self._say(
                f"posting {posting}",
                f"its sequence on account {account} is {sequence}, {known[1] + 1} was expected",
            )
        if int(balance) != known[0] + int(amount):
            self._say(
                f"posting {posting}",
                f"the balance of account {account} after it is "
                f"{balance}, {known[0]} and {amount} make {known[0] + int(amount)}",
            )
        self._last[account] = (int(balance), int(sequence))

    def _lines(self, name: str) -> Iterator[list[Any]]:
        if name not in self._manifest["files"]:
            raise CannotLook(f"The manifest does not name {name}.")
        try:
            with gzip.open(self._export.joinpath(name), "rb") as file:
                seen = hashlib.sha256()
                for line in file:
                    seen.update(line)
                    yield json.loads(line)
        except (OSError, EOFError, ValueError) as error:
            raise CannotLook(f"{name} cannot be read: {error}") from error
        if seen.hexdigest() != self._manifest["files"][name]:
            raise CannotLook(f"{name} is not as it was exported: its SHA-256 differs.")


def _manifest(export: Path) -> dict[str, Any]:
    try:
        found = json.loads(export.joinpath("manifest.json").read_bytes())
    except (OSError, ValueError) as error:
        raise CannotLook(f"The manifest of the export cannot be read: {error}") from error
    if found.get("format") != EXPORT_FORMAT:
        raise CannotLook(f"This is no {EXPORT_FORMAT}: {found.get('format')}")
    return dict(found)


def read_heads(file: Path) -> dict[int, Head]:
    """Read heads by their numbers, one on each line; other fields and empty lines do not matter.

    :raises CannotLook: if a line is no head, or two of a number differ.
    """
    found: dict[int, Head] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        for line in filter(str.strip, lines):
            head = json.loads(line)
            number = int(head["number"])
            if found.setdefault(number, head)["rootHash"] != head["rootHash"]:
                raise CannotLook(f"{file} has two heads of seal {number} that differ.")
            root_hash(head, ())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotLook(f"{file} is no file of heads: {error!r}") from error
    return found


def main(arguments: Sequence[str]) -> int:
    """Verify an export and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("export", type=Path, help="folder made by `manage.py export_ledger`")
    parser.add_argument("heads", type=Path, help="file of heads that were kept elsewhere")
    parser.add_argument("--since-seal", type=int, default=0, help="the export begins after it")
    options = parser.parse_args(arguments)
    out, err = sys.stdout.write, sys.stderr.write
    try:
        verifier = Verifier(options.export, read_heads(options.heads), options.since_seal)
        verifier.run()
    except (CannotLook, KeyError, IndexError, TypeError, ValueError) as error:
        err(f"Nothing is proven: {error}\n")
        return 1
    for note in verifier.notes:
        err(f"{note}\n")
    for difference in verifier.differences:
        out(f"{difference}\n")
    verdict = "all hold" if verifier.covered else "nothing differs, which proves nothing"
    if verifier.differences:
        verdict = f"{len(verifier.differences)} differences"
    out(f"{verifier.range}, {verifier.postings} postings: {verdict}.\n")
    return 2 if verifier.differences else 0 if verifier.covered else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
