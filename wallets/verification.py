"""Prove that wallets, books and events tell one story. Runs nightly and after every fault.

The invariants, by the names under which they are reported:

* I1 every journal entry sums to zero, and so does each currency as a whole
* I2 a wallet's balance is its last posting's `balance_after` and the sum of its postings
* I3 an account's postings chain: each balance follows, sequences are 1..n, time never runs back
* I5 no balance was ever below the overdraft limit; a CHECK forbids it where the engine has any
* I6 every movement has its events and every event its movement, of the same time
* I8 a wallet's events are numbered 1..n without a gap, and n is the wallet's version
* I9 what is marked as published has a place of its own in the log, and came after its fact
* I10 a key made one entry, or one refusal, or neither; unique indexes stand behind that
* I18 rows of append-only tables stay as they are: triggers are there, rights to change are not
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

from events import queries as told
from ledger import verification as books
from wallet_project.kit import guards
from wallet_project.kit.database import PRIMARY, snapshot
from wallets.models import Refusal, Wallet

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


def verify(*, batch_size: int = 500, progress: Progress | None = None) -> Report:
    """Check every invariant, a batch of rows at a time.

    Each batch is read in a snapshot of its own, so movements may go on meanwhile.
    """
    report = Report()
    for page in _wallet_pages(batch_size):
        with snapshot():
            report.findings.extend(_check_wallets(page))
        report.wallets += len(page)
        _say(progress, f"{report.wallets} wallets checked")
    for entries in books.entry_pages(limit=batch_size):
        with snapshot():
            report.findings.extend(_check_entries(entries))
        report.entries += len(entries)
        _say(progress, f"{report.entries} journal entries checked")
    for streams in told.stream_pages(page=batch_size):
        report.findings.extend(_check_streams(streams))
    report.findings.extend(_check_whole())
    _say(progress, "books as a whole and marks of events checked")
    _check_guards(report)
    _say(progress, "indexes, constraints, triggers and rights checked")
    return report


def _say(progress: Progress | None, line: str) -> None:
    if progress is not None:
        progress(line)


def _wallet_pages(size: int) -> Iterator[list[UUID]]:
    after = UUID(int=0)
    while True:
        rows = Wallet.objects.using(PRIMARY).filter(pk__gt=after).order_by("pk")
        page = list(rows.values_list("pk", flat=True)[:size])
        if page:
            yield page
        if len(page) < size:
            return
        after = page[-1]


def _check_wallets(page: list[UUID]) -> Iterator[Finding]:
    facts = books.account_facts(page)
    nothing = books.AccountFacts(0, 0, 0, 0, 0, 0, 0)
    streams = told.stream_facts(page)
    for wallet in Wallet.objects.using(PRIMARY).filter(pk__in=page):
        yield from _check_wallet(wallet, facts.get(wallet.pk, nothing))
        yield from _check_sequence(wallet, streams.get(wallet.pk))
    yield from _check_told(page)


def _check_wallet(wallet: Wallet, facts: books.AccountFacts) -> Iterator[Finding]:
    name = str(wallet.pk)
    balances = {wallet.balance, facts.last_balance, facts.total}
    if len(balances) != 1:
        yield Finding(
            "I2",
            name,
            f"wallet says {wallet.balance}, last posting {facts.last_balance}, "
            f"sum of postings {facts.total}",
        )
    if not wallet.posting_sequence == facts.last_sequence == facts.postings:
        yield Finding(
            "I3",
            name,
            f"wallet counts {wallet.posting_sequence} postings, the last is number "
            f"{facts.last_sequence}, there are {facts.postings}",
        )
    if facts.last_version > wallet.version:
        yield Finding("I3", name, f"posted at version {facts.last_version} > {wallet.version}")
    if facts.breaks:
        yield Finding("I3", name, f"{facts.breaks} postings do not follow from the one before")
    if min(facts.lowest_balance, wallet.available - wallet.overdraft_limit) < (
        -wallet.overdraft_limit
    ):
        yield Finding("I5", name, f"the balance was {facts.lowest_balance} at its lowest")


def _check_sequence(wallet: Wallet, stream: told.StreamFacts | None) -> Iterator[Finding]:
    found = stream or told.StreamFacts(0, 0, 0)
    if found != told.StreamFacts(wallet.version, 1, wallet.version):
        yield Finding(
            "I8",
            str(wallet.pk),
            f"{found.events} events have sequences from {found.lowest} to {found.highest}, "
            f"the wallet has version {wallet.version}",
        )


def _check_told(page: list[UUID]) -> Iterator[Finding]:
    """Walk postings and events of the wallets side by side; they must name the same versions."""
    pairs = zip_longest(books.versions_posted(page), told.entry_sequences(page))
    for posted, event in pairs:
        if posted != event:
            yield Finding(
                "I6",
                str((posted or event or page)[0]),
                f"posting (wallet, version, entry, time) {_words(posted)} meets event "
                f"{_words(event)}",
            )
            return  # everything after the first difference would be reported too


def _words(row: tuple[UUID, int, UUID, datetime] | None) -> str:
    return "nothing" if row is None else f"({', '.join(map(str, row))})"


def _check_entries(entries: list[UUID]) -> Iterator[Finding]:
    for finding in books.unbalanced(entries):
        yield Finding(
            "I1",
            str(finding.entry),
            f"{finding.lines} lines in {finding.currencies} currencies sum to {finding.total}",
        )
    keys = books.keys_of(entries)
    refused = Refusal.objects.using(PRIMARY).filter(pk__in=list(keys))
    for key, number in keys.items():
        if number != 1:
            yield Finding("I10", f"key {key.hex()}", f"{number} entries have it")
    for key in refused.values_list("pk", flat=True):
        yield Finding("I10", f"key {bytes(key).hex()}", "it was refused and yet made an entry")


def _check_streams(streams: list[UUID]) -> Iterator[Finding]:
    """Find events that are about no wallet. The event is read first, so a new wallet is there."""
    known = Wallet.objects.using(PRIMARY).filter(pk__in=streams).values_list("pk", flat=True)
    for stream in sorted(set(streams) - set(known)):
        yield Finding("I8", str(stream), "events are told of it, and the wallet does not exist")


def _check_whole() -> Iterator[Finding]:
    for currency, total in books.totals_by_currency().items():
        if total != 0:
            yield Finding("I1", currency, f"all postings sum to {total}")
    for orphan in books.orphans():
        yield Finding("I1", f"posting {orphan}", "its journal entry does not exist")
    for mark in told.false_marks():
        yield Finding("I9", f"event {mark.event}", mark.detail)


def _check_guards(report: Report) -> None:
    """Look at what the database itself does for the invariants."""
    looks: list[tuple[str, Iterable[guards.Gap | guards.Unseen]]] = [
        ("I5", guards.missing_checks()),
        ("I10", guards.missing_uniques()),
        ("I18", guards.missing_triggers()),
        ("I18", guards.excess_rights()),
    ]
    for invariant, found in looks:
        for one in found:
            if isinstance(one, guards.Unseen):
                report.notes.append(f"{invariant}: {one.reason}")
            else:
                report.findings.append(Finding(invariant, f"table {one.table}", one.detail))
