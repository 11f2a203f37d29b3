"""The kinds of things that need a second person, by their codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from wallet_project.kit.audit import Actor
from wallets.approvals.errors import RequestInvalid
from wallets.approvals.models import Approval

Payload: TypeAlias = Mapping[str, Any]
"""Plain values for JSON: text, whole numbers, yes and no, lists and mappings of them; no floats."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for."""

    kind: str
    subject: str
    """By id: a wallet, an entry, a period."""
    reason: str
    ticket: str
    payload: Payload = field(default_factory=dict)
    client: int | None = None
    amount: int | None = None
    """Minor units, above zero; None: no money is moved."""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what a request does, for a person to read."""

    label: str
    now: str
    """How it is at present, or the fact itself."""
    after: str = ""
    """How it would be; empty where nothing changes."""
    link: tuple[str, object] | None = None
    """The row behind it, such as `("wallets.wallet", id)`."""
    is_state: bool = False
    """It tells how a thing is at present, and nothing of what was asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    text: str
    transaction_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a checker may allow besides, which changes what is done."""

    code: str
    label: str
    offered: Callable[[Approval], bool] = lambda _: True
    """Whether it makes sense as things are."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request; the package's docstring says what its functions may count on."""

    code: str
    title: str
    validate: Callable[[Asked], None]
    """Refuse what could never be carried out.

    :raises DomainError: which is shown to who asks.
    """
    describe: Callable[[Approval], Sequence[Line]]
    """Tell what it would do to things as they are now; reads only."""
    carry_out: Callable[[Approval, Actor], Outcome]
    request_right: str = "approvals.request_approval"
    approve_right: str = "approvals.decide_approval"
    is_atomic: bool = False
    """Called inside the transaction that writes CARRIED_OUT."""
    options: tuple[Option, ...] = ()


_KINDS: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known.

    :raises ValueError: if another one has its code.
    """
    if _KINDS.setdefault(kind.code, kind) is not kind:
        raise ValueError(f"Two kinds of approval are called {kind.code}.")
    return kind


def find(code: str) -> Kind:
    """Return a kind.

    :raises RequestInvalid: if there is none of this code.
    """
    kind = _KINDS.get(code)
    if kind is None:
        raise RequestInvalid(f"There is no kind of request {code!r}.", field="kind")
    return kind


def every() -> list[Kind]:
    """List the kinds by their titles."""
    return sorted(_KINDS.values(), key=lambda kind: kind.title)
