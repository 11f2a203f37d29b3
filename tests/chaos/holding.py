"""What must be true of wallets whose money was held, paid out, and moved afterwards."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from tests.chaos.clients import OPENING
from tests.chaos.journal import Journal
from tests.chaos.sql_checks import ask
from tests.stress.faults.books import Books
from tests.stress.faults.journal import Outcome
from wallets.payouts.sandbox import Ledger

_DONE = 2


def everything_has_ended(url: str) -> bool:
    """Tell whether no payout and no accepted operation is under way."""
    ((payouts,),) = ask(
        url, "SELECT COUNT(*) FROM wallets_payout WHERE status NOT IN ('PAID', 'REFUSED')"
    )
    ((operations,),) = ask(url, "SELECT COUNT(*) FROM wallets_operation WHERE processed_at IS NULL")
    return not payouts and not operations


def payouts_are_paid_once_or_not(journal: Journal, url: str, gateway: Ledger) -> None:
    """Each acknowledged payout ended as the gateway says, and the gateway knows of no other."""
    rows = ask(
        url,
        "SELECT p.id, p.status, h.status, h.amount FROM wallets_payout p"
        " JOIN wallets_hold h ON h.id = p.id",
    )
    found = {str(UUID(bytes=id_)): rest for id_, *rest in rows}
    asked = {op.told["payoutId"] for op in journal.having(Outcome.OK) if op.verb == "payout"}
    assert set(found) == asked, "A payout that nobody was told of, or told of and not there."
    assert set(gateway.decided) <= set(found)
    for id_, (status, hold, _) in found.items():
        said = gateway.decided.get(id_, {}).get("status")
        assert (status == "PAID") == (said == "paid"), f"{id_} is {status}, the gateway says {said}"
        assert hold == ("CAPTURED" if status == "PAID" else "VOIDED"), id_


def operations_are_made_once(journal: Journal, url: str) -> None:
    """Each accepted operation was made once or refused, and there is none that nobody sent."""
    rows = ask(url, "SELECT operation_id, status FROM wallets_operation")
    found = {str(UUID(bytes=id_)) for id_, _ in rows}
    told = {
        op.told["operationId"]
        for op in journal.having(Outcome.OK)
        if op.verb.startswith("operation")
    }
    assert found == told
    assert len(rows) == len(found)


def the_money_of_holders_adds_up(journal: Journal, books: Books, url: str) -> None:
    """Openings, what came and went afterwards, captures and payouts make up what is left."""
    ok = journal.having(Outcome.OK)
    expected: Counter[str] = Counter(dict.fromkeys(books.balances, OPENING))
    for op in ok:
        if op.verb == "capture":
            expected[op.wallet] -= op.amount
    paid = ask(
        url, "SELECT wallet, SUM(amount) FROM wallets_payout WHERE status = 'PAID' GROUP BY wallet"
    )
    for wallet, total in paid:
        expected[str(UUID(bytes=wallet))] -= int(total)
    made = ask(
        url,
        "SELECT wallet, kind, SUM(amount) FROM wallets_operation WHERE reason = ''"
        " AND status = %s GROUP BY wallet, kind",
        [_DONE],
    )
    for wallet, kind, total in made:
        expected[str(UUID(bytes=wallet))] += int(total) * (1 if kind == "deposit" else -1)
    assert dict(expected) == books.balances
