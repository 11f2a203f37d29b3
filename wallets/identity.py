"""Who a wallet is, as far as it never changes: resolved before the queue, kept in memory."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

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
    if found is None:
        found = _look_up(client, name)
        if found is not None:
            _remember({(client, name): found})
    return found


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
    two statements at most. Names of no wallet of the client's are left out."""
    with _lock:
        found = {name: _known[client, name] for name in names if (client, name) in _known}
    unknown = [name for name in names if name not in found]
    ids = {name: wallet_id for name in unknown if (wallet_id := parse_uuid(name)) is not None}
    references = [name for name in unknown if name not in ids and _REFERENCE.fullmatch(name)]
    rows = _look_up_all(client, set(ids.values()), references)
    for name in unknown:
        row = rows.get(ids.get(name, name))
        if row is not None:
            found[name] = row
    _remember({(client, name): found[name] for name in unknown if name in found})
    return found


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


def _look_up(client: int, name: str) -> WalletIdentity | None:
    return replica.read(lambda source: _look_up_in(source, client, name))


def _look_up_in(source: Source, client: int, name: str) -> WalletIdentity | None:
    wallets = Wallet.objects.using(source.using).filter(client_id=client)
    wallet_id = parse_uuid(name)
    if wallet_id is not None:
        wallets = wallets.filter(pk=wallet_id)
    elif _REFERENCE.fullmatch(name):
        wallets = wallets.filter(reference=name)
    else:
        return None
    row = wallets.values_list("id", "client_id", "client__name", "currency", "reference").first()
    source.need(row is not None)  # it may have been opened a moment ago
    return None if row is None else WalletIdentity(*row)


def _look_up_all(
    client: int, ids: Collection[UUID], references: Collection[str]
) -> dict[UUID | str, WalletIdentity]:
    """Read wallets by id and by reference; each stands under the name it was asked for."""
    if not ids and not references:
        return {}
    return replica.read(lambda source: _look_up_all_in(source, client, ids, references))


def _look_up_all_in(
    source: Source, client: int, ids: Collection[UUID], references: Collection[str]
) -> dict[UUID | str, WalletIdentity]:
    wallets = Wallet.objects.using(source.using).filter(client_id=client)
    columns = ("id", "client_id", "client__name", "currency", "reference")
    found: dict[UUID | str, WalletIdentity] = {}
    if ids:
        for row in wallets.filter(pk__in=list(ids)).values_list(*columns):
            found[row[0]] = WalletIdentity(*row)
    if references:
        for row in wallets.filter(reference__in=list(references)).values_list(*columns):
            found[str(row[4])] = WalletIdentity(*row)
    source.need(len(found) == len(ids) + len(references))  # some may have been opened just now
    return found
