"""Explains a balance: a balance once written down, every posting since, and the holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger import account_lines
from ledger.account_lines import AccountLine, Opening
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import format_minor
from wallets.staff_queries import WalletFacts

POSTINGS_MAX: Final = 5_000
"""How many postings are added up; a longer history is explained from a later posting on."""


@dataclass(frozen=True, slots=True)
class Step:
    """A posting and the sum so far; amounts in minor units."""

    line: AccountLine
    sum: int

    @property
    def agrees(self) -> bool:
        """Tell whether the posting says the same as the sum."""
        return self.line.balance_after == self.sum


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a wallet comes to its balance, and everything that does not fit; minor units."""

    facts: WalletFacts
    opening: Opening
    is_later: bool
    """Whether it begins later than it could, because there are too many postings."""
    steps: Sequence[Step]
    credits: int
    debits: int
    faults: Sequence[str]
    first_fault: int | None
    """The sequence at which the chain of postings breaks first."""

    @property
    def computed(self) -> int:
        """The balance that the opening and all postings since make."""
        return self.opening.balance + self.credits - self.debits


def explain(facts: WalletFacts, *, since: datetime | None = None) -> Explanation:
    """Explain a wallet's balance, from a moment on or from the last balance written down.

    Postings never change, and their number was read with the balance, so what moves meanwhile
    does not disturb.
    """
    wallet, top = facts.row.pk, facts.row.posting_sequence
    if since is None:
        opening = account_lines.opening_for(wallet, upto=top, using=PRIMARY)
    else:
        opening = account_lines.opening_at(wallet, since, using=PRIMARY)
    is_later = top - opening.sequence > POSTINGS_MAX
    if is_later:
        later = account_lines.opening_after(wallet, top - POSTINGS_MAX, using=PRIMARY)
        opening = later or Opening(top - POSTINGS_MAX, 0)
    found = account_lines.lines(wallet, first=opening.sequence + 1, last=top, using=PRIMARY)
    return compare(facts, opening, found, is_later=is_later)


def compare(
    facts: WalletFacts, opening: Opening, found: Sequence[AccountLine], *, is_later: bool = False
) -> Explanation:
    """Add the postings up and hold the wallet's row to what comes out."""
    steps, sum_ = [], opening.balance
    for line in found:
        sum_ += line.amount
        steps.append(Step(line, sum_))
    broken, why = _first_break(facts, opening, steps)
    faults = [why] if why else []
    faults += _faults_of_row(facts, sum_)
    return Explanation(
        facts=facts,
        opening=opening,
        is_later=is_later,
        steps=steps,
        credits=sum(step.line.amount for step in steps if step.line.amount > 0),
        debits=-sum(step.line.amount for step in steps if step.line.amount < 0),
        faults=faults,
        first_fault=broken,
    )


def _first_break(
    facts: WalletFacts, opening: Opening, steps: Sequence[Step]
) -> tuple[int | None, str]:
    currency, expected = facts.row.currency, opening.sequence + 1
    for step in steps:
        line = step.line
        if line.sequence != expected:
            break
        if not step.agrees:
            return line.sequence, (
                f"The chain breaks at posting {line.sequence}: it says that the balance was "
                f"{_money(line.balance_after, currency)} after it, the postings up to it make "
                f"{_money(step.sum, currency)}."
            )
        expected += 1
    if expected > facts.row.posting_sequence:
        return None, ""
    return expected, f"The chain breaks at posting {expected}: it is missing."


def _faults_of_row(facts: WalletFacts, computed: int) -> list[str]:
    row, found = facts.row, []
    if row.balance != computed:
        difference = _money(abs(row.balance - computed), row.currency)
        found.append(
            f"The wallet says {_money(row.balance, row.currency)}, the postings make "
            f"{_money(computed, row.currency)}: the wallet has {difference} too "
            f"{'much' if row.balance > computed else 'little'}."
        )
    if row.held != facts.in_active_holds:
        found.append(
            f"The wallet says that {_money(row.held, row.currency)} is held, its active holds "
            f"make {_money(facts.in_active_holds, row.currency)}."
        )
    return found


def _money(minor: int, currency: str) -> str:
    return f"{format_minor(minor, currency)} {currency}"
