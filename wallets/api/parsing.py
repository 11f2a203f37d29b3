"""From bytes to requests: everything a caller sent, checked as far as it can be without a lock.

Nothing here touches the database, so both bindings of the API call the same functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec
from django.conf import settings
from msgspec import UNSET, Raw

from wallet_project.kit import clock, strict_json
from wallet_project.kit.errors import Invalid
from wallet_project.kit.money import MalformedAmount, exponent_of, parse_amount
from wallets import idempotency, metadata
from wallets.api import errors, parameters, shapes
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.errors import FieldInvalid
from wallets.idempotency import Key
from wallets.identity import WalletIdentity, check_reference
from wallets.operations import _rails, deposit, transfer, withdraw
from wallets.operations._commands import MovementCommand, MovementRequest
from wallets.operations._status import StatusRequest

B = TypeVar("B", bound=shapes.Body)
V = TypeVar("V")
R = TypeVar("R")

_CHANNEL = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_IN_JSON = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "dict": "object",
    "list": "array",
}
"""The decoder's words for types, and what callers call them."""
_WORDS = re.compile(r"\b(?:" + "|".join(_IN_JSON) + r")\b")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EARLIEST_VALUE_DATE: Final = date(1970, 1, 1)


class Verb(StrEnum):
    """What a movement's `referenceId` is unique within, together with client and wallet."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class OpenWalletRequest:
    """A wallet to be opened."""

    user_id: str | None
    reference: str | None
    currency: str
    metadata: Mapping[str, Any]
    key: Key


@dataclass(frozen=True, slots=True)
class ParsedMovement:
    """A movement that lacks nothing but the destination's identity."""

    verb: Verb
    wallet: WalletIdentity
    request: MovementRequest
    destination: str | None
    """As the caller named it; transfers only."""

    @property
    def unknown_rail(self) -> _rails.Rail | None:
        """The payment rail that the database has to be asked for before there is a command."""
        if self.verb is Verb.TRANSFER:
            return None
        rail = _rails.rail_of(self.wallet, self.request)
        return None if rail.is_known else rail

    def command(self, destination: WalletIdentity | None) -> MovementCommand:
        """Make the spine's command.

        :raises TooManyChannels: if the request names one payment rail too many.
        """
        if destination is not None:
            return transfer.command(
                source=self.wallet, destination=destination, request=self.request
            )
        if self.verb is Verb.DEPOSIT:
            return deposit.command(wallet=self.wallet, request=self.request)
        return withdraw.command(wallet=self.wallet, request=self.request)


FINDINGS_MAX: Final = 50
"""More errors than this help nobody, and a body has room for ten thousand."""


class Findings:
    """Collects what is wrong with a request, so that one answer can list all of it."""

    def __init__(self) -> None:
        self._errors: list[Invalid] = []

    def add(self, error: Invalid) -> None:
        """Note one more error; of too many the first must do."""
        if len(self._errors) < FINDINGS_MAX:
            self._errors.append(error)

    def take(self, check: Callable[[V], R], value: V | None) -> R | None:
        """Check a value that is there and well typed; note the error if it is not valid."""
        if value is None or value is cast(Any, UNSET):
            return None
        try:
            return check(value)
        except Invalid as error:
            self.add(error)
            return None

    def settle(self) -> None:
        """Raise what was noted, if anything: a single error as itself.

        :raises Invalid: the error.
        :raises RequestInvalid: if there are several.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise errors.RequestInvalid(self._errors)


def header_key(call: Call, principal: Principal, *, header: str = "Idempotency-Key") -> Key | None:
    """Read the header that holds the key; `"k"` equals `k`.

    A quote inside of quotes is refused: the answer would tell `"k"` as the key, and sent again as
    it was told it would be `k`, which is another one.

    :raises InvalidIdempotencyKey: if it is not 1 to 255 printable ASCII characters.
    """
    sent = call.headers.get(header.lower())
    if sent is None:
        return None
    if "\n" in sent:
        raise errors.InvalidIdempotencyKey(f"Send {header} once; it came twice.", field=header)
    text = sent.strip(" \t")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
        if '"' in text:
            raise errors.InvalidIdempotencyKey(
                f"{header} is one key; a key in quotes holds no quote.", field=header
            )
    if not 1 <= len(text) <= 255 or not (text.isascii() and text.isprintable()):
        raise errors.InvalidIdempotencyKey(
            f"{header} must be 1 to 255 printable ASCII characters.", field=header
        )
    return idempotency.from_header(principal.client, text)


def open_wallet(call: Call, principal: Principal, body: bytes) -> OpenWalletRequest:
    """Read the body of POST /wallets; set the call's key.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(shapes.OpenWallet, body, findings)
    currency = sent.currency or settings.DEFAULT_CURRENCY
    findings.take(exponent_of, currency)
    findings.take(without_control("userId"), sent.user_id)
    findings.take(check_reference, sent.reference)
    findings.take(metadata.check, sent.metadata)
    findings.settle()
    call.key = call.key or idempotency.made_here(principal.client)
    return OpenWalletRequest(
        user_id=sent.user_id,
        reference=sent.reference,
        currency=currency,
        metadata=sent.metadata or {},
        key=call.key,
    )


def patch_wallet(body: bytes) -> Mapping[str, Any]:
    """Read the body of PATCH /wallets/{id}; return the merge patch of its metadata.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    sent = decode(shapes.PatchWallet, body, findings)
    findings.settle()
    return sent.metadata


def change_status(call: Call, principal: Principal, body: bytes) -> StatusRequest:
    """Read `If-Match` and the body, if there is one, of a freeze, unfreeze or close.

    :raises Invalid: if anything is wrong with them.
    """
    findings = Findings()
    sent = decode(shapes.StatusChange, body or b"{}", findings)
    findings.take(without_control("reason"), sent.reason)
    findings.settle()
    return StatusRequest(
        actor=principal.actor,
        reason=sent.reason,
        expected_version=parameters.expected_version(call),
        by_client=True,
    )


def movement(
    verb: Verb, wallet: WalletIdentity, call: Call, principal: Principal, body: bytes
) -> ParsedMovement:
    """Read the body of a deposit, withdrawal or transfer; set the call's key.

    :raises Invalid: if anything is wrong with it.
    """
    findings = Findings()
    shape = shapes.Transfer if verb is Verb.TRANSFER else shapes.Movement
    sent: shapes.Movement = decode(shape, body, findings)
    request = movement_request(verb, wallet, principal, sent, findings, key=call.key)
    call.key = request.key
    return ParsedMovement(
        verb=verb,
        wallet=wallet,
        request=request,
        destination=sent.destination_wallet_id if isinstance(sent, shapes.Transfer) else None,
    )


def movement_request(
    verb: str,
    wallet: WalletIdentity,
    principal: Principal,
    sent: shapes.Movement,
    findings: Findings,
    *,
    key: Key | None,
) -> MovementRequest:
    """Check what was sent of a movement against its wallet; without a key, find or make one.

    :raises Invalid: if anything is wrong with it, or has been noted before.
    """
    currency = sent.currency or wallet.currency
    amount = None
    if findings.take(exponent_of, currency) is not None:
        amount = findings.take(lambda raw: _amount(raw, currency), sent.amount)
    findings.take(without_control("referenceId"), sent.reference_id)
    findings.take(metadata.check, sent.metadata)
    channel = findings.take(_channel, sent.channel)
    value_date = findings.take(_value_date, sent.value_date)
    findings.settle()
    return MovementRequest(
        amount=cast(int, amount),
        key=key or _body_key(verb, wallet, sent.reference_id),
        actor=principal.actor,
        currency=sent.currency,
        reference=sent.reference_id or "",
        channel=channel or "default",
        description=sent.description,
        metadata=sent.metadata or None,  # an empty object says no more than none
        value_date=value_date,
    )


def decode(shape: type[B], body: bytes, findings: Findings) -> B:
    """Decode a body; note each field that does not fit, and leave it unset.

    :raises Invalid: if the body is no JSON object at all.
    """
    if not body:
        raise strict_json.MalformedJson("The body is empty; send a JSON object.")
    strict_json.scan(body)
    return decode_scanned(shape, body, findings)


def decode_scanned(shape: type[B], body: bytes, findings: Findings) -> B:
    """Decode a JSON text, or a part of one, that the strict scan has passed, like `decode`."""
    try:
        return cast(B, _decoder(shape).decode(body))
    except msgspec.ValidationError:
        return _decode_by_field(shape, body, findings)


@cache
def _decoder(shape: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def _decode_by_field(shape: type[B], body: bytes, findings: Findings) -> B:
    """Decode each field by itself: the decoder stops at the first error, callers want them all."""
    try:
        sent = msgspec.json.decode(body, type=dict[str, Raw])
    except msgspec.ValidationError:
        raise errors.WrongType("The body must be a JSON object.") from None
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        name = field.encode_name
        raw = sent.pop(name, None)
        if raw is None:
            if field.required:
                findings.add(errors.FieldRequired(f"{name} is missing.", field=name))
            values[field.name] = UNSET
            continue
        try:
            values[field.name] = msgspec.json.decode(raw, type=field.type)
        except msgspec.ValidationError as error:
            findings.add(_misfit(error, name))
            values[field.name] = UNSET
    for name in sent:
        findings.add(errors.UnknownField("This route does not know the field.", field=name))
    return shape(**values)


def _misfit(error: msgspec.ValidationError, field: str) -> Invalid:
    detail = _WORDS.sub(_word, str(error).partition(" - at `")[0]) + "."
    if " of length " in detail:
        return FieldInvalid(detail, field=field)
    return errors.WrongType(detail, field=field)


def _word(found: re.Match[str]) -> str:
    return _IN_JSON[found.group(0)]


def _amount(raw: Raw, currency: str) -> int:
    text = bytes(raw)
    if text[:1] == b'"':
        return parse_amount(msgspec.json.decode(text, type=str), currency)
    if text[:1] in b"-0123456789":
        return parse_amount(text.decode("ascii"), currency)
    raise MalformedAmount("The amount must be a decimal string or a number.", field="amount")


def _body_key(verb: str, wallet: WalletIdentity, reference: str | None) -> Key:
    if reference:
        return idempotency.from_reference(wallet.client, verb, wallet.id, reference)
    return idempotency.made_here(wallet.client)


def without_control(field: str) -> Callable[[str], str]:
    """Make the check that a text has no control characters."""

    def check(text: str) -> str:
        if _CONTROL.search(text):
            raise FieldInvalid("It may not contain control characters.", field=field)
        return text

    return check


def _channel(text: str) -> str:
    if not _CHANNEL.fullmatch(text):
        raise FieldInvalid("A channel has 1 to 32 characters of a-z, 0-9 and -.", field="channel")
    return text


def _value_date(text: str) -> date:
    latest = clock.now().astimezone(UTC).date() + timedelta(days=1)
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _EARLIEST_VALUE_DATE <= found <= latest:
        raise FieldInvalid(
            f"It must be a date such as {latest}, from {_EARLIEST_VALUE_DATE} to tomorrow.",
            field="valueDate",
        )
    return found
