"""Who a wallet is, as far as it never changes: resolved before the queue, kept in memory."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import Error

from wallet_project.kit import replica
from wallet_project.kit.replica import Source
from wallets import errors
from wallets.models import Wallet

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
_REMEMBERED: Final = 65_536


@dataclass(frozen=True, slots=True)
class WalletIdentity:
    """The immutable part of a wallet."""

    id: UUID
    client: int
    client_name: str
    currency: str
    reference: str | None = None

    @property
    def name(self) -> str:
        """The one name that stands for the wallet in digests: its reference never changes."""
        return self.reference or str(self.id)


def parse_uuid(text: str) -> UUID | None:
    """Read a UUID in its canonical text form, or None for anything else."""
    return UUID(text) if _UUID.fullmatch(text) else None


def check_reference(reference: str, *, field: str = "reference") -> str:
    """Return a caller-chosen wallet reference that can name a wallet.

    :raises FieldInvalid: if it has other characters, is too long, or looks like a UUID.
    """
    if not _REFERENCE.fullmatch(reference) or parse_uuid(reference):
        raise errors.FieldInvalid(
            "A reference has 1 to 64 characters of A-Z, a-z, 0-9 and . _ : @ -, starts with a "
            "letter or digit, and is not shaped like a UUID.",
            field=field,
        )
    return reference


def identify(client: int, name: str, *, field: str = "walletId") -> WalletIdentity:
    """Find a client's wallet by its UUID or by the client's own reference.

    :raises WalletNotFound: if the client has no such wallet, also when another client has it.
    """
    return require(find(client, name), field=field)


def require(found: WalletIdentity | None, *, field: str = "walletId") -> WalletIdentity:
    """Return what a look-up found.

    :raises WalletNotFound: if that is nothing.
    """
    if found is None:
        missing = (
            errors.DestinationNotFound if field == "destinationWalletId" else errors.WalletNotFound
        )
        raise missing("The wallet does not exist.", field=field)
    return found


def find(client: int, name: str) -> WalletIdentity | None:
    """Find a client's wallet like `identify`, or None when the client has none of that name."""
    found = known(client, name)
    return found if found is not None else identify_many(client, [name]).get(name)


def known(client: int, name: str) -> WalletIdentity | None:
    """Find a client's wallet in memory only."""
    key = (client, name)
    with _lock:
        found = _known.get(key)
        if found is not None:
            _known.move_to_end(key)
        return found


def identify_many(client: int, names: Collection[str]) -> dict[str, WalletIdentity]:
    """Find several of a client's wallets, each by its UUID or by the client's own reference, in
    two statements at most. Names of no wallet of the client's are left out.

    :raises django.db.Error: if nobody could tell.
    """
    asked = [(client, name) for name in names]
    found = {}
    for (_, name), one in zip(asked, find_each(asked), strict=True):
        if isinstance(one, Error):
            raise one
        if one is not None:
            found[name] = one
    return found


def find_each(asked: Sequence[tuple[int, str]]) -> list[WalletIdentity | Error | None]:
    """Find wallets by client and name: in its place each, or None where the client has none of
    that name, or the database's error where nobody could tell."""
    there: dict[tuple[int, str], WalletIdentity | Error | None] = {}
    for one in asked:
        there[one] = known(*one)
    unknown = [one for one, found in there.items() if found is None and _may_be_name(one[1])]
    if unknown:
        read = replica.read_each(unknown, _look_up_each)
        there |= read
        _remember({one: found for one, found in read.items() if isinstance(found, WalletIdentity)})
    return [there[one] for one in asked]


def forget_all() -> None:
    """Empty the memory; for tests that empty the database."""
    with _lock:
        _known.clear()


_known: OrderedDict[tuple[int, str], WalletIdentity] = OrderedDict()
_lock = threading.Lock()


def _remember(found: Mapping[tuple[int, str], WalletIdentity]) -> None:
    with _lock:
        _known.update(found)
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)


def _may_be_name(name: str) -> bool:
    return parse_uuid(name) is not None or _REFERENCE.fullmatch(name) is not None


def _look_up_each(
    source: Source, asked: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], WalletIdentity | None]:
    # Whose they are is looked at below: ids are found by the primary key, whoever asks.
    ids = {one: wallet_id for one in asked if (wallet_id := parse_uuid(one[1])) is not None}
    references = [one for one in asked if one not in ids]
    by_id = {row.id: row for row in _rows(source, pk__in=set(ids.values()))}
    by_reference = {
        (row.client, row.reference): row
        for row in _rows(
            source,
            client_id__in={client for client, _ in references},
            reference__in={reference for _, reference in references},
        )
    }
    found: dict[tuple[int, str], WalletIdentity | None] = {}
    for one in asked:
        row = by_id.get(ids[one]) if one in ids else by_reference.get(one)
        if row is not None and row.client == one[0]:
            found[one] = row
        elif not source.is_replica:  # what the primary does not have is not there
            found[one] = None
    return found


def _rows(source: Source, **wanted: Collection[object]) -> list[WalletIdentity]:
    if not all(wanted.values()):
        return []
    rows = Wallet.objects.using(source.using).filter(**wanted)
    columns = ("id", "client_id", "client__name", "currency", "reference")
    return [WalletIdentity(*row) for row in rows.values_list(*columns)]
