"""From bytes to requests of the short dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from msgspec import Raw

from wallet_project.kit.money import MalformedAmount, parse_amount
from wallets import idempotency
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.parsing import Findings, Verb, decode, header_key, without_control
from wallets.api.short import shapes
from wallets.idempotency import Key
from wallets.identity import WalletIdentity
from wallets.operations._commands import MovementRequest


@dataclass(frozen=True, slots=True)
class ShortMovement:
    """A movement that lacks nothing but the payee of a transfer."""

    request: MovementRequest
    to: str = ""
    """As the caller named it; transfers only."""


def request_id_key(call: Call, principal: Principal) -> Key | None:
    """Read the key that this dialect's callers send as `X-Request-ID`.

    It is the same key as if it came as `Idempotency-Key`, which goes first.

    :raises InvalidIdempotencyKey: if it is not 1 to 255 printable ASCII characters.
    """
    return header_key(call, principal, header="X-Request-ID")


def movement(
    verb: Verb, wallet: WalletIdentity, call: Call, principal: Principal, body: bytes
) -> ShortMovement:
    """Read the body of a deposit, withdrawal or transfer; set the call's key.

    The key becomes the movement's reference, if the caller sent one: history shows it.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    shape = shapes.ShortTransfer if verb is Verb.TRANSFER else shapes.ShortMovement
    sent: shapes.ShortMovement = decode(shape, body, findings)
    amount = findings.take(lambda raw: _amount(raw, wallet.currency), sent.amount)
    findings.take(without_control("referenceId"), sent.reference_id)
    findings.settle()
    call.key = call.key or _body_key(verb, wallet, sent.reference_id)
    return ShortMovement(
        MovementRequest(
            amount=cast(int, amount),
            key=call.key,
            actor=principal.actor,
            reference="" if call.key.origin == "made" else call.key.shown,
        ),
        to=sent.to_wallet_id if isinstance(sent, shapes.ShortTransfer) else "",
    )


def _amount(raw: Raw, currency: str) -> int:
    text = bytes(raw)
    if text[:1] not in b"-0123456789":
        raise MalformedAmount("The amount must be a JSON number.", field="amount")
    return parse_amount(text.decode("ascii"), currency)


def _body_key(verb: Verb, wallet: WalletIdentity, reference: str | None) -> Key:
    if reference:
        return idempotency.from_reference(wallet.client, verb, wallet.name, reference)
    return idempotency.made_here(wallet.client)
