"""From bytes to requests about payouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wallets import metadata
from wallets.api import shapes
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.parsing import Findings, decode, movement_request
from wallets.api.payouts.shapes import RequestPayout
from wallets.errors import FieldInvalid
from wallets.identity import WalletIdentity
from wallets.operations import request_payout
from wallets.operations._commands import MovementCommand, MovementRequest


@dataclass(frozen=True, slots=True)
class ParsedPayout:
    """A payout to be made."""

    wallet: WalletIdentity
    request: MovementRequest
    destination: Mapping[str, Any]

    def command(self) -> MovementCommand:
        """Make the spine's command.

        :raises TooManyChannels: if the request names one payment rail too many.
        """
        return request_payout.command(
            wallet=self.wallet, request=self.request, destination=self.destination
        )


def request(
    call: Call, principal: Principal, body: bytes, *, find: Callable[[str], WalletIdentity]
) -> ParsedPayout:
    """Read the body of POST /payouts; set the call's key. `find` finds the wallet it names.

    :raises Invalid: if anything is wrong with it.
    :raises WalletNotFound: if the caller has no such wallet.
    """
    findings = Findings()
    sent = decode(RequestPayout, body, findings)
    findings.take(_destination, sent.destination)
    if not isinstance(sent.wallet_id, str):
        findings.settle()
    wallet = find(sent.wallet_id)
    asked = shapes.Movement(
        amount=sent.amount,
        currency=sent.currency,
        reference_id=sent.reference_id,
        description=sent.description,
        metadata=sent.metadata,
        channel=sent.channel,
    )
    found = movement_request("payout", wallet, principal, asked, findings, key=call.key)
    call.key = found.key
    return ParsedPayout(wallet, found, sent.destination)


def _destination(sent: Mapping[str, Any]) -> None:
    """Hold a destination to the limits of metadata, in its own name."""
    try:
        metadata.check(sent)
    except FieldInvalid as error:
        raise FieldInvalid(error.detail, field="destination") from None
