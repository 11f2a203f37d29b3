"""What must hold of operations, whatever happened to the processes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from events.models import DeadLetter
from ledger.models import JournalEntry, Posting
from tests.integration.events.reading import at_first_sight, read_topic
from tests.stress.operations.sending import Accepted
from wallet_project.kit.database import PRIMARY
from wallets import verification
from wallets.models import Operation, OperationStatus, Refusal, Wallet


@dataclass(frozen=True, slots=True)
class Model:
    """What one pair of hands would have come to, one operation after the other."""

    balances: dict[UUID, int]
    statuses: dict[UUID, int]


def sequential(operations: Sequence[Operation], sink: UUID) -> Model:
    """Do operations one by one, in their order."""
    balances: dict[UUID, int] = defaultdict(int)
    statuses = {}
    for one in operations:
        debit = one.kind != "deposit"
        if debit and one.amount > balances[one.wallet]:
            statuses[one.operation_id] = int(OperationStatus.FAILED)
            continue
        statuses[one.operation_id] = int(OperationStatus.COMPLETED)
        balances[one.wallet] += -one.amount if debit else one.amount
        if one.kind == "transfer":
            balances[sink] += one.amount
    return Model(dict(balances), statuses)


def operations_in_order() -> list[Operation]:
    return list(Operation.objects.using(PRIMARY).order_by("id"))


def settled() -> int:
    """Count the operations that have come to their end."""
    rows = Operation.objects.using(PRIMARY)
    return rows.exclude(status=OperationStatus.PENDING).count()


def everything_is_as_one_after_the_other(accepted: Sequence[Accepted], sink: UUID) -> None:
    """Hold operations, wallets and books against the sequential model and the clients' clock."""
    operations = operations_in_order()
    assert {one.operation_id for one in operations} == {one.operation for one in accepted}
    model = sequential(operations, sink)
    assert {one.operation_id: one.status for one in operations} == model.statuses
    rows = Wallet.objects.using(PRIMARY).values_list("id", "balance")
    found = {wallet: balance for wallet, balance in rows if wallet in model.balances}
    assert found == model.balances
    _posted_once_in_order(operations)
    _acceptance_follows_the_answers(accepted, {one.operation_id: one.id for one in operations})
    refused = [one for one in operations if one.status == OperationStatus.FAILED]
    assert refused, "no operation was refused, so the order proves little"
    assert {one.reason for one in refused} == {"insufficient_funds"}
    assert Refusal.objects.using(PRIMARY).count() == len(refused)
    assert DeadLetter.objects.using(PRIMARY).count() == 0
    assert verification.verify().findings == []


def kafka_tells_operations_in_order() -> None:
    """Hold each wallet's messages, at first sight, to be in the order of acceptance."""
    numbers: Mapping[UUID, int] = dict(
        Operation.objects.using(PRIMARY).values_list("operation_id", "id")
    )
    told: dict[bytes, list[int]] = defaultdict(list)
    for record in read_topic(settings.KAFKA_TOPIC_OPERATIONS):
        operation = UUID(json.loads(record.value)["operationId"])
        if operation in numbers:
            told[record.key].append(numbers[operation])
    assert sum(len(set(found)) for found in told.values()) == len(numbers)
    for found in told.values():
        first = at_first_sight(found)
        assert first == sorted(first)


def _posted_once_in_order(operations: Sequence[Operation]) -> None:
    keys = {bytes(one.idempotency_key): one for one in operations}
    entries = {
        id_: keys[bytes(key)]
        for id_, key in JournalEntry.objects.using(PRIMARY).values_list("id", "idempotency_key")
    }
    completed = [one for one in operations if one.status == OperationStatus.COMPLETED]
    assert len(entries) == len(completed)
    posted: dict[UUID, list[int]] = defaultdict(list)
    rows = Posting.objects.using(PRIMARY).filter(sequence__isnull=False).order_by("sequence")
    for entry, account in rows.values_list("entry_id", "account_id"):
        if entries[entry].wallet == account:
            posted[account].append(entries[entry].id)
    assert sum(map(len, posted.values())) == len(completed)
    for numbers in posted.values():
        assert numbers == sorted(numbers)


def _acceptance_follows_the_answers(
    accepted: Sequence[Accepted], numbers: Mapping[UUID, int]
) -> None:
    latest = 0.0
    for one in sorted(accepted, key=lambda one: numbers[one.operation]):
        assert one.answered > latest, "answered before one in front of it was asked for"
        latest = max(latest, one.asked)
