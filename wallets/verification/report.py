"""What a proof of the ledger reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where an invariant does not hold."""

    invariant: str
    subject: str
    detail: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    wallets: int = 0
    entries: int = 0
    seals: int = 0
    since: int | None = None
    """Only postings after this one were looked at; None: all."""
    upto: int = 0
    """Everything up to this posting was looked at, its seals as well."""
    archived_events: int = 0
    """How many of the wallets' events are no longer in the outbox."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be looked at here, and why."""

    @property
    def is_sound(self) -> bool:
        """Whether every invariant holds."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self) | {"isSound": self.is_sound}


def say(progress: Progress | None, line: str) -> None:
    """Tell how far a proof has come, where somebody listens."""
    if progress is not None:
        progress(line)
