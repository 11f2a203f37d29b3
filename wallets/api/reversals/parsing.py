"""From bytes to requests to take a transaction back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from msgspec import Raw

from wallets import idempotency
from wallets.api import shapes
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.parsing import Findings, decode, movement_request
from wallets.api.reversals.shapes import NOT_SENT, Reverse
from wallets.idempotency import Key
from wallets.operations._commands import MovementRequest
from wallets.operations.reverse_transaction import Reversible

_ANY: Final = Raw(b"1")
"""Stands in for an amount until the transaction's own takes its place."""


def reverse(original: Reversible, call: Call, principal: Principal, body: bytes) -> MovementRequest:
    """Read the body of POST /transactions/{id}/reverse, if there is one; set the call's key.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(Reverse, body or b"{}", findings)
    is_whole = sent.amount == NOT_SENT
    asked = shapes.Movement(
        amount=_ANY if is_whole else sent.amount,
        currency=sent.currency,
        reference_id=sent.reference_id,
        description=sent.description,
        metadata=sent.metadata,
        channel=original.channel,
        value_date=sent.value_date,
    )
    key = call.key or _key(original, sent.reference_id)
    request = movement_request("reverse", original.wallet, principal, asked, findings, key=key)
    if is_whole:
        request = replace(request, amount=original.amount)
    call.key = request.key
    return request


def _key(original: Reversible, reference: object) -> Key:
    client = original.wallet.client
    if isinstance(reference, str) and reference:
        return idempotency.from_reference(client, "reverse", original.entry, reference)
    return idempotency.made_here(client)
