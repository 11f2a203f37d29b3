"""Load a file of a bank or provider: all of its lines, or none."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets.reconciliation import errors, queries
from wallets.reconciliation import mapping as mappings
from wallets.reconciliation.files import reading
from wallets.reconciliation.files.lines import Contents, FileLine
from wallets.reconciliation.models import (
    ChannelSetup,
    FileContent,
    Item,
    ItemStatus,
    Side,
    StatementFile,
    StatementLine,
)

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
PACKED_BYTES_MAX: Final = 5 * 1024 * 1024
"""What is kept: a statement of this size has to fit the database's packet with room to spare."""
_REPEATS_LISTED: Final = 1000
_LOOKED_UP: Final = 500
_TOLD: Final = 10
_LINE_COLUMNS: Final = (
    *("id", "file_id", "number", "client", "channel", "external_reference", "amount", "currency"),
    *("booked_on", "value_date", "reference", "text", "digest"),
)
_ITEM_COLUMNS: Final = (
    *("id", "side", "client", "channel", "currency", "amount", "day", "reference", "status"),
    *("turn", "owner", "made_at"),
)

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file that was loaded."""

    id: UUID
    lines: int
    """New ones."""
    repeats: int
    """Lines that were known: from an earlier file, or earlier in this one."""


@dataclass(frozen=True, slots=True)
class Package:
    """A file that was read and found sound, ready to be stored."""

    setup: ChannelSetup
    name: str
    content: bytes
    packed: bytes
    contents: Contents

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the bytes."""
        return hashlib.sha256(self.content).digest()

    def refuse_troubles(self) -> None:
        """Refuse a file of which a line cannot be read.

        :raises FileUnreadable: with the numbers of the first such lines.
        """
        if self.contents.troubles:
            raise errors.FileUnreadable(_sentence(self.contents), field="file")


def load_file(
    *,
    client: int,
    channel: str,
    name: str,
    content: bytes,
    by: audit.Actor,
    progress: Progress | None = None,
) -> Loaded:
    """Store a file with its lines, and an open item for each line that is new.

    :raises NotSetUp: if nobody has said how the channel's files are read.
    :raises FileTooLarge, FileUnreadable: as they say; the numbers of bad lines stand in the text.
    :raises FileLoadedAlready: if the same bytes were loaded for the channel.
    :raises LineContradicts: if a line was loaded before and said something else.
    """
    tell = progress or (lambda _: None)
    package = read_package(client=client, channel=channel, name=name, content=content)
    package.refuse_troubles()
    tell(f"{len(package.contents.lines)} lines read")
    loaded = database.run_retrying(
        lambda: _store(package, by), database.INTERACTIVE, operation="load_file"
    )
    tell(f"{loaded.lines} lines stored, {loaded.repeats} were known")
    return loaded


def read_package(*, client: int, channel: str, name: str, content: bytes) -> Package:
    """Read a file without storing anything; what is wrong with its lines stands in its contents.

    :raises NotSetUp, FileTooLarge, FileLoadedAlready: as `load_file`.
    """
    setup = queries.setup_of(client, channel)
    if len(content) > FILE_BYTES_MAX:
        raise errors.FileTooLarge(
            f"The file has {len(content)} bytes; at most {FILE_BYTES_MAX} are loaded at once.",
            field="file",
        )
    packed = zlib.compress(content, 6)
    if len(packed) > PACKED_BYTES_MAX:
        raise errors.FileTooLarge(
            f"The file has {len(packed)} bytes when compressed; at most {PACKED_BYTES_MAX} are "
            "kept. Load it in parts.",
            field="file",
        )
    _refuse_twice(client, channel, hashlib.sha256(content).digest())
    contents = reading.read(
        content,
        setup.format,
        mapping=mappings.read_mapping(setup.mapping),
        currency=setup.currency,
    )
    return Package(setup, name[:200] or "unnamed", content, packed, contents)


def new_lines(package: Package) -> tuple[list[FileLine], list[int]]:
    """Tell lines that are new from the numbers of those that are known.

    :raises LineContradicts: if one was known and said something else.
    """
    known: dict[str, bytes] = {}
    lines = package.contents.lines
    for start in range(0, len(lines), _LOOKED_UP):
        some = [line.external_reference for line in lines[start : start + _LOOKED_UP]]
        known |= _known(package.setup, some)
    fresh, repeated, wrong = [], [], []
    for line in lines:
        before = known.get(line.external_reference)
        if before is None:
            known[line.external_reference] = line.digest()
            fresh.append(line)
        elif before == line.digest():
            repeated.append(line.number)
        else:
            wrong.append(line)
    if wrong:
        named = ", ".join(f"{one.number} ({one.external_reference})" for one in wrong[:_TOLD])
        raise errors.LineContradicts(
            f"Lines that were loaded before say something else now: {named}. Ask the bank; "
            "nothing was loaded.",
            field="file",
        )
    return fresh, repeated


def _store(package: Package, by: audit.Actor) -> Loaded:
    setup, moment, id_ = package.setup, clock.now(), uuid7()
    with transaction.atomic(using=PRIMARY, durable=True):
        _refuse_twice(setup.client, setup.channel, package.digest)
        fresh, repeated = new_lines(package)
        days = [line.booked_on for line in package.contents.lines]
        StatementFile.objects.using(PRIMARY).create(
            id=id_,
            client=setup.client,
            channel=setup.channel,
            format=setup.format,
            name=package.name,
            digest=package.digest,
            size=len(package.content),
            reading=setup.mapping,
            lines=len(fresh),
            repeated=repeated[:_REPEATS_LISTED],
            repeats=len(repeated),
            sums=sums_of(package.contents),
            first_day=min(days),
            last_day=max(days),
            loaded_at=moment,
            loaded_by=by.id,
        )
        FileContent.objects.using(PRIMARY).create(file_id=id_, packed=package.packed)
        _insert(setup, id_, fresh, moment)
        detail = {"channel": setup.channel, "lines": len(fresh), "repeats": len(repeated)}
        act = audit.Act(
            "statementfile.load", "reconciliation.statementfile", str(id_), detail=detail
        )
        audit.record(by, act)
    return Loaded(id_, len(fresh), len(repeated))


def _insert(setup: ChannelSetup, file: UUID, lines: Iterable[FileLine], moment: datetime) -> None:
    rows, items = [], []
    owned = setup.client, setup.channel
    for line in lines:
        id_ = uuid7()
        rows.append(
            (
                *(id_, file, line.number, *owned, line.external_reference, line.amount),
                *(line.currency, line.booked_on, line.value_date, line.reference, line.text),
                line.digest(),
            )
        )
        items.append(
            (
                *(id_, Side.LINE, *owned, line.currency, line.amount, line.value_date),
                *(line.reference, ItemStatus.OPEN, 0, "", moment),
            )
        )
    insert_rows(StatementLine, _LINE_COLUMNS, rows)
    insert_rows(Item, _ITEM_COLUMNS, items)


def sums_of(contents: Contents) -> dict[str, Any]:
    """Sum a file by currency, with the balances it names; minor units as texts."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: {"lines": 0, "in": 0, "out": 0})
    for line in contents.lines:
        one = sums[line.currency]
        one["lines"] += 1
        one["in" if line.amount > 0 else "out"] += abs(line.amount)
    told: dict[str, Any] = {
        code: {
            "lines": one["lines"],
            "in": str(one["in"]),
            "out": str(one["out"]),
            "net": str(one["in"] - one["out"]),
        }
        for code, one in sorted(sums.items())
    }
    for balance in contents.balances:
        one = told.setdefault(balance.currency, {"lines": 0, "in": "0", "out": "0", "net": "0"})
        one.setdefault("opening", str(balance.opening))
        one["closing"] = str(balance.closing)
    return told


def _refuse_twice(client: int, channel: str, digest: bytes) -> None:
    rows = StatementFile.objects.using(PRIMARY)
    before = rows.filter(client=client, channel=channel, digest=digest).first()
    if before is not None:
        raise errors.FileLoadedAlready(
            f"This file was loaded on {before.loaded_at:%Y-%m-%d %H:%M} UTC as {before.name}; "
            "nothing was loaded again.",
            field="file",
        )


def _known(setup: ChannelSetup, references: list[str]) -> dict[str, bytes]:
    rows = StatementLine.objects.using(PRIMARY).filter(
        client=setup.client, channel=setup.channel, external_reference__in=references
    )
    found = rows.values_list("external_reference", "digest")
    return {reference: bytes(digest) for reference, digest in found}


def _sentence(contents: Contents) -> str:
    told = " ".join(str(trouble) for trouble in contents.troubles[:_TOLD])
    more = len(contents.troubles) - _TOLD
    rest = f" And {more} more." if more > 0 else ""
    return f"Nothing was loaded. {told}{rest}"
