"""Invariant I4: the seals of the ledger hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from ledger import seal_verification
from wallets import seal_heads
from wallets.verification.report import Finding, Progress, Report, say


def check_seals(
    report: Report, *, after: int, kept: Iterable[Mapping[str, Any]], progress: Progress | None
) -> None:
    """Make the seals of all postings after a position again, and compare heads with what was told.

    The seal in which the position lies is among them, and the one before it is believed.
    """
    found = seal_verification.check(
        after_number=seal_verification.last_seal_within(after),
        progress=lambda line: say(progress, line),
    )
    report.seals = found.seals
    heads = chain(seal_heads.told(), kept)
    for one in (*found.findings, *seal_verification.check_against(heads)):
        report.findings.append(Finding("I4", f"seal {one.seal}", one.detail))
    report.notes += [
        f"I4: why posting {posting} came late and was sealed by seal {seal}"
        for seal, posting in found.late
    ]
