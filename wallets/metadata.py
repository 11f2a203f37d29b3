"""The free-form notes a client keeps on wallets and movements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wallets import errors

KEYS_MAX: Final = 20
BYTES_MAX: Final = 4096


def check(metadata: Mapping[str, Any]) -> None:
    """Hold metadata to its size: 20 keys, 4 KiB as JSON.

    :raises FieldInvalid: naming the limit that was passed, or a number no database would keep.
    """
    _check_numbers(metadata)
    if len(metadata) > KEYS_MAX:
        raise errors.FieldInvalid(
            f"Metadata has at most {KEYS_MAX} keys, not {len(metadata)}.", field="metadata"
        )
    size = len(msgspec.json.encode(metadata))
    if size > BYTES_MAX:
        raise errors.FieldInvalid(
            f"Metadata has at most {BYTES_MAX} bytes as JSON, not {size}.", field="metadata"
        )


def _check_numbers(value: Any) -> None:
    """Refuse integers beyond 64 bits: MySQL's JSON would round them without a word."""
    if isinstance(value, Mapping):
        for inner in value.values():
            _check_numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_numbers(inner)
    elif isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise errors.FieldInvalid(
            "Metadata has an integer beyond 64 bits; send it as text.", field="metadata"
        )


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396, section 2) and return the result."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
