"""The hash that freezes a request, and the canonical text that it is made over."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from wallets.approvals.errors import RequestInvalid
from wallets.approvals.models import Approval

_VERSION: Final = "approval.v1"


def canonical(value: Any) -> str:
    """Write plain values as JSON, always the same way.

    :raises RequestInvalid: if there is something that JSON has no exact word for.
    """
    _refuse_inexact(value)
    try:
        return json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except TypeError as error:
        raise RequestInvalid(f"The payload is not plain: {error}", field="payload") from error


def hash_of(approval: Approval) -> bytes:
    """Digest all that was asked for and who asked; a row that was changed has another."""
    facts = [
        _VERSION,
        str(approval.pk),
        approval.requested_by,
        approval.kind,
        approval.client,
        approval.subject,
        approval.payload,
        approval.amount_minor,
        approval.currency,
        approval.reason,
        approval.ticket,
    ]
    return hashlib.sha256(canonical(facts).encode()).digest()


def is_unaltered(approval: Approval) -> bool:
    """Tell whether a row is what was asked for."""
    return bytes(approval.payload_hash) == hash_of(approval)


def payload_of(approval: Approval) -> Any:
    """Read what to do."""
    return json.loads(approval.payload)


def _refuse_inexact(value: Any) -> None:
    if isinstance(value, float):
        raise RequestInvalid("A payload has no floats: amounts are minor units.", field="payload")
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(inner, str | int) or inner is None:
        return
    for one in inner if hasattr(inner, "__iter__") else ():
        _refuse_inexact(one)
