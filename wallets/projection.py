"""What a wallet's row should say by the books, field by field. Pure: no database, no clock.

A row is a copy of the ledger, the holds and the events. What is wrong with the copy can be mended;
what is wrong with the books cannot, and whoever finds that leaves the wallet as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from wallet_project.kit.clock import rfc3339

FIELDS: Final = (
    "balance",
    "held",
    "next_hold_expiry",
    "posting_sequence",
    "last_posted_at",
    "version",
)
"""What is compared, by the names of the row's columns."""

Value = int | datetime | None


class Row(Protocol):
    """A wallet's row, or what was read of it under its lock."""

    @property
    def balance(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def next_hold_expiry(self) -> datetime | None: ...
    @property
    def overdraft_limit(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def posting_sequence(self) -> int: ...
    @property
    def last_posted_at(self) -> datetime | None: ...


class Posted(Protocol):
    """A posting as a part of its account's chain."""

    @property
    def sequence(self) -> int: ...
    @property
    def amount(self) -> int: ...
    @property
    def balance_after(self) -> int | None: ...
    @property
    def version(self) -> int | None: ...
    @property
    def posted_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a wallet's postings have come to; its defect, if they do not follow from each other."""

    balance: int = 0
    sequence: int = 0
    version: int = 0
    posted_at: datetime | None = None
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything about a wallet that its row is a copy of."""

    chain: Chain
    held: int
    """Minor units set aside by active holds."""
    earliest_expiry: datetime | None
    """When the first of them expires; None: none ever does."""
    last_event: int | None
    """The sequence of the wallet's latest event; None: its events may all be in the archive."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of the row that is not what it should be."""

    field: str
    was: Value
    should_be: Value

    def as_dict(self) -> dict[str, int | str | None]:
        """Return plain values, for JSON; amounts in minor units."""
        return {"field": self.field, "was": _plain(self.was), "is": _plain(self.should_be)}

    def __str__(self) -> str:
        return f"{self.field} was {_plain(self.was)}, is {_plain(self.should_be)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about a wallet: nothing, mend it, or leave it alone."""

    differences: tuple[Difference, ...] = ()
    defect: str = ""
    """Why it cannot be mended from the books; empty when it can."""


def follow(chain: Chain, postings: Sequence[Posted]) -> Chain:
    """Walk on from where a chain has come to; stop at the first posting that does not follow."""
    for posting in postings:
        after, version = posting.balance_after, posting.version
        if chain.defect:
            return chain
        if (
            posting.sequence != chain.sequence + 1
            or after != chain.balance + posting.amount
            or version is None
            or version <= chain.version
            or (chain.posted_at is not None and posting.posted_at <= chain.posted_at)
        ):
            return replace(chain, defect=f"posting {posting.sequence} does not follow")
        chain = Chain(after, posting.sequence, version, posting.posted_at)
    return chain


def go_on(proven: Chain, postings: Sequence[Posted]) -> Chain:
    """Walk on from a chain that was proven before; the postings begin with its last one."""
    if proven.defect or not proven.sequence:
        return follow(proven, postings)
    last = postings[0] if postings else None
    if last is None or (last.sequence, last.balance_after, last.version) != (
        proven.sequence,
        proven.balance,
        proven.version,
    ):
        return replace(proven, defect=f"posting {proven.sequence} is not there any more")
    return follow(replace(proven, posted_at=last.posted_at), postings[1:])


def judge(row: Row, evidence: Evidence) -> Verdict:
    """Compare a wallet's row with the books, its holds and its events."""
    if evidence.chain.defect:
        return Verdict(defect=f"The books contradict themselves: {evidence.chain.defect}.")
    if defect := _lost_event(row, evidence):
        return Verdict(defect=defect)
    should = {
        "balance": evidence.chain.balance,
        "held": evidence.held,
        "next_hold_expiry": _expiry(row, evidence),
        "posting_sequence": evidence.chain.sequence,
        "last_posted_at": evidence.chain.posted_at,
        "version": row.version if evidence.last_event is None else evidence.last_event,
    }
    differences = tuple(
        Difference(field, getattr(row, field), should[field])
        for field in FIELDS
        if getattr(row, field) != should[field]
    )
    if differences and evidence.chain.balance - evidence.held < -row.overdraft_limit:
        return Verdict(
            differences,
            f"By the books the balance is {evidence.chain.balance} and {evidence.held} is held: "
            f"below the floor of {-row.overdraft_limit}.",
        )
    return Verdict(differences)


def _lost_event(row: Row, evidence: Evidence) -> str:
    """Tell why the version cannot be known: whatever was given out must not be given out again."""
    posted, last_event = evidence.chain.version, evidence.last_event
    if last_event is None:
        if row.version >= posted:
            return ""
        return (
            f"The version is {row.version}, and the last posting has {posted}: the latest event is "
            "in the archive, and how far it counted is not known."
        )
    known = max(row.version, posted)
    if known <= last_event:
        return ""
    return (
        f"The version is {row.version}, the last posting has {posted}, and the latest event has "
        f"{last_event}: an event is missing, and what it told is not known."
    )


def _expiry(row: Row, evidence: Evidence) -> datetime | None:
    """Tell when a hold may expire first: the row may expect it too early, never too late."""
    earliest, expected = evidence.earliest_expiry, row.next_hold_expiry
    if earliest is None or (expected is not None and expected <= earliest):
        return expected
    return earliest


def _plain(value: Value) -> int | str | None:
    return rfc3339(value) if isinstance(value, datetime) else value
