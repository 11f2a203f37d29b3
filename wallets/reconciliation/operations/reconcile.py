"""Match what is open in a channel by its rules, and say what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets.reconciliation import queries, results, rules
from wallets.reconciliation.models import SUSPENSE, Run, Side
from wallets.reconciliation.operations import _storing
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
    for place in (channel.name, SUSPENSE):
        release_items(client=channel.client, channel=place)
        new = read_postings(client=channel.client, client_name=channel.client_name, channel=place)
        tell(f"{new} postings read of {place}")
    compared = _compare(queries.open_sheets(channel.client, channel.name), setup.rules)
    _spare(compared, queries.taken_apart(channel.client, channel.name))
    storing = _storing.Storing(run, by, batch_size, tell, enough)
    stored = _storing.store_all(compared.proposals, storing)
    _storing.clear_suspense(channel.client, storing)
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
