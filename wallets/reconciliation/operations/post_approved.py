"""Post a difference that somebody else has approved, and match what it was for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets import client_names, idempotency
from wallets.operations.post_difference import DifferenceRequest, post_difference
from wallets.reconciliation.errors import ItemsTaken
from wallets.reconciliation.models import (
    SUSPENSE,
    Item,
    ItemStatus,
    Match,
    MatchPart,
    RuleName,
)
from wallets.reconciliation.operations import _taking
from wallets.reconciliation.operations.read_postings import read_postings
from wallets.reconciliation.operations.request_difference import reserve


@dataclass(frozen=True, slots=True)
class ApprovedDifference:
    """What was asked for and approved."""

    approval: UUID
    client: int
    channel: str
    currency: str
    amount: int
    """Minor units, what the bank says less what the books say."""
    turns: dict[UUID, int]
    """The items, and the turn of each."""
    reason: str
    owner: str
    """Who asked for it: the open item on suspense is his."""


def post_approved(*, difference: ApprovedDifference, by: audit.Actor) -> UUID:
    """Move the difference to suspense and match its items; return the journal entry.

    Safe to be run again wherever it was cut off: the approval's id is the movement's key, and the
    items wait for nothing else meanwhile.

    :raises ItemsTaken: if an item was matched before the money moved; nothing is posted then.
    :raises Unavailable: when it is not known to be done; run it again.
    """
    name = client_names.by_number([difference.client])[difference.client]
    if not _is_matched(difference):
        reserve(difference.approval, difference.turns)
    posted = post_difference(
        request=DifferenceRequest(
            client=difference.client,
            client_name=name,
            channel=difference.channel,
            currency=difference.currency,
            amount=difference.amount,
            key=idempotency.approved(difference.client, difference.approval),
            approval=difference.approval,
            reason=difference.reason,
            by=by,
        )
    )
    for channel in (difference.channel, SUSPENSE):
        read_postings(client=difference.client, client_name=name, channel=channel)
    _match(difference, posted.transaction_id, by)
    return posted.transaction_id


def _is_matched(difference: ApprovedDifference) -> bool:
    """Tell whether an earlier try came to its end."""
    id_, turn = next(iter(difference.turns.items()))
    parts = MatchPart.objects.using(PRIMARY).filter(item=id_, turn=turn)
    match = parts.values_list("match_id", flat=True).first()
    found = Match.objects.using(PRIMARY).filter(pk=match).first()
    return found is not None and found.evidence.get("approval") == str(difference.approval)


def _match(difference: ApprovedDifference, entry: UUID, by: audit.Actor) -> None:
    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            if _is_matched(difference):
                return
            rows = Item.objects.using(PRIMARY)
            own = rows.get(entry=entry, channel=difference.channel)
            items = _taking.lock({*difference.turns, own.pk}, needed=ItemStatus.ASKED)
            if any(item.difference != difference.approval for item in items):
                raise ItemsTaken("An item waits for another request.")
            evidence = {"approval": str(difference.approval), "entry": str(entry)}
            new = _taking.NewMatch(
                uuid7(), RuleName.DIFFERENCE, items, evidence, reason=difference.reason
            )
            _taking.match([new], at=clock.now(), by=by.id)
            waiting = rows.filter(entry=entry, channel=SUSPENSE, owner="")
            waiting.update(owner=difference.owner)

    database.run_retrying(body, database.INTERACTIVE, operation="match_difference")
