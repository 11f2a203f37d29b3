"""Prove what came after a position, each posting by the one before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from events import queries as told
from ledger import settled
from ledger import verification as books
from ledger.verification import PostingFacts
from wallet_project.kit.database import PRIMARY, snapshot
from wallets.models import Wallet
from wallets.verification import checks
from wallets.verification.report import Finding, Progress, Report, say


@dataclass(slots=True)
class _Tail:
    """What the postings of one account after the position say so far."""

    last: PostingFacts
    lowest: int
    untold: list[int]
    """Versions whose event is not in the outbox. It may be in the archive."""


def check_since(
    position: int, report: Report, *, batch_size: int, progress: Progress | None
) -> None:
    """Check the postings after a position, their entries and events, and the wallets they touch."""
    tails: dict[UUID, _Tail] = {}
    postings = 0
    end = settled.end_of_books()
    for page in books.posting_pages(after=position, upto=end, limit=batch_size * 4):
        entries = list({posting.entry for posting in page})
        report.findings.extend(checks.check_entries(entries))
        for entry in sorted(books.missing_entries(entries)):
            report.findings.append(Finding("I1", f"entry {entry}", "it has postings and is none"))
        report.findings.extend(_check_links(page, tails))
        report.entries += len(entries)
        postings += len(page)
        say(progress, f"{postings} postings after {position} checked")
    accounts = iter(sorted(tails))
    while wallets := list(islice(accounts, batch_size)):
        with snapshot():
            report.findings.extend(_check_wallets(wallets, tails))
        report.wallets += len(wallets)
        say(progress, f"{report.wallets} wallets checked")


def _check_links(page: list[PostingFacts], tails: dict[UUID, _Tail]) -> Iterator[Finding]:
    """Follow the chains of the accounts through a page, and look for each posting's event."""
    chained = [posting for posting in page if posting.sequence is not None]
    first: dict[UUID, int] = {}
    for posting in chained:
        if posting.account not in tails:
            first.setdefault(posting.account, posting.sequence or 0)
    before = books.postings_at((account, place - 1) for account, place in first.items())
    events = told.entries_at((p.account, p.version or 0) for p in chained)
    for posting in chained:
        tail = tails.get(posting.account)
        previous = (
            before.get((posting.account, (posting.sequence or 0) - 1))
            if tail is None
            else tail.last
        )
        if not _follows(posting, previous):
            yield Finding(
                "I3",
                str(posting.account),
                f"posting {posting.id} does not follow from the one before",
            )
        balance = posting.balance_after or 0
        if tail is None:
            tail = tails[posting.account] = _Tail(posting, balance, [])
        tail.last, tail.lowest = posting, min(tail.lowest, balance)
        event = events.get((posting.account, posting.version or 0))
        if event is None:
            tail.untold.append(posting.version or 0)
        elif event != (posting.entry, posting.posted_at):
            yield Finding(
                "I6",
                str(posting.account),
                f"posting {posting.id} of entry {posting.entry} at {posting.posted_at} meets "
                f"the event of entry {event[0]} at {event[1]}",
            )


def _follows(posting: PostingFacts, before: PostingFacts | None) -> bool:
    if before is None:
        return posting.sequence == 1 and posting.balance_after == posting.amount
    return (
        posting.sequence == (before.sequence or 0) + 1
        and posting.balance_after == (before.balance_after or 0) + posting.amount
        and (posting.version or 0) > (before.version or 0)
        and posting.posted_at > before.posted_at
    )


def _check_wallets(page: list[UUID], tails: dict[UUID, _Tail]) -> Iterator[Finding]:
    wallets = list(Wallet.objects.using(PRIMARY).filter(pk__in=page))
    last = books.postings_at(
        (wallet.pk, wallet.posting_sequence + more) for wallet in wallets for more in (0, 1)
    )
    streams = told.stream_facts(page)
    has_archive = told.has_archive()
    for wallet in wallets:
        tail = tails[wallet.pk]
        stream = streams.get(wallet.pk, told.StreamFacts(0, 0, 0))
        yield from _check_end(wallet, last)
        if tail.lowest < -wallet.overdraft_limit:
            yield Finding("I5", str(wallet.pk), f"the balance was {tail.lowest} at its lowest")
        yield from checks.check_sequence(wallet, stream, has_archive)
        yield from _check_told(wallet.pk, tail.untold, stream, has_archive)
    yield from checks.check_holds(page)


def _check_end(wallet: Wallet, last: dict[tuple[UUID, int], PostingFacts]) -> Iterator[Finding]:
    name, counted = str(wallet.pk), wallet.posting_sequence
    found = last.get((wallet.pk, counted))
    if found is None or (wallet.pk, counted + 1) in last:
        yield Finding("I3", name, f"wallet counts {counted} postings, which is not the last")
        return
    if found.balance_after != wallet.balance:
        yield Finding(
            "I2", name, f"wallet says {wallet.balance}, last posting {found.balance_after}"
        )
    if (found.version or 0) > wallet.version:
        yield Finding("I3", name, f"posted at version {found.version} > {wallet.version}")


def _check_told(
    wallet: UUID, untold: Iterable[int], stream: told.StreamFacts, has_archive: bool
) -> Iterator[Finding]:
    missing = [
        version
        for version in untold
        if not (has_archive and (stream.events == 0 or version < stream.lowest))
    ]
    if missing:
        yield Finding("I6", str(wallet), f"the posting of version {missing[0]} has no event")
