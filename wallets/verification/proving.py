"""Run a proof: of everything, or of what came after a position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from events import queries as told
from events import topic_proof
from ledger import proofs, seal_verification
from ledger import verification as books
from wallet_project.kit import guards
from wallet_project.kit.database import snapshot
from wallets.verification import checks
from wallets.verification.report import Finding, Progress, Report, say
from wallets.verification.seals import check_seals
from wallets.verification.since import check_since


def verify(
    *,
    batch_size: int = 500,
    since: int | None = None,
    deep: bool = False,
    kept: Iterable[Mapping[str, Any]] = (),
    topic: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Check every invariant, a batch of rows at a time; seals since the last sound proof.

    `since` leaves out what no posting after that one has touched, `deep` looks at every seal,
    `kept` are heads of seals from outside, `topic` reads what Kafka tells. Each batch is read in a
    snapshot of its own, so movements may go on meanwhile.

    :raises BrokerUnavailable: if the topic is to be read and cannot be.
    """
    report = Report(since=since, upto=seal_verification.sealed_upto())
    if since is None:
        _check_everything(report, batch_size, progress)
    else:
        check_since(since, report, batch_size=batch_size, progress=progress)
    position = proofs.sound_upto() if since is None else since
    check_seals(report, after=0 if deep else position or 0, kept=kept, progress=progress)
    if topic:
        _check_topic(report, progress)
    _check_guards(report)
    say(progress, "indexes, constraints, triggers and rights checked")
    return report


def _check_everything(report: Report, batch_size: int, progress: Progress | None) -> None:
    archived = told.archived_facts()
    for page in checks.wallet_pages(batch_size):
        with snapshot():
            report.findings.extend(checks.check_wallets(page, report))
        report.wallets += len(page)
        say(progress, f"{report.wallets} wallets checked")
    for entries in books.entry_pages(limit=batch_size):
        with snapshot():
            report.findings.extend(checks.check_entries(entries))
        report.entries += len(entries)
        say(progress, f"{report.entries} journal entries checked")
    for streams in told.stream_pages(page=batch_size):
        report.findings.extend(checks.check_streams(streams))
    report.findings.extend(_check_whole())
    _check_archive(report, archived)
    say(progress, "books as a whole and marks of events checked")


def _check_topic(report: Report, progress: Progress | None) -> None:
    """Hold what Kafka tells against the outbox."""
    reading = topic_proof.Reading()
    for one in topic_proof.check(reading, lambda line: say(progress, line)):
        report.findings.append(Finding(one.invariant, one.subject, one.detail))
    if not reading.is_whole:
        report.notes.append("I7: the topic has forgotten its first records")


def _check_archive(report: Report, archived: int) -> None:
    """Hold what is missing from the outbox against what the archive was given."""
    if told.archived_facts() != archived:
        report.notes.append("I8: events went to the archive meanwhile; they were not counted")
    elif report.archived_events != archived:
        report.findings.append(
            Finding(
                "I8",
                "archive",
                f"wallets lack {report.archived_events} events, the archive holds {archived}",
            )
        )


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
