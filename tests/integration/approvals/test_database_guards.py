"""What no shell and no wrong code gets past: the database's own rules about requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connections

from tests import databases
from tests.integration.approvals.desk import DEEDS, asked
from wallet_project.kit.append_only import AppendOnlyViolation
from wallet_project.kit.audit import Actor
from wallet_project.kit.models import AuditRecord
from wallets.approvals import errors, queries
from wallets.approvals.models import MOVES, Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.reject import reject

FROZEN = sorted(
    {str(f.column) for f in Approval._meta.concrete_fields} - set(Approval.changing_columns)
)
OTHER: dict[str, Any] = {
    "id": b"\1" * 16,
    "payload_hash": b"\1" * 32,
    "client": 7,
    "amount_minor": 1,
    "requested_by": 1_000_000,
    "requested_at": "2020-01-01 00:00:00",
    "expires_at": "2090-01-01 00:00:00",
}


def run(sql: str, values: list[Any]) -> int:
    """Run a statement as the owner of the tables."""
    with connections[databases.owner()].cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def write(approval: Approval, **columns: Any) -> int:
    """Write columns past all code."""
    sets = ", ".join(f"{name} = %s" for name in columns)
    return run(
        f"UPDATE approvals_approval SET {sets} WHERE id = %s",
        [*columns.values(), approval.pk.bytes],
    )


def decided(number: int, **more: Any) -> dict[str, Any]:
    return {
        "status": "APPROVED",
        "decided_by": number,
        "decided_by_name": "x",
        "decided_at": "2026-01-01 00:00:00",
    } | more


@pytest.mark.parametrize("column", FROZEN)
def test_what_is_asked_for_is_frozen(maker: Actor, column: str) -> None:
    made = asked(maker, amount=500, currency="USD")
    with pytest.raises(DatabaseError, match="frozen"):
        write(made, **{column: OTHER.get(column, "EUR")})
    with pytest.raises(AppendOnlyViolation, match=column):
        Approval.objects.filter(pk=made.pk).update(**{column: OTHER.get(column, "EUR")})
    assert queries.get(made.pk).payload == made.payload


def test_a_letter_of_another_case_is_another_letter(maker: Actor) -> None:
    made = asked(maker)
    with pytest.raises(DatabaseError, match="frozen"):
        write(made, ticket="desk-1")


def test_nobody_approves_his_own_request_by_raw_sql(maker: Actor) -> None:
    made = asked(maker)
    with pytest.raises(DatabaseError, match=r"own request|approval_by_another_person"):
        write(made, **decided(made.requested_by))
    with pytest.raises(DatabaseError, match=r"own request|approval_by_another_person"):
        write(made, **decided(made.requested_by, status="REJECTED"))
    assert queries.get(made.pk).status == Status.PENDING


def test_no_request_begins_decided_and_none_is_deleted(maker: Actor) -> None:
    made = asked(maker)
    with pytest.raises(DatabaseError, match="are kept"):
        run("DELETE FROM approvals_approval WHERE id = %s", [made.pk.bytes])
    with pytest.raises(AppendOnlyViolation):
        Approval.objects.all().delete()
    for wrong in (
        {"status": Status.APPROVED, "decided_by": 99},
        {"reason": ""},
        {"ticket": ""},
        {"amount_minor": -1},
        {"expires_at": made.requested_at - timedelta(seconds=1)},
    ):
        row = queries.get(made.pk)
        row.pk = type(row.pk)(int=row.pk.int + 1)
        for name, value in wrong.items():
            setattr(row, name, value)
        with pytest.raises(DatabaseError):
            row.save(force_insert=True)
    assert Approval.objects.count() == 1


def test_an_approval_in_the_past_of_its_end_counts_and_a_later_one_does_not(maker: Actor) -> None:
    made = asked(maker)
    late = made.expires_at.strftime("%Y-%m-%d %H:%M:%S.%f")
    with pytest.raises(DatabaseError, match="time to approve"):
        write(made, **decided(1_000_000, decided_at=late))


@pytest.mark.parametrize("start", list(Status))
@pytest.mark.parametrize("end", list(Status))
def test_a_request_goes_only_the_ways_that_there_are(
    maker: Actor, start: Status, end: Status
) -> None:
    made = asked(maker)
    for step in _way_to(start):
        write(made, **_columns(step))
    allowed = start == end or end in MOVES.get(start, ())
    try:
        write(made, **_columns(end))
        went = True
    except DatabaseError:
        went = False
    assert went == allowed


def _way_to(status: Status) -> list[Status]:
    if status == Status.PENDING:
        return []
    if status in MOVES[Status.PENDING]:
        return [status]
    return [Status.APPROVED, status]


def _columns(status: Status) -> dict[str, Any]:
    if status in (Status.PENDING, Status.EXPIRED, Status.WITHDRAWN):
        return {"status": status.value}
    return decided(1_000_000, status=status.value)


def test_a_decision_and_what_came_of_it_are_final(maker: Actor, checker: Actor) -> None:
    made = asked(maker)
    approve(approval=made.pk, by=checker)
    for columns in (
        {"decided_by": 1_000_000},
        {"decision_note": "another"},
        {"allowed": "more"},
        {"decided_at": "2020-01-01 00:00:00"},
    ):
        with pytest.raises(DatabaseError, match="final"):
            write(made, **columns)
    for more in ({"outcome": "another"}, {"failure": "x"}, {"transaction_id": b"\1" * 16}):
        with pytest.raises(DatabaseError, match="final"):
            write(made, **more)


def test_a_row_that_was_altered_is_refused_and_alarmed(
    maker: Actor, checker: Actor, without_trigger: None, caplog: pytest.LogCaptureFixture
) -> None:
    made = asked(maker, amount=500, currency="USD")
    write(made, amount_minor=50_000)

    with pytest.raises(errors.ApprovalAltered):
        approve(approval=made.pk, by=checker)

    assert (queries.get(made.pk).status, DEEDS.done) == (Status.PENDING, [])
    assert "approvals.altered" in caplog.text
    assert AuditRecord.objects.filter(action="approval.altered", subject=str(made.pk)).exists()
    assert reject(approval=made.pk, by=checker, note="altered").status == Status.REJECTED


def test_a_row_that_is_altered_after_the_decision_has_no_effect(
    maker: Actor, checker: Actor, without_trigger: None
) -> None:
    made = asked(maker, amount=500, currency="USD")
    DEEDS.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        approve(approval=made.pk, by=checker)
    write(made, payload='{"what":"that"}')

    from wallets.approvals.operations.carry_out_due import carry_out_due

    assert carry_out_due(rested=timedelta(0)) == 1
    assert (queries.get(made.pk).status, DEEDS.done) == (Status.FAILED, [])
