"""Rows of any model, made of nothing but its fields: for pages that have to show some."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import models

from tests.databases import KEPT
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.fields import BinaryUUIDField, DigestField, WideIntegerField

NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)

SPECIAL: Final[dict[str, Any]] = {
    "wallets.operation.kind": "deposit",
    "events.outboxevent.payload": b'{"walletId": "1"}',
    "events.deadletter.headers": b"[]",
    "events.deadletter.value": b"{}",
    "fraud.fraudalert.evidence": {"numbers": {"count": 3}, "events": []},
    "reconciliation.run.result": {"matched": {}, "left": {}, "doubts": []},
    "reconciliation.statementfile.sums": {},
    "reconciliation.statementfile.repeated": [],
    "notifications.contact.kinds": ["money_in"],
    "exports.exportjob.kind": "statement",
    "exports.exportjob.format": "csv",
    "exports.monthlystatements.format": "csv",
    # It takes two people.
    "periods.reopening.approved_by": "staff:2",
    # A request begins undecided and ends after it begins.
    "approvals.approval.status": "PENDING",
    "approvals.approval.decided_by": None,
    "approvals.approval.decided_at": None,
    "approvals.approval.finished_at": None,
    "approvals.approval.transaction_id": None,
    "approvals.approval.expires_at": NOON + timedelta(days=365),
}
"""Values that a page reads more out of than the column's type tells."""

_to_be_removed: Final[list[models.Model]] = []


def fill(model: type[models.Model], count: int, **given: Any) -> list[Any]:
    """Insert so many rows, each with parents of its own."""
    first = model._default_manager.using(PRIMARY).count() + 1
    made = [_row(model, number, given) for number in range(first, first + count)]
    if model._meta.db_table in KEPT:
        _to_be_removed.extend(made)
    return made


def remove_what_is_kept() -> None:
    """Take out the rows of tables that are not emptied between tests."""
    while _to_be_removed:
        _to_be_removed.pop().delete()


def _row(model: type[models.Model], number: int, given: dict[str, Any]) -> Any:
    values = dict(given)
    for field in model._meta.concrete_fields:
        if field.name not in values and not _made_by_database(field):
            values[field.name] = _value(model, field, number)
    return model._default_manager.using(PRIMARY).create(**values)


def _made_by_database(field: Any) -> bool:
    return isinstance(field, models.AutoField) or getattr(field, "generated", False)


def _value(model: type[models.Model], field: Any, number: int) -> Any:
    for name in (f"{model._meta.label_lower}.{field.name}", field.name):
        if name in SPECIAL:
            return SPECIAL[name]
    if isinstance(field, models.ForeignKey):
        return _parent(field.related_model)
    if field.name == "currency":
        # A rule has one of its own for each; money has to be written in one that there is.
        return f"{number:03d}" if model._meta.db_table in KEPT else "USD"
    if field.choices:
        return field.choices[0][0]
    return _plain(field, number)


def _parent(model: type[models.Model]) -> Any:
    rows = model._default_manager.using(PRIMARY)
    if model._meta.db_table in KEPT:
        return rows.order_by("pk").first()
    return _row(model, rows.count() + 1, {})


def _plain(field: Any, number: int) -> Any:
    if isinstance(field, (BinaryUUIDField, models.UUIDField)):
        return uuid.UUID(int=number)
    if isinstance(field, DigestField):
        return number.to_bytes(32, "big")
    if isinstance(field, models.BinaryField):
        return str(number).encode()
    if isinstance(field, models.DateTimeField):
        return NOON + timedelta(seconds=number)
    if isinstance(field, models.DateField):
        return NOON.date()
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.GenericIPAddressField):
        return "192.0.2.1"
    if isinstance(field, (models.IntegerField, WideIntegerField)):
        return number
    return f"x{number}"[: field.max_length or 100]
