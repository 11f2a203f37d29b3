"""Match what is open in a channel by its rules, and say what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets.reconciliation import queries, results, rules
from wallets.reconciliation.errors import ItemsTaken
from wallets.reconciliation.models import SUSPENSE, Item, Run, Side
from wallets.reconciliation.operations import _taking
from wallets.reconciliation.operations.load_file import (
    Loaded,
    Progress,
    load_file,
    new_lines,
    read_package,
    sums_of,
)
from wallets.reconciliation.operations.read_postings import read_postings, unread
from wallets.reconciliation.operations.release_items import release_items
from wallets.reconciliation.queries import Sheet
from wallets.reconciliation.rules import Candidate, Doubt, Proposal

MATCHES_A_TRANSACTION: Final = 200


@dataclass(frozen=True, slots=True)
class Channel:
    """A client's channel."""

    client: int
    client_name: str
    name: str


@dataclass(frozen=True, slots=True)
class FileGiven:
    """A file to be loaded before the rules are applied."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to."""

    run: UUID | None
    """None: nothing was stored."""
    loaded: Loaded | None
    result: Mapping[str, Any]
    leftovers: int
    was_stopped: bool = False
    """Before every match was stored."""


@dataclass(frozen=True, slots=True)
class _Storing:
    """How matches are stored, and by whom."""

    run: UUID
    by: audit.Actor
    batch_size: int
    tell: Progress
    enough: Callable[[], bool]


@dataclass(slots=True)
class _Compared:
    sheets: dict[str, Sheet]
    proposals: dict[str, list[Proposal]] = field(default_factory=dict)
    doubts: list[tuple[str, Doubt]] = field(default_factory=list)


def reconcile(
    *,
    channel: Channel,
    by: audit.Actor,
    file: FileGiven | None = None,
    batch_size: int = MATCHES_A_TRANSACTION,
    progress: Progress | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> RunResult:
    """Load a file if one is given, read the books on, match by rules and keep what came out.

    Matches are stored in small transactions: a run that is cut off goes on where it stopped when
    it is run again. What somebody else takes meanwhile is left to him.

    :param enough: asked between two transactions; once it says yes no more matches are stored.

    :raises NotSetUp, FileTooLarge, FileUnreadable, FileLoadedAlready, LineContradicts: as
        `load_file`; the file is then not loaded and nothing is matched.
    """
    tell = progress or (lambda _: None)
    started, run = clock.now(), uuid7()
    setup = queries.setup_of(channel.client, channel.name)
    loaded = None
    if file is not None:
        loaded = load_file(
            client=channel.client,
            channel=channel.name,
            name=file.name,
            content=file.content,
            by=by,
            progress=tell,
        )
    release_items(client=channel.client, channel=channel.name)
    for place in (channel.name, SUSPENSE):
        new = read_postings(client=channel.client, client_name=channel.client_name, channel=place)
        tell(f"{new} postings read of {place}")
    compared = _compare(queries.open_sheets(channel.client, channel.name), setup.rules)
    _spare(compared, queries.taken_apart(channel.client, channel.name))
    storing = _Storing(run, by, batch_size, tell, enough)
    stored = _store_all(compared.proposals, storing)
    _store_all(_cancelled(channel.client), storing)
    compared.proposals = stored
    result = _result(compared)
    leftovers = results.count_left(result["left"])
    _keep(run, channel, loaded, result, leftovers, started, by)
    tell(f"{leftovers} items are left")
    return RunResult(run, loaded, result, leftovers, was_stopped=enough())


def preview(*, channel: Channel, file: FileGiven | None = None) -> RunResult:
    """Tell what `reconcile` would come to, and store nothing.

    :raises NotSetUp, FileTooLarge, FileUnreadable, FileLoadedAlready, LineContradicts: as it does.
    """
    setup = queries.setup_of(channel.client, channel.name)
    sheets = queries.open_sheets(channel.client, channel.name)
    loaded = None
    more: dict[str, Any] = {}
    if file is not None:
        package = read_package(
            client=channel.client, channel=channel.name, name=file.name, content=file.content
        )
        package.refuse_troubles()
        fresh, repeated = new_lines(package)
        loaded = Loaded(uuid7(), len(fresh), len(repeated))
        more = {"file": sums_of(package.contents)}
        for line in fresh:
            candidate = Candidate(uuid7(), line.amount, line.value_date, line.reference)
            sheets.setdefault(line.currency, Sheet()).add(Side.LINE, candidate)
    for item in unread(
        client=channel.client, client_name=channel.client_name, channel=channel.name
    ):
        candidate = Candidate(item.pk, item.amount, item.day, item.reference)
        sheets.setdefault(item.currency, Sheet()).add(Side.POSTING, candidate)
    compared = _compare(sheets, setup.rules)
    _spare(compared, queries.taken_apart(channel.client, channel.name))
    result = _result(compared) | more
    return RunResult(None, loaded, result, results.count_left(result["left"]))


def _compare(sheets: dict[str, Sheet], stored_rules: Mapping[str, Any]) -> _Compared:
    read = rules.read_rules(stored_rules)
    compared = _Compared(sheets)
    for currency, sheet in sorted(sheets.items()):
        found = rules.compare(sheet.lines, sheet.postings, read)
        compared.proposals[currency] = found.proposals
        compared.doubts += [(currency, doubt) for doubt in found.doubts]
    return compared


def _spare(compared: _Compared, apart: set[frozenset[UUID]]) -> None:
    """Leave to people what people have taken apart: a rule would put it together again."""
    for currency, proposals in compared.proposals.items():
        again = [one for one in proposals if frozenset((*one.lines, *one.postings)) in apart]
        compared.proposals[currency] = [one for one in proposals if one not in again]
        compared.doubts += [
            (currency, Doubt(one.rule, one.lines, one.postings, "Somebody took it apart."))
            for one in again
        ]


def _cancelled(client: int) -> dict[str, list[Proposal]]:
    apart = queries.taken_apart(client, SUSPENSE)
    return {
        currency: [
            one
            for one in rules.cancel_out(sheet.postings).proposals
            if frozenset(one.postings) not in apart
        ]
        for currency, sheet in queries.open_sheets(client, SUSPENSE).items()
    }


def _store_all(
    proposals: Mapping[str, Sequence[Proposal]], storing: _Storing
) -> dict[str, list[Proposal]]:
    """Store matches in batches; return those that were made."""
    made: dict[str, list[Proposal]] = {}
    for currency, some in proposals.items():
        made[currency] = []
        for start in range(0, len(some), storing.batch_size):
            if storing.enough():
                return made
            batch = some[start : start + storing.batch_size]
            try:
                _store(batch, storing)
                made[currency] += batch
            except ItemsTaken:
                made[currency] += [one for one in batch if _store_alone(one, storing)]
            storing.tell(f"{start + len(batch)} of {len(some)} matches in {currency} stored")
    return made


def _store_alone(proposal: Proposal, storing: _Storing) -> bool:
    try:
        _store([proposal], storing)
    except ItemsTaken:
        return False
    return True


def _store(batch: Sequence[Proposal], storing: _Storing) -> None:
    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            wanted = {id_ for one in batch for id_ in (*one.lines, *one.postings)}
            items = {item.pk: item for item in _taking.lock(wanted)}
            new = [_new_match(one, items, storing.run) for one in batch]
            _taking.match(new, at=clock.now(), by=storing.by.id)

    database.run_retrying(body, database.INTERACTIVE, operation="match_items")


def _new_match(proposal: Proposal, items: Mapping[UUID, Item], run: UUID) -> _taking.NewMatch:
    members = [items[id_] for id_ in (*proposal.lines, *proposal.postings)]
    return _taking.NewMatch(uuid7(), proposal.rule, members, dict(proposal.evidence), run)


def _result(compared: _Compared) -> dict[str, Any]:
    return {
        "matched": results.matched(compared.proposals, compared.sheets),
        "left": results.left(compared.proposals, compared.sheets),
        "doubts": results.doubts(compared.doubts),
    }


def _keep(
    run: UUID,
    channel: Channel,
    loaded: Loaded | None,
    result: Mapping[str, Any],
    leftovers: int,
    started: datetime,
    by: audit.Actor,
) -> None:
    with transaction.atomic(using=PRIMARY, durable=True):
        Run.objects.using(PRIMARY).create(
            id=run,
            client=channel.client,
            channel=channel.name,
            file=loaded.id if loaded else None,
            result=dict(result),
            leftovers=leftovers,
            started_at=started,
            ended_at=clock.now(),
            by=by.id,
        )
        detail = {"channel": channel.name, "leftovers": leftovers}
        act = audit.Act("reconciliation.run", "reconciliation.run", str(run), detail=detail)
        audit.record(by, act)
