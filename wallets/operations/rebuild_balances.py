"""Bring wallets' rows back to what the books say, while money moves.

The heavy part, walking every posting of a wallet, is done in a snapshot and holds nobody up: what
was posted never changes. Only then is a batch of wallets locked, as the spine locks them, and read
is what came since. So movements wait for milliseconds, however long the past of a wallet is.

It posts nothing. A row that is mended takes a step of its version, told by an event with the
numbers that now are, and by an audit record with those that were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Sum

from events import contracts, outbox
from events import queries as told
from ledger import queries as books
from ledger import verification as proof
from wallet_project.kit import audit, clock, database
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY, LockWaitTimeout, RetryPolicy, snapshot
from wallets import balance_cache, projection
from wallets.balance_cache import CachedBalance
from wallets.models import BalanceRebuild, Hold, HoldStatus, Wallet
from wallets.operations import _facts, _locking, _rebuild_runs
from wallets.operations._balances import BalanceGuardFailed
from wallets.operations._rebuild_runs import Scope as Scope
from wallets.operations._rebuild_runs import Step
from wallets.operations._rebuild_runs import latest as latest
from wallets.policies import WalletState
from wallets.projection import Chain, Difference, Evidence, Row, Verdict
from wallets.sources import as_cached

WALLETS_A_BATCH: Final = 100
LOCKED_SECONDS: Final = 0.2
"""A batch that held its locks for longer is followed by one of half the size."""
LOCK_WAIT_SECONDS: Final = 1
_ENTRIES_A_PAGE: Final = 500
_TRIES_FOR_ONE: Final = 3
_POLICY: Final = RetryPolicy(raise_lock_waits=True)
_BY_THE_BOOKS: Final = frozenset({"balance", "posting_sequence", "last_posted_at"})


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants wallets rebuilt, and why."""

    actor: Actor
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A wallet that was not as the books say."""

    wallet: UUID
    differences: tuple[Difference, ...]
    is_mended: bool
    defect: str = ""
    """Why it was left as it is; empty when it was not, or was only looked at."""


@dataclass(frozen=True, slots=True)
class _Proven:
    """What the postings of a batch say, proven without a lock."""

    chains: Mapping[UUID, Chain]
    thorough: Collection[UUID]
    """Wallets whose entries were proven, too: only they are mended by their postings."""


class _Doubted(Exception):
    """Wallets differ under the lock that did not before; their entries have to be proven first."""

    def __init__(self, wallets: Collection[UUID]) -> None:
        super().__init__()
        self.wallets = wallets


class Rebuilding:
    """One process's part of a run."""

    def __init__(
        self,
        scope: Scope,
        order: Order,
        *,
        batch_size: int = WALLETS_A_BATCH,
        from_start: bool = False,
        found: Callable[[Found], None] = lambda _: None,
    ) -> None:
        self.run: BalanceRebuild = _rebuild_runs.begin(
            scope, actor=order.actor.id, reason=order.reason, from_start=from_start
        )
        self.was_resumed = self.run.last_wallet is not None
        self.longest_lock: float = 0
        """For how many seconds a batch held its wallets, at most."""
        self._scope = scope
        self._order = order
        self._largest = self._size = batch_size
        self._found = found

    def go(self, *, enough: Callable[[], bool] = lambda: False) -> Iterator[BalanceRebuild]:
        """Rebuild batch after batch, handing out the run after each, until all is done or enough.

        :raises django.db.Error: beyond what retrying heals; what was mended before stays mended.
        """
        last = Wallet.objects.using(PRIMARY).order_by("-pk").values_list("pk", flat=True).first()
        # Wallets that are opened meanwhile are right, and would have no end.
        while (batch := self._next(last)) and not enough():
            self._rebuild(batch)
            yield self.run
            if self.run.finished_at is not None:
                return  # by somebody else, who did the rest or begins from the start
        if not batch:
            _rebuild_runs.finish(self.run)

    def _next(self, last: UUID | None) -> list[UUID]:
        if last is None:
            return []
        rows = Wallet.objects.using(PRIMARY).filter(pk__lte=last)
        if self._scope.client is not None:
            rows = rows.filter(client_id=self._scope.client)
        if self._scope.wallets:
            rows = rows.filter(pk__in=self._scope.wallets)
        if self.run.last_wallet is not None:
            rows = rows.filter(pk__gt=self.run.last_wallet)
        return list(rows.order_by("pk").values_list("pk", flat=True)[: self._size])

    def _rebuild(self, batch: Sequence[UUID], tries: int = 1) -> bool:
        """Return False when somebody else was here: the rest of the batch may then be his, or lie
        behind wallets that nobody has looked at, and what is next has to be asked afresh."""
        doubted: Collection[UUID] = ()
        while True:
            proven = _prove(batch, doubted)
            try:
                return self._settle(batch, proven)
            except _Doubted as more:
                doubted = {*doubted, *more.wallets}
            except LockWaitTimeout:
                break
        # Somebody holds one of them for long; the others need not wait for that one.
        if len(batch) > 1:
            half = len(batch) // 2
            return self._rebuild(batch[:half]) and self._rebuild(batch[half:])
        if tries < _TRIES_FOR_ONE:
            return self._rebuild(batch, tries + 1)
        return self._pass_over(batch[0])

    def _settle(self, batch: Sequence[UUID], proven: _Proven) -> bool:
        database.prepare_session(lock_wait_seconds=LOCK_WAIT_SECONDS)
        settled = database.run_retrying(
            lambda: self._attempt(batch, proven), _POLICY, operation="rebuild_balances"
        )
        if settled is None:
            self._tell([])
            return False
        results, balances, held = settled
        balance_cache.put(balances)
        self.longest_lock = max(self.longest_lock, held)
        if held > LOCKED_SECONDS:
            self._size = max(1, len(batch) // 2)
        elif held * 4 < LOCKED_SECONDS:
            self._size = min(self._largest, self._size * 2)
        self._tell(results)
        return True

    def _tell(self, results: Sequence[Found]) -> None:
        self.run.refresh_from_db(using=PRIMARY)
        for one in results:
            self._found(one)

    def _attempt(
        self, batch: Sequence[UUID], proven: _Proven
    ) -> tuple[list[Found], list[CachedBalance], float] | None:
        with transaction.atomic(using=PRIMARY, durable=True):
            states, moment = _locking.lock_wallets(batch)
            started = time.monotonic()
            verdicts = compare(states, _with_tails({w: proven.chains[w] for w in states}))
            doubted = {
                wallet
                for wallet, verdict in verdicts.items()
                if wallet not in proven.thorough
                and _BY_THE_BOOKS & {one.field for one in verdict.differences}
            }
            if doubted:
                raise _Doubted(doubted)
            wrong = {w: v for w, v in verdicts.items() if v.differences or v.defect}
            mendable = [w for w in sorted(wrong) if not wrong[w].defect and not self._scope.is_dry]
            balances = self._mend(mendable, wrong, states, moment)
            step = Step(
                through=batch[-1],
                wallets=len(batch),
                differing=len(wrong),
                mended=len(mendable),
                left=sum(bool(verdict.defect) for verdict in wrong.values()),
            )
            if not _rebuild_runs.advance(self.run, step, moment):
                # Another process, or a try whose answer got lost, has done these wallets.
                transaction.set_rollback(True, using=PRIMARY)
                return None
        found = [
            Found(wallet, verdict.differences, wallet in mendable, verdict.defect)
            for wallet, verdict in sorted(wrong.items())
        ]
        return found, balances, time.monotonic() - started

    def _mend(
        self,
        wallets: Sequence[UUID],
        wrong: Mapping[UUID, Verdict],
        states: Mapping[UUID, WalletState],
        moment: datetime,
    ) -> list[CachedBalance]:
        """Write what the books say over rows that say something else, in the order of ids."""
        rows = Wallet.objects.using(PRIMARY).in_bulk(list(wallets)) if wallets else {}
        for wallet in wallets:
            _write(rows[wallet], wrong[wallet], states[wallet], moment)
            audit.record(
                self._order.actor,
                Act(
                    action="wallet.rebuild_balance",
                    subject_type="wallets.wallet",
                    subject=str(wallet),
                    reason=self._order.reason,
                    detail={
                        "run": self.run.pk,
                        "version": rows[wallet].version,
                        "differences": [one.as_dict() for one in wrong[wallet].differences],
                    },
                ),
            )
        if wallets:
            outbox.record(
                [_facts.about(rows[w], contracts.BALANCE_REBUILT, moment) for w in wallets]
            )
        return [as_cached(rows[wallet], moment) for wallet in wallets]

    def _pass_over(self, wallet: UUID) -> bool:
        step = Step(through=wallet, wallets=1, differing=1, left=1)
        is_mine = _rebuild_runs.advance(self.run, step, clock.now())
        left = Found(wallet, (), False, "Somebody else holds it for too long.")
        self._tell([left] if is_mine else [])
        return is_mine


def compare(rows: Mapping[UUID, Row], chains: Mapping[UUID, Chain]) -> dict[UUID, Verdict]:
    """Judge wallets by their postings, holds and events.

    The caller has locked them, or reads all of it in one snapshot.
    """
    active = Hold.objects.using(PRIMARY).filter(wallet__in=list(rows), status=HoldStatus.ACTIVE)
    sums = active.order_by().values_list("wallet").annotate(Sum("amount"), Min("expires_at"))
    held = {wallet: (total, earliest) for wallet, total, earliest in sums}
    latest_events: Mapping[UUID, int] = told.highest_sequences(list(rows))
    nothing = None if told.has_archive() else 0
    verdicts = {}
    for wallet, row in rows.items():
        total, earliest = held.get(wallet, (0, None))
        last_event = latest_events.get(wallet, nothing)
        evidence = Evidence(chains[wallet], total, earliest, last_event)
        verdicts[wallet] = projection.judge(row, evidence)
    return verdicts


def _with_tails(proven: Mapping[UUID, Chain]) -> dict[UUID, Chain]:
    """Walk on to what was posted since the chains were proven."""
    # A chain with a defect stays as it is; its whole past would be read while wallets are locked.
    sound = {wallet: chain for wallet, chain in proven.items() if not chain.defect}
    links = books.links_from({wallet: max(c.sequence, 1) for wallet, c in sound.items()})
    return {w: projection.go_on(chain, links.get(w, [])) for w, chain in proven.items()}


def _prove(wallets: Sequence[UUID], doubted: Collection[UUID]) -> _Proven:
    """Walk the wallets' postings in one snapshot; of those that differ, the whole entries, too."""
    with snapshot():
        facts = proof.account_facts(wallets)
        rows = Wallet.objects.using(PRIMARY).filter(pk__in=wallets)
        said = {pk: rest for pk, *rest in rows.values_list("pk", "balance", "posting_sequence")}
    chains = {wallet: _chain(facts.get(wallet)) for wallet in wallets}
    thorough = {*doubted}
    for wallet, chain in chains.items():
        if [chain.balance, chain.sequence] != said.get(wallet):
            thorough.add(wallet)
    for wallet in thorough:
        if not chains[wallet].defect:
            defect = _unbalanced_entry(wallet)
            chains[wallet] = Chain(defect=defect) if defect else chains[wallet]
    return _Proven(chains, thorough)


def _chain(facts: proof.AccountFacts | None) -> Chain:
    if facts is None:
        return Chain()
    if facts.breaks or facts.postings != facts.last_sequence:
        return Chain(defect=f"{facts.breaks or 1} postings do not follow from the one before")
    if facts.total != facts.last_balance:
        return Chain(defect=f"postings sum to {facts.total}, the last says {facts.last_balance}")
    return Chain(facts.last_balance, facts.last_sequence, facts.last_version)


def _unbalanced_entry(wallet: UUID) -> str:
    sequence = 1
    while page := books.postings_from(wallet, sequence=sequence, limit=_ENTRIES_A_PAGE):
        for finding in proof.unbalanced([entry for _, entry in page]):
            return f"entry {finding.entry} sums to {finding.total}"
        sequence = page[-1][0] + 1
    return ""


def _write(row: Wallet, verdict: Verdict, state: WalletState, moment: datetime) -> None:
    for one in verdict.differences:
        setattr(row, one.field, one.should_be)
    row.version += 1
    row.updated_at = moment
    as_locked = Wallet.objects.using(PRIMARY).filter(
        pk=row.pk,
        version=state.version,
        balance=state.balance,
        held=state.held,
        posting_sequence=state.posting_sequence,
    )
    columns = (*projection.FIELDS, "updated_at")
    if as_locked.update(**{name: getattr(row, name) for name in columns}) != 1:
        raise BalanceGuardFailed(f"{row.pk} was locked and is not as it was when it was locked.")
