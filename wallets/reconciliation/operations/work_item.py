"""Say who looks after an item that is left over, by when, and what is known of it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallets.reconciliation.errors import ItemsTaken
from wallets.reconciliation.models import Item, ItemAct, ItemNote, ItemStatus


def assign_item(*, item: UUID, owner: str, due_on: date | None, by: audit.Actor, text: str) -> None:
    """Give an item to somebody, by a date.

    :raises ItemsTaken: if it is matched already.
    """

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            rows = Item.objects.using(PRIMARY).filter(pk=item)
            waiting = rows.exclude(status=ItemStatus.MATCHED)
            if not waiting.update(owner=owner, due_on=due_on):
                raise ItemsTaken("The item is matched; nobody has to look after it.")
            _note(item, ItemAct.ASSIGN, by, text, owner, due_on)
            detail = {"owner": owner, "due_on": due_on.isoformat() if due_on else None}
            act = audit.Act("item.assign", "reconciliation.item", str(item), text, detail)
            audit.record(by, act)

    database.run_retrying(body, database.INTERACTIVE, operation="assign_item")


def note_item(*, item: UUID, by: audit.Actor, text: str) -> None:
    """Write down what is known of an item."""

    def body() -> None:
        with transaction.atomic(using=PRIMARY, durable=True):
            _note(item, ItemAct.NOTE, by, text)
            audit.record(by, audit.Act("item.note", "reconciliation.item", str(item), text))

    database.run_retrying(body, database.INTERACTIVE, operation="note_item")


def _note(
    item: UUID,
    act: ItemAct,
    by: audit.Actor,
    text: str,
    owner: str = "",
    due_on: date | None = None,
) -> None:
    ItemNote.objects.using(PRIMARY).create(
        item_id=item,
        act=act,
        text=text,
        owner=owner,
        due_on=due_on,
        at=clock.now(),
        by=by.name or by.id,
    )
