"""Which value dates the books take, asked within the transaction that posts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from ledger.periods import calendars
from wallets.operations._commands import MovementCommand


def find_barred(commands: Sequence[MovementCommand], moment: datetime) -> dict[int, date]:
    """Tell up to where the books of clients are closed whose commands name an old value date.

    A month that is not over is never closed, so an ordinary list asks nothing. Read after BEGIN,
    without a lock: a close waits until every transaction is over that began before it barred the
    month.
    """
    begun = moment.date().replace(day=1)
    asking = {
        command.client
        for command in commands
        if command.value_date is not None and command.value_date < begun
    }
    return calendars.barred_through(asking) if asking else {}
