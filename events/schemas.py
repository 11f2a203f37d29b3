"""JSON Schemas of what readers of Kafka get, made from the classes in `contracts.py`.

Published in `docs/events`, one file for each type of event and one for the headers. Facts stay in
the topic for ever, so a published schema only ever gains optional fields and better words; for
anything else there is a new version of the type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from events import contracts
from events.contracts import LedgerSealed, MoneyMoved, PayoutTold, WalletFact

Schema = dict[str, Any]

ENDING: Final = ".schema.json"
ATTRIBUTES: Final = "cloudevents-attributes"
"""Name of the schema of the headers."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_RULE: Final = (
    "Tolerate fields that are not described here: some may be added, always optional. A change "
    "that takes a field away, changes what it holds or makes it required is a new version of the "
    "type."
)
_WORDS_ONLY: Final = frozenset({"$comment", "$id", "description", "examples", "title"})
"""What a schema says to people; none of it decides whether a value fits."""

_HAPPENED: Final = {
    contracts.CREATED: "A wallet was opened, by a call or by its first credit.",
    contracts.UPDATED: "The wallet's metadata changed.",
    contracts.FROZEN: "The wallet was frozen: it refuses debits and credits.",
    contracts.UNFROZEN: "The wallet was unfrozen: it takes debits and credits again.",
    contracts.CLOSED: "The wallet was closed, empty and for good.",
    contracts.DEPOSITED: "Money came into the wallet from outside.",
    contracts.WITHDRAWN: "Money left the wallet to the outside.",
    contracts.TRANSFER_SENT: "Money left the wallet for another wallet of the same client.",
    contracts.TRANSFER_RECEIVED: "Money came into the wallet from another of the same client.",
    contracts.HELD: "Money was set aside by a hold: still the wallet's, and not available.",
    contracts.CAPTURED: "Money that was set aside left the wallet; the hold ended with it.",
    contracts.RELEASED: "A hold ended without a capture: its money is available again.",
    contracts.REVERSED: "A movement was taken back, all of it or a part; told of both its wallets.",
    contracts.ADJUSTED: (
        "The wallet was corrected by hand, against one of the client's house accounts."
    ),
    contracts.BALANCE_REBUILT: (
        "The wallet's numbers were wrong and are now as the books say; no money moved."
    ),
    contracts.PAYOUT_REQUESTED: "A payout was asked for; its money is held.",
    contracts.PAYOUT_DELAYED: "A payout has to wait; told once, however long it takes.",
    contracts.PAYOUT_PAID: "The payment gateway has paid, and the money has left the wallet.",
    contracts.PAYOUT_REFUSED: "The payment gateway has refused; the money is available again.",
    contracts.LEDGER_SEALED: "A range of the ledger's postings was sealed.",
}

_ALICE: Final = "01a1fe91-c13e-7e9a-bb79-785f628acc38"
_BOB: Final = "01a1fe91-c140-7d11-9f02-3c86b5a1e7d4"
_DEPOSIT: Final = "01a1fe91-c165-7414-8721-ecfbbf300ddc"
_WITHDRAWAL: Final = "01a1fe91-c9a2-7be5-a2d0-51f7c0a96e13"
_REVERSAL: Final = "01a1fe91-d9c2-7e14-b3a7-1c8f26d05b94"
_ADJUSTMENT: Final = "01a1fe91-dc27-7b60-8e15-92f04d7ab3c6"
_APPROVAL: Final = "01a1fe91-db80-7c3e-a5d1-6f27e80b94c3"
_HOLD: Final = "01a1fe91-d4b1-7f06-a0c2-64d98e17fb25"
_TRANSFER: Final = "01a1fe91-d07c-7a38-8c4e-9b1d27f3a650"
_PAYOUT: Final = "01a1fe91-e0a4-7c55-93d1-0f5b7c2e4a19"


def _fact(sequence: int, balance: str, status: str = "ACTIVE") -> WalletFact:
    return WalletFact(
        wallet_id=_ALICE,
        sequence=sequence,
        currency="USD",
        balance=balance,
        held="0.00",
        available=balance,
        status=status,
        occurred_at=f"2026-01-15T10:3{sequence - 1}:00.000000Z",
    )


def _moved(
    wallet: str, sequence: int, balance: str, amount: str, entry: str, reference: str | None
) -> MoneyMoved:
    return MoneyMoved(
        wallet_id=wallet,
        sequence=sequence,
        currency="USD",
        balance=balance,
        held="0.00",
        available=balance,
        status="ACTIVE",
        occurred_at="2026-01-15T10:33:00.000000Z"
        if entry == _TRANSFER
        else (f"2026-01-15T10:3{sequence - 1}:00.000000Z"),
        transaction_id=entry,
        amount=amount,
        reference_id=reference,
    )


def _after_hold(sequence: int, balance: str, held: str, available: str) -> dict[str, Any]:
    """Tell what every fact tells of Bob's wallet, in which something was held."""
    return {
        "wallet_id": _BOB,
        "sequence": sequence,
        "currency": "USD",
        "balance": balance,
        "held": held,
        "available": available,
        "status": "ACTIVE",
        "occurred_at": f"2026-01-15T10:3{sequence - 1}:00.000000Z",
    }


def _of_payout(minute: int) -> dict[str, Any]:
    """Tell what every message tells of a payout of Alice's."""
    return {
        "payout_id": _PAYOUT,
        "wallet_id": _ALICE,
        "currency": "USD",
        "amount": "20.00",
        "reference_id": "payout-42",
        "occurred_at": f"2026-01-15T10:4{minute}:00.000000Z",
    }


EXAMPLES: Final[dict[str, WalletFact | PayoutTold | LedgerSealed]] = {
    contracts.CREATED: _fact(1, "0.00"),
    contracts.DEPOSITED: _moved(_ALICE, 2, "100.00", "100.00", _DEPOSIT, "dep123"),
    contracts.WITHDRAWN: _moved(_ALICE, 3, "50.00", "50.00", _WITHDRAWAL, "with456"),
    contracts.TRANSFER_SENT: _moved(_ALICE, 4, "25.00", "25.00", _TRANSFER, None),
    contracts.TRANSFER_RECEIVED: _moved(_BOB, 2, "25.00", "25.00", _TRANSFER, None),
    contracts.UPDATED: _fact(5, "25.00"),
    contracts.FROZEN: _fact(6, "25.00", "FROZEN"),
    contracts.UNFROZEN: _fact(7, "25.00"),
    contracts.CLOSED: _fact(9, "0.00", "CLOSED"),
    contracts.BALANCE_REBUILT: _fact(8, "25.00"),
    contracts.HELD: contracts.MoneyHeld(
        **_after_hold(3, "100.00", "40.00", "60.00"),
        hold_id=_HOLD,
        amount="40.00",
        expires_at="2026-01-22T10:32:00.000000Z",
        reference_id="order-17",
    ),
    contracts.CAPTURED: contracts.HoldCaptured(
        **_after_hold(4, "70.00", "0.00", "70.00"),
        hold_id=_HOLD,
        transaction_id=_WITHDRAWAL,
        amount="30.00",
        released="10.00",
        reference_id="order-17-shipped",
    ),
    contracts.REVERSED: contracts.MovementReversed(
        **_after_hold(4, "75.00", "0.00", "75.00"),
        transaction_id=_REVERSAL,
        amount="25.00",
        reference_id="refund-17",
        reverses=_DEPOSIT,
        direction="DEBIT",
    ),
    contracts.ADJUSTED: contracts.MoneyAdjusted(
        **_after_hold(5, "80.00", "0.00", "80.00"),
        transaction_id=_ADJUSTMENT,
        amount="5.00",
        reference_id=_APPROVAL,
        direction="CREDIT",
    ),
    contracts.RELEASED: contracts.HoldReleased(
        **_after_hold(4, "100.00", "0.00", "100.00"),
        hold_id=_HOLD,
        amount="40.00",
        reason="VOIDED",
        reference_id="order-17",
    ),
    contracts.PAYOUT_REQUESTED: PayoutTold(**_of_payout(0)),
    contracts.PAYOUT_DELAYED: contracts.PayoutDelayed(
        **_of_payout(1), reason="gateway_away", next_attempt_at="2026-01-15T10:41:02.000000Z"
    ),
    contracts.PAYOUT_PAID: contracts.PayoutPaid(**_of_payout(2), transaction_id=_WITHDRAWAL),
    contracts.PAYOUT_REFUSED: contracts.PayoutRefused(**_of_payout(2), reason="account_closed"),
    contracts.LEDGER_SEALED: LedgerSealed(
        number=2,
        after=4,
        upto=8,
        postings=4,
        entries=2,
        totals={"USD": contracts.Sums(credits="12500", debits="12500")},
        late=[],
        previous_hash="5f3c0e5b1d9a4c7788e6a2f04b3d1c9e7a6052f8b4e1d3c2a1908f7e6d5c4b3a",
        root_hash="9b1d7c30a4f2e8561c0b9a8d7e6f504132abcdef0123456789fedcba98765432",
        sealed_at="2026-01-15T10:45:00.000000Z",
    ),
}
"""One value of each type, from the lives of two wallets."""

_SHAPES: Final[dict[str, type[msgspec.Struct]]] = {
    **contracts.TYPES,
    **contracts.MESSAGES,
    **contracts.HEADS,
}


def of_type(type_: str) -> Schema:
    """Make the schema of the value of one type of event."""
    example = json.loads(contracts.encode(EXAMPLES[type_]))
    return _document(type_, _HAPPENED[type_], _SHAPES[type_], example)


def of_attributes() -> Schema:
    """Make the schema of an event's headers, read as an object of texts."""
    example = contracts.Attributes(
        content_type=contracts.CONTENT_TYPE,
        specversion=contracts.SPEC_VERSION,
        id="01a1fe91-c166-7c02-b3aa-0f64d1e85b97",
        source=f"/wallets/{_ALICE}",
        type=contracts.DEPOSITED,
        time=_fact(2, "100.00").occurred_at,
        subject=_DEPOSIT,
        clientid="1",
    )
    said = (contracts.Attributes.__doc__ or "").strip()
    return _document(ATTRIBUTES, said, contracts.Attributes, msgspec.to_builtins(example))


def every_schema() -> dict[str, Schema]:
    """Make all schemas, by the names of their files."""
    made = {ATTRIBUTES: of_attributes()} | {type_: of_type(type_) for type_ in _SHAPES}
    return {name + ENDING: made[name] for name in sorted(made)}


def write(schema: Schema) -> bytes:
    """Write a schema as the bytes of its file, the same each time."""
    return (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """Tell, a sentence each, what readers of the one schema could not bear in the other."""
    had, has = before.get("properties", {}), after.get("properties", {})
    needed, needs = set(before.get("required", ())), set(after.get("required", ()))
    found = [f"It removes `{name}`." for name in had if name not in has]
    for name in has:
        if name not in had:
            if name in needs:
                found.append(f"It adds `{name}` as required; events told before have none.")
            continue
        if _meaning(had[name]) != _meaning(has[name]):
            found.append(f"It changes what `{name}` may hold.")
        if name in needs - needed:
            found.append(f"It makes `{name}` required; events told before may have none.")
        if name in needed - needs:
            found.append(f"It makes `{name}` optional; readers count on it.")
    if _rest(before) != _rest(after):
        found.append("It changes the rules for the value as a whole.")
    return found


def refusals(published: Mapping[str, bytes], made: Mapping[str, Schema]) -> Iterator[str]:
    """Tell which published schemas may not become what the classes now say."""
    for name, content in published.items():
        if name not in made:
            yield (
                f"{name}: no class has this schema any more, and its events stay in the topic for "
                "ever; keep the type, or take the file away if nothing was ever published."
            )
            continue
        changes = breaking_changes(json.loads(content), made[name])
        if changes:
            yield f"{name}: {' '.join(changes)} Leave it as it is and make {_next(name)}."


def _next(name: str) -> str:
    stem, _, version = name.removesuffix(ENDING).rpartition(".v")
    return f"a type {stem}.v{int(version) + 1}" if stem else "a .v2 of it"


def _document(name: str, happened: str, shape: type[msgspec.Struct], example: Any) -> Schema:
    parts = msgspec.json.schema(shape)["$defs"]
    found = parts.pop(shape.__name__)
    return {
        "$schema": _DIALECT,
        "$id": f"urn:wallet-service:events:{name}",
        "$comment": _RULE,
        "title": name,
        "description": happened,
        "type": found["type"],
        "properties": found["properties"],
        "required": found["required"],
        "additionalProperties": True,
        **({"$defs": parts} if parts else {}),
        "examples": [example],
    }


def _meaning(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _meaning(v) for k, v in schema.items() if k not in _WORDS_ONLY}
    if isinstance(schema, list):
        return [_meaning(item) for item in schema]
    return schema


def _rest(schema: Schema) -> Schema:
    apart = _WORDS_ONLY | {"properties", "required"}
    return {key: _meaning(value) for key, value in schema.items() if key not in apart}
