"""Check pages of wallets and of entries against books and events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice, zip_longest
from typing import Final
from uuid import UUID

from django.db.models import Min, Sum

from events import queries as told
from ledger import verification as books
from wallet_project.kit.database import PRIMARY
from wallets.models import Hold, HoldStatus, Refusal, Wallet
from wallets.verification.report import Finding, Report

_CHUNK: Final = 1_000


def wallet_pages(size: int) -> Iterator[list[UUID]]:
    """Walk the ids of all wallets in pages."""
    after = UUID(int=0)
    while True:
        rows = Wallet.objects.using(PRIMARY).filter(pk__gt=after).order_by("pk")
        page = list(rows.values_list("pk", flat=True)[:size])
        if page:
            yield page
        if len(page) < size:
            return
        after = page[-1]


def check_wallets(page: list[UUID], report: Report) -> Iterator[Finding]:
    """Check a page of wallets against all their postings, events and holds."""
    facts = books.account_facts(page)
    nothing = books.AccountFacts(0, 0, 0, 0, 0, 0, 0)
    streams = told.stream_facts(page)
    has_archive = told.has_archive()
    for wallet in Wallet.objects.using(PRIMARY).filter(pk__in=page):
        yield from _check_wallet(wallet, facts.get(wallet.pk, nothing))
        stream = streams.get(wallet.pk, told.StreamFacts(0, 0, 0))
        if has_archive:
            report.archived_events += wallet.version - stream.events
        yield from check_sequence(wallet, stream, has_archive)
    first = {wallet: stream.lowest for wallet, stream in streams.items()} if has_archive else None
    yield from _check_told(page, first)
    yield from check_holds(page)


def check_some(wallets: Sequence[UUID]) -> list[Finding]:
    """Check some wallets only: I2, I3, I5, I8 and I17, each over the whole of its past.

    Run it in a snapshot, or holding the wallets' locks.
    """
    facts = books.account_facts(wallets)
    nothing = books.AccountFacts(0, 0, 0, 0, 0, 0, 0)
    streams = told.stream_facts(wallets)
    has_archive = told.has_archive()
    findings: list[Finding] = []
    for wallet in Wallet.objects.using(PRIMARY).filter(pk__in=wallets):
        findings += _check_wallet(wallet, facts.get(wallet.pk, nothing))
        stream = streams.get(wallet.pk, told.StreamFacts(0, 0, 0))
        findings += check_sequence(wallet, stream, has_archive)
    return [*findings, *check_holds(list(wallets))]


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


def check_sequence(wallet: Wallet, found: told.StreamFacts, has_archive: bool) -> Iterator[Finding]:
    """Check that a wallet's events are numbered up to its version without a gap."""
    missing = max(wallet.version - found.events, 0) if has_archive else 0
    expected = told.StreamFacts(wallet.version - missing, missing + 1, wallet.version)
    if found.events == 0 and missing:
        return  # all of them are in the archive
    if found != expected:
        yield Finding(
            "I8",
            str(wallet.pk),
            f"{found.events} events have sequences from {found.lowest} to {found.highest}, "
            f"the wallet has version {wallet.version}",
        )


def check_holds(page: list[UUID]) -> Iterator[Finding]:
    """Check that wallets hold what their holds say, and that captures were posted."""
    active = Hold.objects.using(PRIMARY).filter(wallet__in=page, status=HoldStatus.ACTIVE)
    sums = active.values("wallet").annotate(total=Sum("amount"), earliest=Min("expires_at"))
    found = {row["wallet"]: (row["total"], row["earliest"]) for row in sums}
    for wallet in Wallet.objects.using(PRIMARY).filter(pk__in=page):
        total, earliest = found.get(wallet.pk, (0, None))
        if total != wallet.held:
            yield Finding(
                "I17", str(wallet.pk), f"wallet says {wallet.held} is held, its holds say {total}"
            )
        expected = wallet.next_hold_expiry
        if earliest is not None and (expected is None or expected > earliest):
            yield Finding(
                "I17", str(wallet.pk), f"a hold expires at {earliest}, expected is {expected}"
            )
    captured = Hold.objects.using(PRIMARY).filter(wallet__in=page, status=HoldStatus.CAPTURED)
    rows = captured.order_by("pk").values_list("pk", "wallet", "entry", "captured").iterator(_CHUNK)
    while chunk := list(islice(rows, _CHUNK)):
        posted = books.amounts_of([entry for _, _, entry, _ in chunk if entry is not None])
        for hold, holder, entry, amount in chunk:
            if entry is None or posted.get((entry, holder)) != -amount:
                yield Finding("I17", f"hold {hold}", f"{amount} was captured, {entry} differs")


def _check_told(page: list[UUID], first: dict[UUID, int] | None) -> Iterator[Finding]:
    """Walk postings and events of the wallets side by side; they must name the same versions.

    `first` tells from which version on a wallet's events are not in the archive; None: from 1.
    """
    posted_and_kept = (
        posted
        for posted in books.versions_posted(page)
        if first is None or (posted[0] in first and posted[1] >= first[posted[0]])
    )
    pairs = zip_longest(posted_and_kept, told.entry_sequences(page))
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


def check_entries(entries: list[UUID]) -> Iterator[Finding]:
    """Check that entries balance, and that each key made one of them."""
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


def check_streams(streams: list[UUID]) -> Iterator[Finding]:
    """Find events that are about no wallet. The event is read first, so a new wallet is there."""
    known = Wallet.objects.using(PRIMARY).filter(pk__in=streams).values_list("pk", flat=True)
    for stream in sorted(set(streams) - set(known)):
        yield Finding("I8", str(stream), "events are told of it, and the wallet does not exist")
