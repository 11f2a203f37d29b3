"""Keeps that the books were proved, by whom and with what outcome."""

from __future__ import annotations

from typing import Final

from ledger.models import LedgerProof
from wallet_project.kit import clock
from wallet_project.kit.database import PRIMARY

FULL: Final = "command:verify_ledger"
"""The only prover that looks at entries and seals as well."""
AUDITOR: Final = "task:auditor"
"""Looks at wallets, each minute."""


def note(prover: str, *, upto: int, findings: int, seconds: int) -> LedgerProof:
    """Keep the outcome of a proof that has just ended; it is sound if nothing was found.

    `prover` is `command:<name>` or `task:<name>`; `upto` the last posting that was looked at.
    """
    proof: LedgerProof = LedgerProof.objects.using(PRIMARY).create(
        at=clock.now(),
        prover=prover,
        upto=upto,
        sound=findings == 0,
        findings=findings,
        seconds=seconds,
    )
    return proof


def latest(prover: str, *, using: str = PRIMARY) -> LedgerProof | None:
    """Return the proof of a prover that ended last, or None where it never proved anything."""
    rows = LedgerProof.objects.using(using).filter(prover=prover).order_by("-pk")
    found: LedgerProof | None = rows.first()
    return found


def sound_upto() -> int | None:
    """Return the posting up to which the last full proof found nothing wrong; None: look at all.

    Nothing is built upon one that found something, nor upon sound ones before it: a proof of what
    came later would be sound again and hide it. What others looked at counts for nothing here.
    """
    proof = latest(FULL)
    return proof.upto if proof is not None and proof.sound else None
