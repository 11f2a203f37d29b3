"""Lists that come as lists: executed in their caller's thread, apart from the leader's queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wallet_project.kit import database
from wallets import balance_cache, metrics
from wallets.operations import _movement
from wallets.operations._commands import MovementCommand, Outcome


def execute(
    commands: Sequence[MovementCommand],
    *,
    linked: bool = False,
    policy: database.RetryPolicy = database.INTERACTIVE,
) -> list[Outcome]:
    """Execute commands in one transaction, put the new balances in the cache, count how they ended.

    :raises LockWaitTimeout: if the policy leaves lock waits to the caller.
    :raises django.db.Error: if the database fails beyond what retrying heals.
    """
    metrics.LIST_LENGTH.observe(len(commands))
    outcomes = _movement.execute(commands, linked=linked, policy=policy)
    balance_cache.put([copy for outcome in outcomes for copy in outcome.balances])
    ended = Counter(
        (command.kind, _word(outcome)) for command, outcome in zip(commands, outcomes, strict=True)
    )
    for (kind, word), count in ended.items():
        metrics.OPERATIONS.labels(kind, word).inc(count)
    return outcomes


def _word(outcome: Outcome) -> str:
    if outcome.error is not None:
        return outcome.error.code
    return "replayed" if outcome.replayed else "ok"
