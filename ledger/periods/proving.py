"""Whether the books of a client and a month prove, before the month is frozen."""

from __future__ import annotations

from django.db.models import F, Sum

from ledger import proofs, rolling
from ledger.models import BalanceSnapshot, CustomersTotal
from ledger.periods import adding, figures
from ledger.periods.adding import CUSTOMERS
from ledger.periods.errors import PeriodNotSettled
from ledger.periods.figures import Figure
from ledger.periods.models import DaySum
from wallet_project.kit.database import PRIMARY, snapshot
from wallet_project.kit.fields import WideIntegerField
from wallet_project.kit.money import format_minor

_TRIES = 5


def findings(client: int, found: list[Figure]) -> list[str]:
    """List what stands against freezing these figures; nothing: the books are proven.

    :raises PeriodNotSettled: if the sums moved on under each try to compare them.
    """
    wrong = [
        f"the trial balance in {currency} is not zero: opening {format_minor(numbers[0], currency)}"
        f", movements {format_minor(numbers[1], currency)}"
        f", closing {format_minor(numbers[2], currency)}"
        for currency, numbers in sorted(figures.imbalances(found).items())
    ]
    if late := rolling.mark().late:
        wrong.append(f"{late} postings came in late; run snapshot_balances --rebuild --dry-run")
    proof = proofs.latest(proofs.FULL)
    if proof is not None and not proof.sound:
        wrong.append(f"the last proof of the books found {proof.findings} faults; verify_ledger")
    return wrong + _different(client)


def _different(client: int) -> list[str]:
    """Compare the sums by value date with those by time of posting, which others made."""
    for _ in range(_TRIES):
        adding.add()
        with snapshot():
            if adding.upto() != rolling.mark().upto:
                continue
            mine, theirs = _by_value_date(client), _by_posting(client)
        return [
            f"the sums by value date of {currency}, account {account}, are "
            f"{mine.get((account, currency), 0)}, those by posting "
            f"{theirs.get((account, currency), 0)}; run snapshot_balances --rebuild"
            for account, currency in sorted(mine.keys() | theirs.keys())
            if mine.get((account, currency), 0) != theirs.get((account, currency), 0)
        ]
    raise PeriodNotSettled("The sums over the books are moving on; it is tried again.")


def _by_value_date(client: int) -> dict[tuple[object, str], int]:
    rows = DaySum.objects.using(PRIMARY).filter(client=client).order_by()
    net = Sum(F("credits") - F("debits"), output_field=WideIntegerField())
    found = rows.values("account", "currency").annotate(net=net)
    return {(row["account"], row["currency"]): row["net"] for row in found}


def _by_posting(client: int) -> dict[tuple[object, str], int]:
    houses = BalanceSnapshot.objects.using(PRIMARY).filter(client=client, is_house=True)
    customers = CustomersTotal.objects.using(PRIMARY).filter(client=client)
    found: dict[tuple[object, str], int] = {
        (account, currency): balance
        for account, currency, balance in houses.values_list("account_id", "currency", "balance")
    }
    for currency, balance in customers.values_list("currency", "balance"):
        found[CUSTOMERS, currency] = balance
    return found
