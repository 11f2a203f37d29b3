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

    :raises FieldInvalid: naming the limit that was passed.
    """
    if len(metadata) > KEYS_MAX:
        raise errors.FieldInvalid(
            f"Metadata has at most {KEYS_MAX} keys, not {len(metadata)}.", field="metadata"
        )
    size = len(msgspec.json.encode(metadata))
    if size > BYTES_MAX:
        raise errors.FieldInvalid(
            f"Metadata has at most {BYTES_MAX} bytes as JSON, not {size}.", field="metadata"
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
