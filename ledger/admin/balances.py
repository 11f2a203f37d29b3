"""What the accounts of the books stand at, now or at a past moment, without walking through them.

Customers' accounts appear as one line for each client and currency.

- Now: the roll-up's sums, and the postings behind its mark.
- At a moment, a house account: the days before by the roll-up, and the postings of the day begun.
- By value date: the sums by value date, and the postings behind their mark.
- At a moment, the customers: the last posting of each account, one look-up in an index. A hundred
  thousand accounts take seconds, so these are given up after `time_limit.STATEMENT_SECONDS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from ledger import rolling, rollups
from ledger.models import Account, BalanceSnapshot, DayTotal, Posting
from ledger.periods import sums as value_sums
from wallet_project.kit.database import PRIMARY, snapshot
from wallet_project.kit.fields import WideIntegerField
from wallet_project.kit.time_limit import TooSlow, limited

HOUSE_ACCOUNTS_MAX: Final = 5_000
"""More are not listed on one page: a client has 64 at most, so it takes many clients."""

_WIDE: Final = WideIntegerField()


class TooManyAccounts(Exception):
    """All clients together have more house accounts than a page lists."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account, or all customers' accounts of a client in a currency, stand at."""

    client: int
    currency: str
    account: UUID | None
    """None: all customers together; so is the code."""
    code: str | None
    minor: int
    """Credit positive."""


def now(client: int | None = None) -> list[Balance]:
    """Tell the balances as they are, of one client or of all.

    :raises TooSlow: if the roll-up lies too far behind.
    :raises TooManyAccounts: as it says.
    """
    with limited():
        found = rollups.trial_balance_now(client)
    if not found.is_current:
        raise TooSlow
    codes = [line.code for line in found.lines if line.code is not None]
    _check_number(codes)
    accounts = Account.objects.using(PRIMARY).filter(code__in=codes)
    by_code = dict(accounts.values_list("code", "pk"))
    return _sorted(
        Balance(
            line.client,
            line.currency,
            by_code[line.code] if line.code is not None else None,
            line.code,
            line.balance,
        )
        for line in found.lines
    )


def at(moment: datetime, client: int | None = None) -> list[Balance]:
    """Tell the balances after everything posted up to and at a moment.

    :raises TooSlow: if the books have too many accounts, or the day too many postings.
    :raises TooManyAccounts: as it says.
    """
    with limited(), snapshot():
        houses = _houses_at(moment, client)
        customers = _customers_at(moment, client)
    accounts = Account.objects.using(PRIMARY).in_bulk(list(houses))
    return _sorted(
        [
            *customers,
            *(
                Balance(account.client, account.currency, pk, account.code, houses[pk])
                for pk, account in accounts.items()
                if client in (None, account.client)
            ),
        ]
    )


def by_value_date(day: date, client: int | None = None) -> list[Balance]:
    """Tell the balances after everything with a value date up to a day.

    :raises TooSlow: if the sums by value date lag more than a page can add.
    """
    with limited():
        found = value_sums.by_value_date(client, day)
        codes = value_sums.codes_of(found.lines)
    if not found.is_current:
        raise TooSlow
    _check_number([code for code in codes.values() if code is not None])
    return _sorted(
        Balance(
            line.client,
            line.currency,
            line.account if codes[line] is not None else None,
            codes[line],
            passed.closing,
        )
        for line, passed in found.lines.items()
    )


def _houses_at(moment: datetime, client: int | None) -> dict[UUID, int]:
    """Sum house accounts: each posting is in one of three parts."""
    mark = rolling.mark().upto
    begun = datetime.combine(moment.date(), time(), UTC)
    postings: QuerySet[Posting] = Posting.objects.using(PRIMARY).order_by()
    known = BalanceSnapshot.objects.using(PRIMARY).filter(is_house=True, **_of(client))
    ids = list(known.values_list("pk", flat=True)[: HOUSE_ACCOUNTS_MAX + 1])
    _check_number(ids)
    sums: defaultdict[UUID, int] = defaultdict(int)

    # Up to the mark, the days before.
    days = DayTotal.objects.using(PRIMARY).filter(day__lt=begun.date(), **_of(client)).order_by()
    added = days.values("account_id").annotate(
        total=Sum(F("credits") - F("debits"), output_field=_WIDE)
    )
    # Up to the mark, the day of the moment.
    day = postings.filter(
        account__in=ids, posted_at__gte=begun, posted_at__lte=moment, pk__lte=mark
    )
    # Behind the mark. Not by client: that would begin at the client's accounts, not at the mark.
    tail = postings.filter(pk__gt=mark, posted_at__lte=moment, sequence__isnull=True)
    for part in (added, _by_account(day), _by_account(tail)):
        for account, total in part.values_list("account_id", "total"):
            sums[account] += total
    return sums


def _by_account(rows: QuerySet[Posting]) -> QuerySet[Any, Any]:
    return rows.values("account_id").annotate(total=Sum("amount", output_field=_WIDE))


def _customers_at(moment: datetime, client: int | None) -> list[Balance]:
    last = Posting.objects.using(PRIMARY).filter(account=OuterRef("pk"), posted_at__lte=moment)
    # A house account's postings have no balance, so it adds nothing.
    then = Subquery(last.order_by("-posted_at", "-sequence").values("balance_after")[:1])
    rows = Account.objects.using(PRIMARY).filter(**_of(client)).annotate(then=then).order_by()
    sums = rows.values("client", "currency").annotate(total=Sum("then", output_field=_WIDE))
    found = sums.values_list("client", "currency", "total")
    return [Balance(owner, currency, None, None, total or 0) for owner, currency, total in found]


def _of(client: int | None) -> dict[str, int]:
    return {} if client is None else {"client": client}


def _check_number(houses: list[Any]) -> None:
    if len(houses) > HOUSE_ACCOUNTS_MAX:
        raise TooManyAccounts


def _sorted(lines: Iterable[Balance]) -> list[Balance]:
    return sorted(lines, key=lambda line: (line.client, line.currency, line.code or ""))
