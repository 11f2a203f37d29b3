"""How much is left of what commands take back or clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from ledger import queries as books
from wallet_project.kit.errors import Refused
from wallets import policies
from wallets.chart import CHART
from wallets.operations._commands import MovementCommand


def taken_so_far(commands: Sequence[MovementCommand]) -> dict[UUID, int]:
    """Tell how much (minor units) was taken back, or cleared, of the entries that a list names.

    Of reversals it is right while the wallets are locked; of clearings, which lock none, while
    the item of the difference waits for the one request that clears it.
    """
    taken = books.reversed_so_far({c.original.entry for c in commands if c.original is not None})
    clearing: dict[tuple[UUID, int], set[UUID]] = defaultdict(set)
    for command in commands:
        if command.clears is not None:
            place = command.wallet, CHART[command.kind].wallet_sign
            clearing[place].add(command.clears.entry)
    for (suspense, sign), entries in clearing.items():
        for entry, posted in books.corrected_on(suspense, entries).items():
            taken[entry] = sign * posted
    return taken


def refuse_clearing(command: MovementCommand, taken: Mapping[UUID, int]) -> Refused | None:
    """Tell why a command cannot clear what it names, or None: it can, or clears nothing."""
    if command.clears is None:
        return None
    left = max(command.clears.amount - taken.get(command.clears.entry, 0), 0)
    return policies.refuse_clearing(left, command.amount, command.currency)
