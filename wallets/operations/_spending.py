"""Holds what leaves wallets to their limits, inside the spine and under the wallets' locks.

Limits and use are read by the statement that looks keys up anyway, so they cost no trip; use is
written in the trip of everything else, and only for wallets that have limits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from wallet_project.kit import one_trip
from wallet_project.kit.bulk_sql import hex_list, insert_rows
from wallet_project.kit.database import PRIMARY, statement_by_primary_key
from wallet_project.kit.errors import Refused
from wallets.chart import Kind
from wallets.operations._commands import MovementCommand
from wallets.operations._drafts import Drafts
from wallets.safeguards import limits
from wallets.safeguards.limits import NO_BOUNDS, Bounds, Use
from wallets.safeguards.models import Limit, LimitUse

LIMITED: Final = frozenset({Kind.WITHDRAWAL, Kind.TRANSFER, Kind.HOLD})
"""What takes money out of the named wallet because its holder wants it. A capture takes what was
counted when it was set aside; a reversal corrects."""

LIMIT: Final = "LIMIT"
USE: Final = "USE"
"""Stand where a refusal has its code, which is in lower case."""


@dataclass(slots=True)
class Spending:
    """The limits of a wallet, and what of them is used."""

    bounds: Bounds
    use: Use
    is_known: bool = False
    """Whether there is a row of its use."""
    is_changed: bool = False


def questions(commands: Sequence[MovementCommand]) -> list[str]:
    """Write the SELECTs that read limits and use, to be joined with others by UNION ALL; none
    where nothing leaves a wallet."""
    leaving = [command for command in commands if command.kind in LIMITED]
    if not leaving:
        return []
    wallets = {command.wallet for command in leaving}
    defaults = {limits.default_scope(c.client, c.currency) for c in leaving}
    scopes = hex_list(sorted(scope.bytes for scope in wallets | defaults))
    used = hex_list(sorted(wallet.bytes for wallet in wallets))
    return [
        f"SELECT scope, NULL, '{LIMIT}', "  # noqa: S608 - hex digits
        "JSON_ARRAY(per_operation, per_day, per_month, count_per_day) "
        f"FROM {Limit._meta.db_table} WHERE scope IN ({scopes})",
        f"SELECT wallet, NULL, '{USE}', "  # noqa: S608 - hex digits
        "JSON_ARRAY(day, day_amount, day_count, month_amount) "
        f"FROM {LimitUse._meta.db_table} WHERE wallet IN ({used})",
    ]


def begin(drafts: Drafts, found: Sequence[tuple[bytes, str, str]]) -> None:
    """Take what was read: for wallets of the drafts that have limits, what may leave them still."""
    bounds: dict[UUID, Bounds] = {}
    used: dict[UUID, Use] = {}
    for key, word, text in found:
        values: list[Any] = json.loads(text)
        scope = UUID(bytes=key[:16])  # MySQL pads it to the width of the digests beside it
        if word == LIMIT:
            bounds[scope] = Bounds(*values)
        else:
            used[scope] = Use(date.fromisoformat(values[0]), *values[1:])
    if not bounds:
        return
    today = drafts.moment.date()
    for wallet in drafts.wallets.values():
        default = bounds.get(limits.default_scope(wallet.client, wallet.currency), NO_BOUNDS)
        whole = bounds.get(wallet.id, NO_BOUNDS).over(default)
        if whole != NO_BOUNDS:
            use = used.get(wallet.id, Use(today)).on(today)
            drafts.spending[wallet.id] = Spending(whole, use, is_known=wallet.id in used)


def refuse(command: MovementCommand, drafts: Drafts) -> Refused | None:
    """Tell which limit of its wallet a command would break, or None when it breaks none."""
    if command.kind not in LIMITED:
        return None
    spending = drafts.spending.get(command.wallet)
    if spending is None:
        return None
    return limits.refuse(spending.bounds, spending.use, command.amount, command.currency)


def take(command: MovementCommand, drafts: Drafts) -> None:
    """Count an accepted command."""
    if command.kind in LIMITED and command.wallet in drafts.spending:
        spending = drafts.spending[command.wallet]
        drafts.spending[command.wallet] = replace(
            spending, use=spending.use.plus(command.amount), is_changed=True
        )


def write(drafts: Drafts) -> None:
    """Keep what is used now, by wallet in the order of ids."""
    rows = []
    for wallet, spending in sorted(drafts.spending.items()):
        use = spending.use
        if not spending.is_changed:
            continue
        if not spending.is_known:
            values = (use.day_amount, use.day_count, use.month, use.month_amount)
            rows.append((wallet, use.day, *values))
            continue
        sql, params = statement_by_primary_key(
            LimitUse.objects.using(PRIMARY).filter(pk=wallet),
            day=use.day,
            day_amount=use.day_amount,
            day_count=use.day_count,
            month=use.month,
            month_amount=use.month_amount,
        )
        one_trip.change(sql, params)
    if rows:
        columns = ("wallet", "day", "day_amount", "day_count", "month", "month_amount")
        insert_rows(LimitUse, columns, rows)
