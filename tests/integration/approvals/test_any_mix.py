"""Whatever mix of corrections is asked for, approved and rejected: the books stay sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.models import JournalEntry, Posting
from tests.integration.approvals.test_corrections import adjustment, reversal
from tests.people import Company, asks, balance, wallet_of
from wallet_project.kit.audit import Actor
from wallet_project.kit.errors import DomainError
from wallet_project.kit.ids import uuid7
from wallets import verification
from wallets.approvals.models import Approval, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.reject import reject
from wallets.approvals.operations.withdraw import withdraw as take_back
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw
from wallets.trial_balance import trial_balance

AMOUNTS = st.sampled_from([10, 50, 100, 300])
DECISIONS = st.sampled_from(["approve", "allow", "allow", "later", "reject", "withdraw"])
VERBS = st.sampled_from(
    [*("deposit", "withdraw", "transfer", "credit", "debit"), *("reverse",) * 4]
)
STEPS = st.lists(st.tuples(VERBS, AMOUNTS, st.integers(0, 50), DECISIONS), min_size=6, max_size=14)
BEGINNING = [
    ("deposit", 300, 0, ""),
    ("transfer", 100, 0, ""),
    ("withdraw", 150, 0, ""),
    ("withdraw", 50, 1, ""),
]


SURELY = [
    ("reverse", 100, 0, "approve"),
    ("reverse", 100, 0, "allow"),
    ("credit", 50, 0, "reject"),
    ("credit", 50, 0, "approve"),
]
"""One that is refused when it is done, one with a shortfall, one rejected, one made."""


class Story:
    """Two wallets, what happened to them, and what of it can be taken back."""

    def __init__(self, company: Company, maker: Actor, checker: Actor) -> None:
        self.wallets = [wallet_of(company, f"w-{uuid7()}") for _ in range(2)]
        self.maker, self.checker = maker, checker
        self.movements: list[UUID] = []
        self.later: list[Approval] = []

    def step(self, verb: str, amount: int, pick: int, decision: str) -> None:
        """Take a step; what is refused is refused."""
        wallet, other = self.wallets[pick % 2], self.wallets[1 - pick % 2]
        try:
            if verb in ("deposit", "withdraw", "transfer"):
                self._move(verb, wallet, other, amount)
            elif verb == "reverse":
                if self.movements:
                    entry = self.movements[pick % len(self.movements)]
                    self._decide(reversal(self.maker, wallet, entry, amount), decision)
            else:
                is_credit = verb == "credit"
                made = adjustment(self.maker, wallet, amount, credit=is_credit)
                self._decide(made, decision)
        except DomainError:
            pass

    def _move(self, verb: str, wallet: WalletIdentity, other: WalletIdentity, amount: int) -> None:
        request = asks(amount, wallet=wallet)
        if verb == "transfer":
            made = transfer(source=wallet, destination=other, request=request)
        else:
            made = {"deposit": deposit, "withdraw": withdraw}[verb](wallet=wallet, request=request)
        self.movements.append(made.transaction_id)

    def _decide(self, made: Approval, decision: str) -> None:
        if decision == "reject":
            reject(approval=made.pk, by=self.checker, note="no")
        elif decision == "withdraw":
            take_back(approval=made.pk, by=self.maker)
        elif decision == "later":
            self.later.append(made)
        else:
            may_lack = decision == "allow" and made.kind == "reversal"
            allow = {"shortfall"} if may_lack else set[str]()
            approve(approval=made.pk, by=self.checker, allow=allow)

    def end(self) -> None:
        """Approve what was left, after much has changed since it was asked for."""
        for made in self.later:
            self._decide(made, "approve")


def assert_capped() -> None:
    """Nothing is taken back twice: the reversals of an entry sum to no more than the entry."""
    taken: defaultdict[Any, int] = defaultdict(int)
    for entry in JournalEntry.objects.filter(reverses__isnull=False):
        taken[entry.reverses] += largest(entry.pk)
    for original, total in taken.items():
        assert total <= largest(original)


def largest(entry: Any) -> int:
    amounts: list[int] = list(Posting.objects.filter(entry=entry).values_list("amount", flat=True))
    return max(amounts)


@pytest.mark.parametrize("rounds", [25])
def test_after_any_mix_the_books_balance_and_every_chain_is_capped(
    client_acme: Company, maker: Actor, checker: Actor, rounds: int
) -> None:
    seen: defaultdict[str, int] = defaultdict(int)

    def tell(steps: Sequence[tuple[str, int, int, str]]) -> None:
        story = Story(client_acme, maker, checker)
        for step in [*BEGINNING, *steps]:
            story.step(*step)
        story.end()
        assert all(balance(wallet) >= 0 for wallet in story.wallets)

    @settings(
        max_examples=rounds, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(steps=STEPS)
    def run(steps: list[tuple[str, int, int, str]]) -> None:
        tell(steps)
        totals = trial_balance(client_acme.id, None).currencies
        assert all(one.debit == one.credit for one in totals)
        assert_capped()

    tell(SURELY)
    run()

    for status in Approval.objects.values_list("status", flat=True):
        seen[status] += 1
    shortfalls = JournalEntry.objects.filter(kind="shortfall").count()
    assert seen[Status.CARRIED_OUT] and seen[Status.REJECTED] and seen[Status.FAILED]
    assert shortfalls, "no money was taken back that was spent"
    assert list(verification.verify().findings) == []
