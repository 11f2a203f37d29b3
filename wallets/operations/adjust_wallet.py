"""Correct a wallet by hand against one of the client's house accounts, as was approved."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from wallet_project.kit.audit import Act, Actor
from wallets import idempotency
from wallets.chart import House, Kind
from wallets.identity import WalletIdentity
from wallets.movements import MovementRecord
from wallets.operations import _house_accounts, group_commit
from wallets.operations._commands import MovementRequest
from wallets.safeguards import switch


def adjust_wallet(
    *,
    wallet: WalletIdentity,
    house: House | None,
    is_credit: bool,
    request: MovementRequest,
    act: tuple[Actor, Act],
    corrects: UUID | None = None,
) -> MovementRecord:
    """Credit or debit the wallet, a frozen one, too.

    :param house: the other side; None: the rail that the request names.
    :param corrects: the entry that it puts right; the caller has looked that it is there, and put
        it into the request's metadata, which seals and the request's hash cover.
    :raises Refused: InsufficientFunds, WalletClosed, CurrencyMismatch, BalanceTooLarge, KeyReused.
    :raises TooManyChannels: if the request names one payment rail too many.
    :raises WritesPaused: while money is stopped.
    :raises Unavailable: when it was not done or is not known to be; send the same key again.
    """
    switch.require_running()
    kind = Kind.ADJUSTMENT_CREDIT if is_credit else Kind.ADJUSTMENT_DEBIT
    if house is None:
        account = _house_accounts.external(
            client=wallet.client,
            client_name=wallet.client_name,
            channel=request.channel,
            currency=wallet.currency,
        )
    else:
        account = _house_accounts.own(
            client=wallet.client,
            client_name=wallet.client_name,
            house=house,
            currency=wallet.currency,
        )
    digest = idempotency.request_hash(
        kind, [wallet.id.bytes, account.bytes, *request.parts(wallet)]
    )
    made = request.command(kind, wallet, counterparty=account, request_hash=digest)
    return group_commit.run(replace(made, is_approved=True, act=act, corrects=corrects)).unwrap()
