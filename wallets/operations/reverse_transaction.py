"""Take a movement back, all of it or a part: a new entry that points to the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from ledger import queries as books
from ledger.errors import EntryNotFound
from wallet_project.kit.audit import Act, Actor
from wallets import errors, idempotency, identity
from wallets.chart import REVERSED_BY, House, Kind
from wallets.identity import WalletIdentity
from wallets.movements import MovementRecord, named_and_other
from wallets.operations import _house_accounts, group_commit
from wallets.operations._commands import MovementCommand, MovementRequest, Original
from wallets.safeguards import switch


@dataclass(frozen=True, slots=True)
class Reversible:
    """A movement that can be taken back, as its entry tells it."""

    entry: UUID
    reversed_by: Kind
    wallet: WalletIdentity
    """The wallet that the movement named: a transfer's source."""
    counterparty: UUID
    """The other wallet, or the house account of the payment rail."""
    amount: int
    """Minor units."""
    channel: str


def identify(client: int, entry: UUID) -> Reversible:
    """Find a client's movement, for somebody who wants to take it back.

    :raises EntryNotFound: if the client has no such transaction.
    :raises NotReversible: if it is a reversal itself.
    """
    found = books.entries_by_id([entry]).get(entry)
    if found is None or found.client != client:
        raise EntryNotFound("The transaction does not exist.", field="transactionId")
    reversed_by = REVERSED_BY.get(Kind(found.kind))
    if reversed_by is None:
        raise errors.NotReversible(
            "Only a deposit, withdrawal, transfer or capture can be taken back; "
            "post another movement."
        )
    named, other = named_and_other(found)
    return Reversible(
        entry=found.id,
        reversed_by=reversed_by,
        wallet=identity.identify(client, str(named.account)),
        counterparty=other.account,
        amount=abs(named.amount),
        channel=found.channel,
    )


def command(*, original: Reversible, request: MovementRequest) -> MovementCommand:
    """Prepare the command, for callers who queue it themselves."""
    digest = idempotency.request_hash(
        original.reversed_by, [original.entry.bytes, *request.parts(original.wallet)]
    )
    made = request.command(
        original.reversed_by,
        original.wallet,
        counterparty=original.counterparty,
        request_hash=digest,
    )
    return replace(
        made, channel=original.channel, original=Original(original.entry, original.amount)
    )


def covered(command: MovementCommand, wallet: WalletIdentity) -> MovementCommand:
    """Let what the debited wallet lacks stand on the client's receivables."""
    account = _house_accounts.own(
        client=wallet.client,
        client_name=wallet.client_name,
        house=House.RECEIVABLES,
        currency=wallet.currency,
    )
    return replace(command, covered_by=account)


def reverse_approved(
    *, original: Reversible, request: MovementRequest, act: tuple[Actor, Act], may_lack: bool
) -> MovementRecord:
    """Take a movement back as a second person has approved it: of a frozen wallet, too.

    :param may_lack: what the wallet has not any more stands on the client's receivables, in an
        entry of its own before the reversal.
    :raises Refused: ReversalTooLarge, InsufficientFunds, WalletClosed, BalanceTooLarge, KeyReused.
    :raises WritesPaused: while money is stopped.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    switch.require_running()
    made = replace(command(original=original, request=request), is_approved=True, act=act)
    if may_lack:
        made = covered(made, original.wallet)
    return group_commit.run(made).unwrap()


def reverse_transaction(*, original: Reversible, request: MovementRequest) -> MovementRecord:
    """Post the movement the other way round, at most as much as is left of it.

    :raises Refused: ReversalTooLarge, InsufficientFunds, WalletFrozen, WalletClosed,
        BalanceTooLarge, KeyReused.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    return group_commit.run(command(original=original, request=request)).unwrap()
