"""What rules propose is stored in small transactions; what is taken stays with its taker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets.reconciliation import queries, rules
from wallets.reconciliation.errors import ItemsTaken
from wallets.reconciliation.models import SUSPENSE, Item
from wallets.reconciliation.operations import _taking
from wallets.reconciliation.operations.load_file import Progress
from wallets.reconciliation.rules import Proposal


@dataclass(frozen=True, slots=True)
class Storing:
    """How matches are stored, and by whom."""

    run: UUID | None
    """None: no run of a channel, but what looks at suspense by the clock."""
    by: audit.Actor
    batch_size: int
    tell: Progress
    enough: Callable[[], bool]


def store_all(
    proposals: Mapping[str, Sequence[Proposal]], storing: Storing
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


def clear_suspense(client: int, storing: Storing) -> int:
    """Match what cancels itself out on a client's suspense; return how many matches were made."""
    apart = queries.taken_apart(client, SUSPENSE)
    cancelled = {
        currency: [
            one
            for one in rules.cancel_out(sheet.postings).proposals
            if frozenset(one.postings) not in apart
        ]
        for currency, sheet in queries.open_sheets(client, SUSPENSE).items()
    }
    return sum(len(some) for some in store_all(cancelled, storing).values())


def _store_alone(proposal: Proposal, storing: Storing) -> bool:
    try:
        _store([proposal], storing)
    except ItemsTaken:
        return False
    return True


def _store(batch: Sequence[Proposal], storing: Storing) -> None:
    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            wanted = {id_ for one in batch for id_ in (*one.lines, *one.postings)}
            items = {item.pk: item for item in _taking.lock(wanted)}
            new = [_new_match(one, items, storing.run) for one in batch]
            _taking.match(new, at=clock.now(), by=storing.by.id)

    database.run_retrying(body, database.INTERACTIVE, operation="match_items")


def _new_match(
    proposal: Proposal, items: Mapping[UUID, Item], run: UUID | None
) -> _taking.NewMatch:
    members = [items[id_] for id_ in (*proposal.lines, *proposal.postings)]
    return _taking.NewMatch(uuid7(), proposal.rule, members, dict(proposal.evidence), run)
