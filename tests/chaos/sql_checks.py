"""Promises that the database itself can be asked for, in plain SQL past the service's code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import MySQLdb

from tests.stress.faults import books

_APPEND_ONLY: Final = ("ledger_posting", "ledger_journalentry", "kit_auditrecord")
_REPLICATED: Final = (
    "wallets_wallet",
    "wallets_hold",
    "wallets_payout",
    "wallets_refusal",
    "ledger_journalentry",
    "ledger_posting",
    "events_outboxevent",
)
_FACTS_CONSUMERS: Final = ("webhooks", "fraud", "notifications")


# Facts by the events' table, for only the consumers' one has an index over the events' ids: joined
# the other way round sixty thousand facts take longer than the run.
_TAKEN: Final = (
    "SELECT COUNT(*), COUNT(DISTINCT c.event_id) FROM events_outboxevent o"
    " STRAIGHT_JOIN events_consumedevent c ON c.event_id = o.event_id AND c.consumer = %s"
    " WHERE o.sequence IS NOT NULL"
)


def ask(url: str, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a query."""
    return list(books._rows(url, statement, values))


def entries_sum_to_zero(url: str) -> None:
    """I1: every entry has two lines or more and sums to zero, and so does every currency."""
    assert not ask(
        url,
        "SELECT entry_id, SUM(amount), COUNT(*) FROM ledger_posting"
        " GROUP BY entry_id HAVING SUM(amount) <> 0 OR COUNT(*) < 2 LIMIT 5",
    )
    assert not ask(
        url,
        "SELECT a.currency, SUM(p.amount) FROM ledger_posting p JOIN ledger_account a"
        " ON a.id = p.account_id GROUP BY a.currency HAVING SUM(p.amount) <> 0",
    )
    assert not ask(
        url,
        "SELECT e.id FROM ledger_journalentry e LEFT JOIN ledger_posting p ON p.entry_id = e.id"
        " WHERE p.id IS NULL LIMIT 5",
    )


def balances_agree(url: str) -> None:
    """I2: a wallet's row, its last posting and the sum of its postings say the same."""
    assert not ask(
        url,
        "SELECT w.id, w.balance, s.total, l.balance_after FROM wallets_wallet w"
        " JOIN (SELECT account_id, SUM(amount) total, MAX(sequence) top FROM ledger_posting"
        "  WHERE sequence IS NOT NULL GROUP BY account_id) s ON s.account_id = w.id"
        " JOIN ledger_posting l ON l.account_id = w.id AND l.sequence = s.top"
        " WHERE w.balance <> s.total OR w.balance <> l.balance_after"
        "  OR w.posting_sequence <> s.top LIMIT 5",
    )


def chains_are_whole(url: str) -> None:
    """I3, I5: each posting follows from the one before, without a gap, and none is below zero."""
    assert not ask(
        url,
        "SELECT * FROM (SELECT account_id, sequence, amount, balance_after,"
        "  COALESCE(LAG(balance_after) OVER w, 0) was, COALESCE(LAG(sequence) OVER w, 0) place"
        "  FROM ledger_posting WHERE sequence IS NOT NULL"
        "  WINDOW w AS (PARTITION BY account_id ORDER BY sequence)) chain"
        " WHERE balance_after <> was + amount OR sequence <> place + 1 OR balance_after < 0"
        " LIMIT 5",
    )


def every_movement_has_its_events(url: str) -> None:
    """I6: a posting of a wallet has one event, and an event that names an entry has its posting."""
    assert not ask(
        url,
        "SELECT p.id FROM ledger_posting p LEFT JOIN events_outboxevent o"
        " ON o.stream = p.account_id AND o.sequence = p.version"
        " WHERE p.version IS NOT NULL AND o.id IS NULL LIMIT 5",
    )
    assert not ask(
        url,
        "SELECT o.id FROM events_outboxevent o LEFT JOIN ledger_posting p"
        " ON p.entry_id = o.entry AND p.account_id = o.stream"
        " WHERE o.entry IS NOT NULL AND o.sequence IS NOT NULL AND p.id IS NULL LIMIT 5",
    )


def marks_are_younger_than_facts(url: str) -> None:
    """I9: nothing was published before it was true."""
    assert not ask(
        url,
        "SELECT id FROM events_outboxevent WHERE published_at < occurred_at LIMIT 5",
    )


def keys_are_unique(url: str) -> None:
    """I10: the index that holds one effect for each key is there."""
    ((count,),) = ask(
        url,
        "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE()"
        " AND table_name = 'ledger_journalentry' AND column_name = 'idempotency_key'"
        " AND non_unique = 0",
    )
    assert count == 1


def holds_end_once(url: str) -> None:
    """I17: no hold gave more than it held, and each captured one has its entry of that amount."""
    assert not ask(
        url,
        "SELECT h.id FROM wallets_hold h LEFT JOIN ledger_posting p"
        " ON p.entry_id = h.entry AND p.account_id = h.wallet_id"
        " WHERE h.captured > h.amount OR (h.status = 'CAPTURED') <> (h.entry IS NOT NULL)"
        "  OR (h.entry IS NOT NULL AND COALESCE(-p.amount, 0) <> h.captured) LIMIT 5",
    )
    assert not ask(
        url,
        "SELECT w.id, w.held, COALESCE(h.held, 0) FROM wallets_wallet w LEFT JOIN"
        " (SELECT wallet_id, SUM(amount) held FROM wallets_hold WHERE status = 'ACTIVE'"
        "  GROUP BY wallet_id) h ON h.wallet_id = w.id"
        " WHERE w.held <> COALESCE(h.held, 0) LIMIT 5",
    )


def books_cannot_be_changed(url: str) -> None:
    """I18: the application's user may neither change nor remove what was written."""
    for table in _APPEND_ONLY:
        for statement in (f"UPDATE {table} SET id = id LIMIT 1", f"DELETE FROM {table} LIMIT 1"):
            try:
                ask(url, statement)
            except MySQLdb.Error as error:
                assert error.args[0] in (1142, 1143, 1644), error
            else:
                raise AssertionError(f"{statement} was done.")


def effects_happen_once(url: str) -> None:
    """I20: each fact was taken once by every consumer of facts."""
    facts = "SELECT COUNT(*) FROM events_outboxevent WHERE sequence IS NOT NULL"
    ((wanted,),) = ask(url, facts)
    for consumer in _FACTS_CONSUMERS:
        ((had, different),) = ask(url, _TAKEN, [consumer])
        assert (had, different) == (wanted, wanted), f"{consumer}: {had} of {wanted}"


def consumers_have_everything(url: str) -> bool:
    """Tell whether every consumer of facts has taken all of them."""
    ((wanted,),) = ask(url, "SELECT COUNT(*) FROM events_outboxevent WHERE sequence IS NOT NULL")
    return all(ask(url, _TAKEN, [consumer])[0][0] == wanted for consumer in _FACTS_CONSUMERS)


def servers_agree(primary: str, replica: str) -> bool:
    """Tell whether both servers have the same rows in the tables that matter."""
    listed = ", ".join(_REPLICATED)
    found = [ask(url, f"CHECKSUM TABLE {listed}") for url in (primary, replica)]
    return found[0] == found[1]
