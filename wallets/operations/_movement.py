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

from django.db import transaction

from events import outbox
from ledger import posting
from wallet_project.kit import database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError, Refused, Unavailable
from wallet_project.kit.one_trip import one_trip
from wallet_project.kit.queue_errors import DeadlinePassed
from wallets import errors, policies
from wallets.chart import CHART, Kind, Party
from wallets.models import HoldOwner
from wallets.operations import (
    _balances,
    _holds,
    _locking,
    _marks,
    _openings,
    _originals,
    _replay,
    _spending,
    _value_dates,
)
from wallets.operations._commands import HoldTerms, MovementCommand, Outcome
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
        known = _replay.find(commands, beside=_spending.questions(commands))
        # 2 Decide in memory, in order, each command on what the ones before it left.
        drafts = Drafts(wallets | _openings.empty_states(openings), moment)
        _spending.begin(drafts, known.beside)
        drafts.holds = _holds.find(commands)
        _holds.expire(drafts)
        drafts.barred_through = _value_dates.find_barred(commands, moment)
        drafts.reversed = _originals.taken_so_far(commands)
        if linked:
            outcomes = _decide_linked(commands, drafts, known)
        else:
            outcomes = [_decide(command, drafts, known) for command in commands]
        # 3 Parents before children: an insert would share-lock what the update then needs.
        made = _openings.insert(openings, drafts)
        with one_trip():
            _balances.apply(drafts)
            _holds.write_ends(drafts)
            posting.post_entries(drafts.entries)
            _holds.insert(drafts)
            outbox.record([*made, *drafts.events])
            _spending.write(drafts)
            _marks.mark(commands, outcomes, moment)
        _replay.store_refusals(drafts.refusals, moment)
        _marks.record_acts(commands, outcomes)
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
    refusal = _refuse(command, drafts) or _spending.refuse(command, drafts)
    if refusal is not None:
        outcome = Outcome(error=refusal)
        drafts.refuse(command, refusal)
    else:
        outcome = _accept(command, drafts)
        _spending.take(command, drafts)
    known.remember(command, outcome)
    return outcome


def _accept(command: MovementCommand, drafts: Drafts) -> Outcome:
    terms = command.terms
    if terms is not None and command.kind is Kind.HOLD:
        return Outcome(hold=drafts.hold(command, terms))
    if terms is not None and command.kind is Kind.VOID:
        return Outcome(hold=drafts.void(command, terms))
    return Outcome(record=drafts.post(command))


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
    """Tell why a command ends here without effect and without burning its key.

    An accepted operation that has to wait keeps those behind it waiting, too.
    """
    if command.operation is None:
        return _hindrance(command, drafts)
    error = drafts.stalled.get(command.wallet) or _hindrance(command, drafts)
    if isinstance(error, Unavailable):
        drafts.stalled[command.wallet] = error
    return error


def _hindrance(command: MovementCommand, drafts: Drafts) -> DomainError | None:
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
    if command.terms is not None:
        misfit = _misfit(command, command.terms, drafts)
        if misfit is not None:
            return misfit
    return _openings.misfit(command, drafts.wallets)


def _misfit(command: MovementCommand, terms: HoldTerms, drafts: Drafts) -> DomainError | None:
    if terms.is_new:
        if terms.expires_at is not None and terms.expires_at <= drafts.moment:
            return errors.FieldInvalid("It must be later than now.", field="expiresAt")
        return None
    row = drafts.holds.get(terms.hold)
    if row is None or row.wallet_id != command.wallet:
        return errors.HoldNotFound("The hold does not exist.")
    return None


def _is_ahead(wallet: WalletState, drafts: Drafts) -> Unavailable | None:
    if wallet.last_posted_at and wallet.last_posted_at > drafts.moment + CLOCK_AHEAD_MAX:
        return errors.ClockAhead("The primary's clock lies behind the books; nothing was posted.")
    return None


def _refuse(command: MovementCommand, drafts: Drafts) -> Refused | None:
    """Ask the policies, in a fixed order: value date, same wallet, status, currency, funds,
    size."""
    rule, wallets = CHART[command.kind], drafts.wallets
    closed = policies.refuse_value_date(
        command.value_date, drafts.barred_through.get(command.client)
    )
    if closed is not None or rule.counterparty is Party.HOUSES:
        return closed or _originals.refuse_clearing(command, drafts.reversed)
    named = wallets[command.wallet]
    if command.terms is not None:
        return _refuse_hold(command, command.terms, drafts)
    if command.original is not None:
        left = command.original.amount - drafts.reversed.get(command.original.entry, 0)
        too_large = policies.refuse_reversal(left, command.amount, command.currency)
        if too_large is not None:
            return too_large
    by_status = policies.refuse_change if command.is_approved else policies.refuse_by_status
    if rule.counterparty is not Party.WALLET:
        return (
            by_status(named)
            or policies.refuse_currency(named, command.currency)
            or _refuse_leg(named, rule.wallet_sign * command.amount, command)
        )
    if command.wallet == command.counterparty:
        return errors.SameWallet("A transfer needs two different wallets.")
    other = wallets[command.counterparty]
    return (
        _about(named, by_status(named))
        or _about(other, by_status(other))
        or _about(named, policies.refuse_currency(named, command.currency))
        or _about(other, policies.refuse_currency(other, command.currency))
        or _refuse_leg(named, rule.wallet_sign * command.amount, command)
        or _about(other, _refuse_leg(other, -rule.wallet_sign * command.amount, command))
    )


def _refuse_hold(command: MovementCommand, terms: HoldTerms, drafts: Drafts) -> Refused | None:
    """Ask the policies of holds: status, currency and funds to make one; whether it is active to
    end it, status and size to capture it."""
    wallet = drafts.wallets[command.wallet]
    if terms.is_new:
        return (
            policies.refuse_by_status(wallet)
            or policies.refuse_currency(wallet, command.currency)
            or policies.refuse_debit(wallet, command.amount)
        )
    refusal = policies.refuse_end(drafts.status_of(terms.hold))
    if refusal is not None or command.kind is Kind.VOID:
        return refusal
    # What a payout has paid has left, whatever became of the wallet meanwhile.
    frozen = policies.refuse_by_status(wallet) if terms.owner is HoldOwner.CALLER else None
    held = drafts.holds[terms.hold].amount
    return frozen or policies.refuse_capture(held, command.amount, wallet.currency)


def _about(wallet: WalletState, refusal: Refused | None) -> Refused | None:
    """Say which of a transfer's two wallets is to blame."""
    return None if refusal is None else refusal.add_facts(walletId=str(wallet.id))


def _refuse_leg(wallet: WalletState, amount: int, command: MovementCommand) -> Refused | None:
    if amount >= 0:
        return policies.refuse_credit(wallet, amount)
    return None if command.covered_by is not None else policies.refuse_debit(wallet, -amount)
