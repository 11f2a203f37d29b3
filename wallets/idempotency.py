"""What makes a repeat harmless: the key a command carries and the digest of what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from wallet_project.kit.ids import uuid7

_VERSION: Final = b"1"
_encoder = msgspec.msgpack.Encoder()

Part = str | int | bytes | None | dict[str, object]


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, ready to be compared by bytes."""

    digest: bytes
    """32 bytes; what the unique indexes hold."""
    shown: str
    """As the caller sent it, or as it was made here: answered as `Idempotency-Key`."""
    origin: str = "header"
    """`header`, `reference` or `made`."""


def from_header(client: int, key: str) -> Key:
    """Make the key of an `Idempotency-Key` header. Its scope is the client."""
    return Key(_digest(b"header", client, key), key)


def from_reference(client: int, verb: str, wallet: UUID | str, reference: str) -> Key:
    """Make the key of a `referenceId`. Its scope is client, verb and wallet, so that a single
    call, a bulk item and an operation with one reference are one command.

    Where a wallet may not exist yet it is given by name; such keys are a scope of their own."""
    named = wallet.bytes if isinstance(wallet, UUID) else wallet
    return Key(_digest(b"reference", client, verb, named, reference), reference, "reference")


def made_here(client: int) -> Key:
    """Make a key for a caller who gave none; the answer tells it, so a repeat can name it."""
    key = str(uuid7())
    return Key(_digest(b"header", client, key), key, "made")


def approved(client: int, approval: UUID) -> Key:
    """Make the key of what a second person has approved: it happens once, whoever resumes it."""
    return Key(_digest(b"approval", client, approval.bytes), str(approval), "approval")


def derived(key: Key, purpose: str) -> Key:
    """Make the key of something that belongs to what another key names."""
    return Key(_digest(b"derived", key.digest, purpose), key.shown, "derived")


def request_hash(verb: str, parts: Sequence[Part]) -> bytes:
    """Digest a parsed command: resolved ids and minor units, never raw bytes, so that `100`,
    `100.0` and `"100.00"` are the same command."""
    return _digest(b"request", verb, *parts)


def _digest(purpose: bytes, *parts: Part) -> bytes:
    # MessagePack writes lengths, so no two different tuples share an encoding.
    return hashlib.sha256(_encoder.encode((_VERSION, purpose, *map(_canonical, parts)))).digest()


def _canonical(part: Part) -> object:
    if isinstance(part, dict):
        return msgspec.json.encode(part, order="deterministic")
    return part
