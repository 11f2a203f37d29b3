"""From events to what the rules look at, and back from the table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from uuid import UUID

from django.db import connections, transaction

from events import contracts
from events.consumer import Event
from events.consumers.fraud.models import Kind, Observation, Turn
from events.consumers.fraud.rules import Observed, Transfer
from wallet_project.kit.bulk_sql import insert_rows
from wallet_project.kit.database import PRIMARY, ByPrimaryKey, update_by_primary_key
from wallet_project.kit.fields import BinaryUUIDField
from wallet_project.kit.money import parse_amount

RECENT_MAX: Final = 500
"""Facts of a wallet that a rule looks at; no threshold asks for nearly as many."""
NEIGHBOURS_MAX: Final = 300
"""Transfers that are followed at each step from one wallet to the next."""

KINDS: Final[dict[str, Kind]] = {
    contracts.CREATED: Kind.CREATED,
    contracts.DEPOSITED: Kind.DEPOSIT,
    contracts.WITHDRAWN: Kind.WITHDRAWAL,
    "wallet.captured.v1": Kind.WITHDRAWAL,  # a hold's money has left, as by a payout
    contracts.TRANSFER_SENT: Kind.SENT,
    contracts.TRANSFER_RECEIVED: Kind.RECEIVED,
}
"""The facts that are looked at; all others say nothing about fraud."""

_COLUMNS: Final = (
    "event_id",
    "wallet",
    "client",
    "kind",
    "amount",
    "currency",
    "balance",
    "transaction_id",
    "occurred_at",
)

_WALLETS_A_TRIP: Final = 100
_TOTALS: Final = f"""
SELECT MAX(wallet),
       SUM(CASE WHEN kind = '{Kind.WITHDRAWAL}' THEN 1 ELSE 0 END),
       COUNT(DISTINCT CASE WHEN kind = '{Kind.RECEIVED}' THEN counterpart END),
       SUM(CASE WHEN kind IN ('{Kind.DEPOSIT}', '{Kind.RECEIVED}') THEN amount ELSE 0 END),
       MAX(CASE WHEN kind = '{Kind.RECEIVED}' THEN occurred_at END)
  FROM (SELECT wallet, kind, counterpart, amount, occurred_at
          FROM {Observation._meta.db_table}
         WHERE wallet = %s AND occurred_at >= %s AND occurred_at <= %s
         ORDER BY occurred_at DESC LIMIT %s) newest"""  # noqa: S608 - names of the schema


@dataclass(frozen=True, slots=True)
class Window:
    """Which facts of a wallet a rule looks at."""

    since: datetime
    until: datetime
    most: int
    """The newest ones, at most so many."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What the facts of a wallet in a window come to."""

    withdrawals: int
    senders: int
    """Wallets that sent it money."""
    received: int
    """Minor units, whatever way they came."""
    latest: datetime | None
    """When the last of what others sent came."""


def observe(event: Event) -> Observed | None:
    """Read an event, or None where it is of no interest.

    :raises Undecodable: if its value is not what its type says.
    """
    kind = KINDS.get(event.type)
    if kind is None:
        return None
    fact = contracts.decode(event.type, event.value)
    moved = isinstance(fact, contracts.MoneyMoved)
    return Observed(
        event=event.id,
        wallet=event.stream,
        client=event.client,
        kind=kind,
        amount=parse_amount(fact.amount, fact.currency) if moved else 0,  # type: ignore[attr-defined]
        currency=fact.currency,
        balance=int(fact.balance.replace(".", "")),  # always has all of the currency's decimals
        transaction=UUID(fact.transaction_id) if moved else None,  # type: ignore[attr-defined]
        at=event.time.astimezone(UTC),
    )


def take_turns(clients: Collection[int]) -> None:
    """Wait until nobody else judges facts of these clients, until the transaction ends."""
    wanted = sorted(clients)
    locked = Turn.objects.using(PRIMARY).select_for_update().filter(client__in=wanted)
    missing = set(wanted) - {turn.client for turn in locked.order_by("client")}
    if missing:
        with transaction.atomic(using=PRIMARY):
            rows = [Turn(client=client) for client in sorted(missing)]
            Turn.objects.using(PRIMARY).bulk_create(rows, ignore_conflicts=True)
        list(locked.order_by("client").all())


def store(facts: Sequence[Observed]) -> None:
    """Remember facts."""
    insert_rows(
        Observation,
        _COLUMNS,
        [
            (
                one.event,
                one.wallet,
                one.client,
                one.kind.value,
                one.amount,
                one.currency,
                one.balance,
                one.transaction,
                one.at,
            )
            for one in facts
        ],
    )


def pair(facts: Iterable[Observed]) -> list[Transfer]:
    """Join the legs of transfers, whichever came first; return those that are whole only now."""
    asked = {one.transaction for one in facts if one.kind in (Kind.SENT, Kind.RECEIVED)}
    if not asked:
        return []
    rows = Observation.objects.using(PRIMARY).filter(transaction_id__in=asked)
    legs: dict[UUID | None, dict[Kind, Observed]] = {}
    for values in rows.values_list(*_COLUMNS, "counterpart"):
        leg = _observed(*values)
        legs.setdefault(leg.transaction, {})[leg.kind] = leg
    whole = [(found[Kind.SENT], found[Kind.RECEIVED]) for found in legs.values() if len(found) == 2]
    others = {
        one.event: other.wallet
        for sent, received in whole
        for one, other in ((sent, received), (received, sent))
    }
    if others:
        legs_found = Observation.objects.using(PRIMARY).filter(pk__in=list(others))
        update_by_primary_key(
            legs_found, counterpart=ByPrimaryKey(others, output_field=BinaryUUIDField())
        )
    transfers = [_transfer(replace(sent, counterpart=other.wallet)) for sent, other in whole]
    return sorted(transfers, key=lambda one: (one.at, one.transaction))


def recent(wallet: UUID, window: Window) -> list[Observed]:
    """Read what happened to a wallet in a window, oldest first: the newest facts, if they are
    more than the window takes."""
    rows = Observation.objects.using(PRIMARY).filter(
        wallet=wallet, occurred_at__gte=window.since, occurred_at__lte=window.until
    )
    latest = rows.order_by("-occurred_at").values_list(*_COLUMNS, "counterpart")[: window.most]
    return [_observed(*row) for row in reversed(latest)]


def totals(wallets: Collection[UUID], window: Window) -> dict[UUID, Totals]:
    """Sum up what `recent` would read of each wallet; one of which it would read nothing is left
    out. As few trips as can be, and no more rows than `recent`: a wallet may have millions."""
    found: dict[UUID, Totals] = {}
    connection = connections[PRIMARY]
    since, until = map(connection.ops.adapt_datetimefield_value, (window.since, window.until))
    waiting = sorted(wallets)
    for place in range(0, len(waiting), _WALLETS_A_TRIP):
        trip = waiting[place : place + _WALLETS_A_TRIP]
        parameters = [
            value for wallet in trip for value in (wallet.bytes, since, until, window.most)
        ]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([_TOTALS] * len(trip)), parameters)
            for wallet, withdrawals, senders, received, latest in cursor.fetchall():
                if wallet is not None:
                    found[UUID(bytes=bytes(wallet))] = Totals(
                        int(withdrawals), int(senders), int(received), _moment(latest)
                    )
    return found


def _moment(found: datetime | str | None) -> datetime | None:
    """Read a time as a driver gives it: UTC, and of SQLite a text."""
    read = datetime.fromisoformat(found) if isinstance(found, str) else found
    return None if read is None else read.replace(tzinfo=UTC)


def opened_at(wallets: Collection[UUID]) -> dict[UUID, datetime]:
    """Tell when wallets were opened, as far as that is not forgotten."""
    rows = Observation.objects.using(PRIMARY).filter(wallet__in=wallets, kind=Kind.CREATED)
    return dict(rows.values_list("wallet", "occurred_at"))


def neighbourhood(
    transfers: Collection[Transfer], *, steps: int, window: timedelta, least: int
) -> list[Transfer]:
    """Follow the money from where these transfers took it, so many steps far, by transfers of
    `least` minor units or more."""
    most = NEIGHBOURS_MAX + len(transfers)
    since = min(one.at for one in transfers) - window
    until = max(one.at for one in transfers) + window
    found: list[Transfer] = []
    visited: set[UUID] = set()
    frontier = {one.destination for one in transfers}
    for _ in range(steps):
        if not frontier:
            break
        rows = Observation.objects.using(PRIMARY).filter(
            wallet__in=frontier,
            occurred_at__gte=since,
            occurred_at__lte=until,
            kind=Kind.SENT,
            counterpart__isnull=False,
            amount__gte=least,
        )
        latest = rows.order_by("-occurred_at").values_list(*_COLUMNS, "counterpart")
        step = [_transfer(_observed(*row)) for row in latest[:most]]
        found += step
        visited |= frontier
        frontier = {one.destination for one in step} - visited
    return found


def _observed(
    event: UUID,
    wallet: UUID,
    client: int,
    kind: str,
    amount: int,
    currency: str,
    balance: int,
    transaction_id: UUID | None,
    at: datetime,
    counterpart: UUID | None,
) -> Observed:
    """Make a fact of a row's values, in the order of `_COLUMNS`."""
    return Observed(
        event=event,
        wallet=wallet,
        client=client,
        kind=Kind(kind),
        amount=amount,
        currency=currency,
        balance=balance,
        transaction=transaction_id,
        at=at,
        counterpart=counterpart,
    )


def _transfer(sent: Observed) -> Transfer:
    """Make a transfer of its leg that left, which knows both wallets and its entry."""
    return Transfer(
        transaction=cast(UUID, sent.transaction),
        event=sent.event,
        source=sent.wallet,
        destination=cast(UUID, sent.counterpart),
        client=sent.client,
        amount=sent.amount,
        currency=sent.currency,
        at=sent.at,
    )
