"""A difference between rail and books moves between two house accounts, by the one spine."""

from __future__ import annotations

import pytest

from events.models import OutboxEvent
from ledger.models import JournalEntry, Posting
from tests.people import Company, balance, books_now, fund, wallet_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets import errors, idempotency
from wallets.operations.post_difference import DifferenceRequest, post_difference


def asked(company: Company, amount: int, key: str = "k-1", **more: object) -> DifferenceRequest:
    values = {
        "client": company.id,
        "client_name": company.name,
        "channel": "bank",
        "currency": "USD",
        "amount": amount,
        "key": idempotency.from_header(company.id, key),
        "approval": uuid7(),
        "reason": "the bank has more",
        "by": Actor("staff:8", "bob"),
    }
    return DifferenceRequest(**(values | more))  # type: ignore[arg-type]


def lines() -> dict[str, int]:
    rows = Posting.objects.values_list("account__code", "amount", "sequence", "balance_after")
    assert all(sequence is None and after is None for _, _, sequence, after in rows)
    return {code: amount for code, amount, _, _ in rows}


@pytest.mark.parametrize(("amount", "kind"), [(250, "to_suspense"), (-250, "from_suspense")])
def test_a_difference_is_an_entry_of_two_house_accounts(
    client_acme: Company, amount: int, kind: str
) -> None:
    request = asked(client_acme, amount)
    done = post_difference(request=request)

    entry = JournalEntry.objects.get()
    assert (entry.pk, entry.kind, entry.actor) == (done.transaction_id, kind, "staff:8")
    assert entry.reference == str(request.approval)
    assert lines() == {"acme:suspense:USD": amount, "acme:external:bank:USD": -amount}
    assert not OutboxEvent.objects.exists()
    assert AuditRecord.objects.filter(action="difference.post").count() == 1


def test_a_repeat_is_a_replay_and_another_command_with_the_key_is_refused(
    client_acme: Company,
) -> None:
    request = asked(client_acme, 250)
    first = post_difference(request=request)
    before = books_now()

    again = post_difference(request=request)
    with pytest.raises(errors.KeyReused):
        post_difference(request=asked(client_acme, 251, approval=request.approval))

    assert again == first
    assert books_now() == before
    assert AuditRecord.objects.filter(action="difference.post").count() == 1


def test_no_customer_is_touched(client_acme: Company) -> None:
    alice = wallet_of(client_acme, "alice")
    fund(alice, 10_00)
    post_difference(request=asked(client_acme, -5_00))
    assert balance(alice) == 10_00


def test_nothing_is_no_difference(client_acme: Company) -> None:
    before = books_now()
    with pytest.raises(ValueError, match="no difference"):
        post_difference(request=asked(client_acme, 0))
    assert books_now() == before
