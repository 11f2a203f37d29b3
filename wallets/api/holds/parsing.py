"""From bytes to requests about holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from msgspec import Raw

from wallet_project.kit import clock
from wallets import idempotency
from wallets.api import parameters, shapes
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.holds.shapes import NOT_SENT, CaptureHold, PlaceHold, VoidHold
from wallets.api.parsing import Findings, decode, movement_request, without_control
from wallets.errors import FieldInvalid
from wallets.holds import HoldRecord
from wallets.idempotency import Key
from wallets.identity import WalletIdentity
from wallets.operations import _rails, capture_hold, place_hold
from wallets.operations._commands import MovementCommand, MovementRequest
from wallets.operations.place_hold import Expiry

LONGEST: Final = timedelta(days=366)
_ANY: Final = Raw(b"1")
"""Stands in for an amount until the hold's own takes its place."""


@dataclass(frozen=True, slots=True)
class ParsedHold:
    """A hold to be made, or one to be captured if `hold` is set."""

    wallet: WalletIdentity
    request: MovementRequest
    expiry: Expiry
    hold: HoldRecord | None = None

    @property
    def unknown_rail(self) -> _rails.Rail | None:
        """The payment rail that the database has to be asked for before there is a command."""
        rail = _rails.rail_of(self.wallet, self.request)
        return None if rail.is_known else rail

    def command(self) -> MovementCommand:
        """Make the spine's command.

        :raises TooManyChannels: if the request names one payment rail too many.
        """
        if self.hold is not None:
            return capture_hold.command(hold=self.hold, wallet=self.wallet, request=self.request)
        return place_hold.command(wallet=self.wallet, request=self.request, expiry=self.expiry)


def place(wallet: WalletIdentity, call: Call, principal: Principal, body: bytes) -> ParsedHold:
    """Read the body of POST /wallets/{id}/holds; set the call's key.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(PlaceHold, body, findings)
    expires_at = findings.take(_moment, sent.expires_at)
    after = findings.take(_seconds, sent.expires_in)
    if expires_at is not None and after is not None:
        findings.add(FieldInvalid("Give expiresAt or expiresIn, not both.", field="expiresIn"))
    asked = shapes.Movement(
        amount=sent.amount,
        currency=sent.currency,
        reference_id=sent.reference_id,
        description=sent.description,
        metadata=sent.metadata,
        channel=sent.channel,
    )
    request = movement_request("hold", wallet, principal, asked, findings, key=call.key)
    call.key = request.key
    return ParsedHold(wallet, request, Expiry(expires_at, after))


def capture(
    hold: HoldRecord, wallet: WalletIdentity, call: Call, principal: Principal, body: bytes
) -> ParsedHold:
    """Read the body of POST /holds/{id}/capture, if there is one; set the call's key.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(CaptureHold, body or b"{}", findings)
    is_whole = sent.amount == NOT_SENT
    asked = shapes.Movement(
        amount=_ANY if is_whole else sent.amount,
        currency=sent.currency,
        reference_id=sent.reference_id,
        description=sent.description,
        metadata=sent.metadata,
        channel=hold.channel,
        value_date=sent.value_date,
    )
    key = call.key or _key("capture", hold, sent.reference_id)
    request = movement_request("capture", wallet, principal, asked, findings, key=key)
    if is_whole:
        request = replace(request, amount=hold.amount)
    call.key = request.key
    return ParsedHold(wallet, request, Expiry(), hold)


def void(hold: HoldRecord, call: Call, body: bytes) -> Key:
    """Read the body of POST /holds/{id}/void, if there is one; set the call's key and return it.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(VoidHold, body or b"{}", findings)
    findings.take(without_control("referenceId"), sent.reference_id)
    findings.settle()
    call.key = call.key or _key("void", hold, sent.reference_id)
    return call.key


def _key(verb: str, hold: HoldRecord, reference: object) -> Key:
    if isinstance(reference, str) and reference:
        return idempotency.from_reference(hold.client, verb, hold.id, reference)
    return idempotency.made_here(hold.client)


def _seconds(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def _moment(text: str) -> datetime:
    moment = parameters.read_moment(text)
    # Whether it has passed is asked where the key is known: a repeat may come later than that.
    if moment is None or moment > clock.now() + LONGEST:
        raise FieldInvalid(
            "It must be a moment such as 2026-01-15T10:30:00Z, later than now and at most "
            f"{LONGEST.days} days away.",
            field="expiresAt",
        )
    return moment
