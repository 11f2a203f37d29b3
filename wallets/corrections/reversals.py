"""Asking for a reversal: a movement is taken back, all of it or a part, also when it is spent."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from ledger import queries as books
from wallet_project.kit.audit import Actor
from wallets import errors, idempotency, policies
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Option, Outcome
from wallets.chart import CHART, House, Party, house_code
from wallets.chart import Kind as Movement
from wallets.corrections import asking
from wallets.identity import parse_uuid
from wallets.operations.reverse_transaction import Reversible, identify, reverse_approved

CODE: Final = "reversal"
ALLOW_SHORTFALL: Final = "shortfall"


def original_of(client: int | None, entry: str) -> Reversible:
    """Find the movement that is to be taken back.

    :raises FieldInvalid: if no client or no id is given.
    :raises EntryNotFound: if the client has no such transaction.
    :raises NotReversible: if it is none that can be taken back.
    """
    found = parse_uuid(entry)
    if client is None or found is None:
        raise errors.FieldInvalid("Give the entry's id.", field="entry")
    return identify(client, found)


def left_of(original: Reversible) -> int:
    """Tell how much of a movement can still be taken back, in minor units."""
    return original.amount - books.reversed_so_far([original.entry]).get(original.entry, 0)


def debited_by(original: Reversible) -> UUID | None:
    """Name the wallet that a reversal takes money from; None: it gives money back."""
    rule = CHART[original.reversed_by]
    if rule.wallet_sign < 0:
        return original.wallet.id
    return original.counterparty if rule.counterparty is Party.WALLET else None


def shortfall_of(original: Reversible, amount: int) -> int:
    """Tell how much of it (minor units) the debited wallet lacks now."""
    debited = debited_by(original)
    if debited is None:
        return 0
    return min(max(amount - asking.facts_of(debited).available, 0), amount)


def _validate(ask: Asked) -> None:
    original = original_of(ask.client, ask.subject)
    amount = asking.check_money(ask, original.wallet.currency)
    refusal = policies.refuse_reversal(left_of(original), amount, original.wallet.currency)
    if refusal is not None:
        refusal.field = "amount"
        raise refusal
    if ask.payload:
        raise errors.FieldInvalid("A reversal says nothing besides its entry and amount.")


def _describe(approval: Approval) -> list[Line]:
    original = original_of(approval.client, approval.subject)
    wallet, amount = original.wallet, approval.amount_minor or 0
    currency, left = wallet.currency, left_of(original)
    lines = [
        Line(
            "Takes back",
            f"{asking.shown(amount, currency)} of {asking.shown(original.amount, currency)}",
            link=("ledger.journalentry", original.entry),
        ),
        Line(
            "Can be taken back", asking.shown(left, currency), asking.shown(left - amount, currency)
        ),
    ]
    debited, short = debited_by(original), shortfall_of(original, amount)
    for one in _wallets(original):
        sign = -1 if one == debited else 1
        change = sign * amount + (short if one == debited else 0)
        lines += asking.wallet_lines(one, change)
    if short:
        code = house_code(wallet.client_name, House.RECEIVABLES, currency)
        lines.append(
            Line(
                "Spent already",
                asking.shown(short, currency),
                f"on {code}, if it is allowed below; refused otherwise",
            )
        )
    return lines


def _wallets(original: Reversible) -> list[UUID]:
    if CHART[original.reversed_by].counterparty is Party.WALLET:
        return [original.wallet.id, original.counterparty]
    return [original.wallet.id]


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    original = original_of(approval.client, approval.subject)
    request = asking.request_of(approval, by)
    record = reverse_approved(
        original=original,
        request=request,
        act=asking.act_of("reverse", approval, by, original.wallet.id),
        may_lack=approval.allows(ALLOW_SHORTFALL),
    )
    short = _covered(approval)
    told = f"{asking.shown(record.amount, record.currency)} was taken back."
    if short:
        told += f" {asking.shown(short, record.currency)} of it is owed on receivables."
    return Outcome(told, record.transaction_id)


def _covered(approval: Approval) -> int:
    """Tell how much of it (minor units) came to stand on receivables."""
    key = idempotency.approved(approval.client or 0, approval.pk)
    digest = idempotency.derived(key, Movement.SHORTFALL).digest
    entry = books.entries_by_key([digest]).get(digest)
    return 0 if entry is None else abs(entry.lines[0].amount)


def _lacks(approval: Approval) -> bool:
    original = original_of(approval.client, approval.subject)
    return shortfall_of(original, approval.amount_minor or 0) > 0


REVERSAL: Final = Kind(
    code=CODE,
    title="Reversal",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="approvals.request_correction",
    approve_right="approvals.approve_correction",
    options=(
        Option(
            ALLOW_SHORTFALL,
            "What is spent already: let it stand on the client's receivables",
            _lacks,
        ),
    ),
)
