"""Prove that the postings are still those that were sealed (invariant I4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ledger.models import Seal
from ledger.offline_verifier import NO_HASH, Head, seal_differences
from ledger.sealed_rows import head_of, walk
from wallet_project.kit.database import PRIMARY


@dataclass(frozen=True, slots=True)
class SealFinding:
    """A seal that does not hold, and why."""

    seal: int
    detail: str


@dataclass(slots=True)
class SealReport:
    """What came out of looking at seals."""

    seals: int = 0
    postings: int = 0
    findings: list[SealFinding] = field(default_factory=list)
    late: list[tuple[int, int]] = field(default_factory=list)
    """Postings that were sealed late, each with the seal before it: (seal, posting)."""


def sealed_upto() -> int:
    """Return the last posting that a seal covers; 0: none does."""
    newest = Seal.objects.using(PRIMARY).order_by("-pk").values_list("upto", flat=True).first()
    return newest or 0


def last_seal_within(position: int) -> int:
    """Return the number of the newest seal all of whose postings are up to this one; 0: none."""
    rows = Seal.objects.using(PRIMARY).filter(upto__lte=position).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def check(*, after_number: int = 0, progress: Callable[[str], None] = lambda _: None) -> SealReport:
    """Make every seal after one again from the postings, and follow the chain."""
    report = SealReport()
    before = Seal.objects.using(PRIMARY).filter(pk=after_number).defer("marks").first()
    if after_number and before is None:
        report.findings.append(SealFinding(after_number, "it does not exist"))
    previous = None if before is None else head_of(before)
    number = after_number
    for seal, block in walk(after_number):
        head = head_of(seal)
        number += 1
        details = [*_misplaced(head, number, previous)]
        details += seal_differences(head, bytes(seal.marks), block.tally)
        report.findings += [SealFinding(seal.number, detail) for detail in details]
        report.late += [(seal.number, posting) for posting in seal.late]
        report.seals += 1
        report.postings += len(block.postings)
        number, previous = seal.number, head
        if report.seals % 100 == 0:
            progress(f"{report.seals} seals, {report.postings} sealed postings checked")
    progress(f"{report.seals} seals, {report.postings} sealed postings checked")
    return report


def check_against(kept: Iterable[Head]) -> Iterator[SealFinding]:
    """Hold the seals against heads that were told or kept when they were made."""
    page: dict[int, str] = {}
    for head in kept:
        page[int(head["number"])] = str(head["rootHash"])
        if len(page) == 1_000:
            yield from _compare(page)
            page = {}
    yield from _compare(page)


def _misplaced(head: Head, number: int, previous: Head | None) -> Iterator[str]:
    if head["number"] != number:
        yield f"seal {number} is missing before it"
        return
    if head["previousHash"] != (NO_HASH if previous is None else previous["rootHash"]):
        yield "it does not follow from the seal before it: the chain is broken"
    if head["after"] != (0 if previous is None else previous["upto"]):
        yield f"it begins after posting {head['after']}, where the seal before it does not end"


def _compare(page: dict[int, str]) -> Iterator[SealFinding]:
    rows = Seal.objects.using(PRIMARY).filter(pk__in=list(page)).values_list("pk", "root_hash")
    found = {number: bytes(root).hex() for number, root in rows}
    for number, root in sorted(page.items()):
        if number not in found:
            yield SealFinding(number, "its head was told, and it does not exist: it was removed")
        elif found[number] != root:
            yield SealFinding(number, "its head was told with another hash: it was made again")
