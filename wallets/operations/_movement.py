"""The spine: the only code that moves money.

Takes a list of commands and executes them in one transaction of the primary, each with its own
result. One API call is a list of one; the group commit, bulk calls and consumers hand over longer
lists. The order of the steps is measured, not a matter of taste: see `docs/architecture.md`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from events import outbox
from ledger import posting
from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError, Refused, Unavailable
from wallet_project.kit.group_commit import DeadlinePassed
from wallet_project.kit.one_trip import one_trip
from wallets import errors, policies
from wallets.chart import CHART, Party
from wallets.operations import _balances, _locking, _openings, _replay
from wallets.operations._commands import MovementCommand, Outcome
from wallets.operations._drafts import Drafts
from wallets.policies import WalletState

CLOCK_AHEAD_MAX: Final = timedelta(seconds=5)


def execute(
    commands: Sequence[MovementCommand],
    *,
    linked: bool = False,
    policy: database.RetryPolicy = database.INTERACTIVE,
) -> list[Outcome]:
    """Execute commands in order, in one transaction; return an outcome for each.

    Safe to call again with the same commands whatever happened before: keys make a repeat a
    replay. A command that cannot be executed does not hinder the others, unless they are linked:
    then all of them end with its error, and nothing is done.

    :raises LockWaitTimeout: if the policy leaves lock waits to the caller.
    :raises django.db.Error: if the database failed beyond what retrying heals; the outcome of
        every command is then unknown.
    """
    return database.run_retrying(
        lambda: attempt(commands, linked=linked), policy, operation="movements"
    )


def attempt(commands: Sequence[MovementCommand], *, linked: bool = False) -> list[Outcome]:
    """Try once, without retries: BEGIN to COMMIT."""
    with transaction.atomic(using=PRIMARY, durable=True):
        # 0 Names become ids, so that a wallet made meanwhile is locked with the others.
        commands, openings = _openings.resolve(commands)
        # 1 Locks first, keys second: the other way round a twin waits for the lock with a stale
        #   look-up in hand and is refused for money that its own twin has just taken.
        wallet_ids = {wallet for command in commands for wallet in command.wallets}
        wallets, moment = _locking.lock_wallets(wallet_ids)
        known = _replay.find(commands)
        # 2 Decide in memory, in order, each command on what the ones before it left.
        drafts = Drafts(wallets | _openings.empty_states(openings), moment)
        if linked:
            outcomes = _decide_linked(commands, drafts, known)
        else:
            outcomes = [_decide(command, drafts, known) for command in commands]
        # 3 Parents before children: an insert would share-lock what the update then needs.
        made = _openings.insert(openings, drafts)
        with one_trip():
            _balances.apply(drafts)
            posting.post_entries(drafts.entries)
            outbox.record([*made, *drafts.events])
        _replay.store_refusals(drafts.refusals, moment)
    # A wallet that was to be opened and was refused does not exist.
    left = drafts.balances(wallets.keys() | drafts.changes.keys())
    return [
        replace(outcome, balances=tuple(left[id_] for id_ in command.wallets if id_ in left))
        for command, outcome in zip(commands, outcomes, strict=True)
    ]


def _decide(command: MovementCommand, drafts: Drafts, known: _replay.Known) -> Outcome:
    """End one command: replay, refuse or draft it."""
    earlier = known.outcome_of(command)
    if earlier is not None:
        return earlier
    error = _cannot_now(command, drafts)
    if error is not None:
        return Outcome(error=error)
    refusal = _refuse(command, drafts.wallets)
    if refusal is not None:
        outcome = Outcome(error=refusal)
        drafts.refuse(command, refusal)
    else:
        outcome = Outcome(record=drafts.post(command))
    known.remember(command, outcome)
    return outcome


def _decide_linked(
    commands: Sequence[MovementCommand], drafts: Drafts, known: _replay.Known
) -> list[Outcome]:
    """End commands that succeed or fail together: replay, refuse or draft all of them.

    The error of the first that fails is everybody's, with its place in the list. A refusal is
    kept under every key, so that all keys of a list exist or none.
    """
    earlier = known.outcomes_of_linked(commands)
    if earlier is not None:
        return earlier
    mark = drafts.mark({wallet for command in commands for wallet in command.wallets})
    outcomes = []
    for index, command in enumerate(commands):
        outcome = _decide(command, drafts, known)
        outcomes.append(outcome)
        if outcome.error is None:
            continue
        drafts.undo(mark)
        failed = outcome.error.add_facts(index=index)
        if isinstance(failed, Refused):
            for each in {command.key.digest: command for command in commands}.values():
                drafts.refuse(each, failed)
        return [Outcome(error=failed)] * len(commands)
    return outcomes


def _cannot_now(command: MovementCommand, drafts: Drafts) -> DomainError | None:
    """Tell why a command ends here without effect and without burning its key."""
    if time.monotonic() > command.deadline:
        return DeadlinePassed("It waited too long and was not executed; send it again.")
    for wallet_id in command.wallets:
        wallet = drafts.wallets.get(wallet_id)
        if wallet is None or wallet.client != command.client:
            missing = (
                errors.WalletNotFound
                if wallet_id == command.wallet
                else (errors.DestinationNotFound)
            )
            return missing("The wallet does not exist.")
        ahead = _is_ahead(wallet, drafts)
        if ahead is not None:
            return ahead
    return _openings.misfit(command, drafts.wallets)


def _is_ahead(wallet: WalletState, drafts: Drafts) -> Unavailable | None:
    if wallet.last_posted_at and wallet.last_posted_at > drafts.moment + CLOCK_AHEAD_MAX:
        return errors.ClockAhead("The primary's clock lies behind the books; nothing was posted.")
    return None


def _refuse(command: MovementCommand, wallets: dict[UUID, WalletState]) -> Refused | None:
    """Ask the policies, in a fixed order: same wallet, status, currency, funds, size."""
    rule = CHART[command.kind]
    named = wallets[command.wallet]
    if rule.counterparty is not Party.WALLET:
        return (
            policies.refuse_by_status(named)
            or policies.refuse_currency(named, command.currency)
            or _refuse_leg(named, rule.wallet_sign * command.amount)
        )
    if command.wallet == command.counterparty:
        return errors.SameWallet("A transfer needs two different wallets.")
    other = wallets[command.counterparty]
    return (
        _about(named, policies.refuse_by_status(named))
        or _about(other, policies.refuse_by_status(other))
        or _about(named, policies.refuse_currency(named, command.currency))
        or _about(other, policies.refuse_currency(other, command.currency))
        or _refuse_leg(named, rule.wallet_sign * command.amount)
        or _about(other, _refuse_leg(other, -rule.wallet_sign * command.amount))
    )


def _about(wallet: WalletState, refusal: Refused | None) -> Refused | None:
    """Say which of a transfer's two wallets is to blame."""
    return None if refusal is None else refusal.add_facts(walletId=str(wallet.id))


def _refuse_leg(wallet: WalletState, amount: int) -> Refused | None:
    if amount < 0:
        return policies.refuse_debit(wallet, -amount)
    return policies.refuse_credit(wallet, amount)
