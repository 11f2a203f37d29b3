"""Wallets that come to be, by a call of their own or by the first credit under a client's name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from events import contracts
from events.outbox import NewEvent
from ledger import posting
from ledger.posting import NewAccount
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import Unavailable
from wallets import chart, errors
from wallets.models import Wallet, WalletStatus
from wallets.operations import _facts
from wallets.operations._commands import MovementCommand, Opening
from wallets.operations._drafts import Drafts
from wallets.policies import WalletState

Name = tuple[int, str]
"""Client and reference: what a wallet is called before it has an id."""

Openings = Mapping[Name, Opening]


def resolve(commands: Sequence[MovementCommand]) -> tuple[Sequence[MovementCommand], Openings]:
    """Point each opening at the wallet that has its name, in the database or in this list.

    Returns the commands, and by name the openings that found no wallet. Runs before the locks and
    takes none: a wallet that appears after this look is a duplicate key to `insert`, which lets the
    whole list run again.
    """
    names = {_name(c, c.opening) for c in commands if c.opening is not None}
    if not names:
        return commands, {}
    ids = _existing(names)
    new: dict[Name, Opening] = {}
    resolved = []
    for command in commands:
        opening = command.opening
        if opening is not None:
            name = _name(command, opening)
            target = ids.get(name) or new.setdefault(name, opening).wallet
            command = _onto(command, opening, target)
        resolved.append(command)
    return resolved, new


def empty_states(openings: Openings) -> dict[UUID, WalletState]:
    """Make the states that commands find: a wallet with nothing in it, at version 1."""
    return {
        opening.wallet: WalletState(
            id=opening.wallet,
            client=client,
            currency=opening.currency,
            status=WalletStatus.ACTIVE,
            balance=0,
            held=0,
            overdraft_limit=0,
            version=1,
            posting_sequence=0,
            last_posted_at=None,
        )
        for (client, _), opening in openings.items()
    }


def misfit(command: MovementCommand, wallets: Mapping[UUID, WalletState]) -> Unavailable | None:
    """Tell if the name was given meanwhile to a wallet of another currency than was read from the
    amount. Nothing is decided then; the next try of the same call reads it with that currency."""
    opening = command.opening
    if opening is not None and wallets[opening.wallet].currency != opening.currency:
        return errors.WalletJustOpened(
            "The wallet was opened in another currency meanwhile; send it again."
        )
    return None


def insert(openings: Openings, drafts: Drafts) -> list[NewEvent]:
    """Insert the wallets that an accepted command of the list credits, empty, sorted by name.

    Sorted, and after all locks of rows that exist, so that two lists cannot wait for each other.
    """
    credited = [name for name in sorted(openings) if openings[name].wallet in drafts.changes]
    rows = [
        Wallet(
            id=openings[name].wallet,
            client_id=name[0],
            reference=name[1],
            currency=openings[name].currency,
        )
        for name in credited
    ]
    return insert_rows(rows, drafts.moment)


def insert_rows(wallets: Sequence[Wallet], moment: datetime) -> list[NewEvent]:
    """Insert wallets and their accounts; return the events to be recorded in this transaction."""
    if not wallets:
        return []
    for wallet in wallets:
        wallet.created_at = wallet.updated_at = moment
    Wallet.objects.using(PRIMARY).bulk_create(wallets)
    posting.open_accounts(
        [NewAccount(w.id, chart.wallet_code(w.id), w.client_id, w.currency) for w in wallets],
        moment,
    )
    return [_facts.about(wallet, contracts.CREATED, moment) for wallet in wallets]


def _name(command: MovementCommand, opening: Opening) -> Name:
    return command.client, opening.reference


def _existing(names: Collection[Name]) -> dict[Name, UUID]:
    rows = (
        Wallet.objects.using(PRIMARY)
        .filter(
            client_id__in=sorted({client for client, _ in names}),
            reference__in=sorted({reference for _, reference in names}),
        )
        .values_list("client_id", "reference", "id")
    )
    return {(client, str(reference)): wallet for client, reference, wallet in rows}


def _onto(command: MovementCommand, opening: Opening, target: UUID) -> MovementCommand:
    if target == opening.wallet:
        return command
    return replace(
        command,
        opening=replace(opening, wallet=target),
        wallet=target if command.wallet == opening.wallet else command.wallet,
        counterparty=(target if command.counterparty == opening.wallet else command.counterparty),
    )
