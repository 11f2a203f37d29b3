"""What the home page says of each part: a number, how it is, and what it means.

Each function asks for rows by an index, and for so many at most: a queue that has grown for hours
is counted as quickly as an empty one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.models import Min, QuerySet

from events.consumers.fraud.models import AlertStatus, FraudAlert
from events.models import DeadLetter, LetterStatus, OutboxStatus, waiting
from ledger import proofs
from ledger.rollups import Line, TrialBalance
from wallet_project import health
from wallet_project.kit import clock
from wallet_project.kit.admin import money
from wallet_project.kit.database import PRIMARY
from wallets.approvals.models import Approval
from wallets.approvals.models import Status as ApprovalStatus
from wallets.chart import House
from wallets.models import OPEN, Operation, OperationStatus, Payout
from wallets.reconciliation import queries as reconciling
from wallets.reconciliation.queries import Aged

COUNTED_MAX: Final = 1_000
PROOF_AGE_MAX: Final = timedelta(days=1)
EVENT_LATE: Final = timedelta(seconds=10)
EVENT_STUCK: Final = timedelta(minutes=1)
SUSPENSE_DAYS_MAX: Final = 30
PAYOUT_STUCK: Final = timedelta(minutes=5)


class State(StrEnum):
    """How a part is doing; the value is what people read."""

    GOOD = "OK"
    NOTE = "Look"
    """Somebody should look at it in the course of the day."""
    ALARM = "Alarm"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Tile:
    """One part on the home page."""

    value: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CurrencyBooks:
    """The books of one currency for the home page; minor units."""

    currency: str
    customers: int
    """What customers have."""
    at_rails: int
    """What the payment rails hold for us."""
    in_transit: int
    difference: int | None
    """Of the trial balance; None: not known."""

    @property
    def cover(self) -> int:
        """What is at rails and in transit beyond what customers have; below 0 it is missing."""
        return self.at_rails + self.in_transit - self.customers


UNKNOWN: Final = Tile("Unknown", State.UNKNOWN, "It could not be asked. The next page load tries.")


def books_by_currency(told: TrialBalance) -> list[CurrencyBooks]:
    """Sort a trial balance's lines into customers' money and where it lies."""
    return [
        CurrencyBooks(
            books.currency,
            books.customers,
            -_sum(told.lines, books.currency, ":external:"),
            -_sum(told.lines, books.currency, ":payouts:"),
            books.difference,
        )
        for books in told.by_currency()
    ]


def trial_balance(books: Sequence[CurrencyBooks], told: TrialBalance) -> Tile:
    """Tell whether debit and credit are the same, and as of when the sums are."""
    late = told.position.late
    if late:
        return Tile(
            f"{late} late",
            State.ALARM,
            "Postings came in behind the sums. Run snapshot_balances --rebuild --dry-run.",
        )
    wrong = [one for one in books if one.difference]
    if wrong:
        amounts = ", ".join(money(one.difference or 0, one.currency) for one in wrong)
        return Tile(amounts, State.ALARM, "Debit and credit differ. Run verify_ledger.")
    if not told.is_current:
        return Tile("Unknown", State.UNKNOWN, "The sums are being made; they lag behind the books.")
    if not books:
        return Tile("Empty", State.GOOD, "Nothing has been posted yet.")
    return Tile("Balanced", State.GOOD, f"No difference in {number(len(books), 'currency')}.")


def safeguarding(books: Sequence[CurrencyBooks]) -> Tile:
    """Tell whether rails and transit have what customers have."""
    short = [one for one in books if one.cover < 0]
    if short:
        amounts = ", ".join(money(-one.cover, one.currency) for one in short)
        return Tile(amounts, State.ALARM, "Missing at rails and in transit for customers' money.")
    if not books:
        return Tile("Empty", State.GOOD, "Customers have no money here yet.")
    return Tile("Covered", State.GOOD, "Rails and transit have what customers have.")


def last_proof() -> Tile:
    """Tell what the last full proof of the books said and how old it is, and what the auditor says.

    The auditor looks at wallets only, each minute: it can add an alarm, never end one.
    """
    proof, audit = proofs.latest(proofs.FULL), proofs.latest(proofs.AUDITOR)
    said, state = "", State.GOOD
    if audit is not None:
        found = "sound" if audit.sound else number(audit.findings, "finding")
        said = f" Auditor: {found}, {words(_age(audit.at))} ago."
        state = State.GOOD if audit.sound else State.ALARM
    if proof is None:
        state = State.NOTE if state is State.GOOD else state
        return Tile("Never", state, f"The books have not been proved. Run verify_ledger.{said}")
    ago = _age(proof.at)
    detail = f"verify_ledger, {words(ago)} ago, up to posting {proof.upto}.{said}"
    if not proof.sound:
        return Tile(number(proof.findings, "finding"), State.ALARM, detail)
    if ago > PROOF_AGE_MAX and state is State.GOOD:
        state = State.NOTE
    return Tile("Sound", state, detail)


def outbox() -> Tile:
    """Tell how many events wait to be published, and for how long."""
    held = _few(waiting(OutboxStatus.QUARANTINED))
    if held:
        return Tile(
            _count(held), State.ALARM, "Events in quarantine hold their wallets' events back."
        )
    pending = _few(waiting(OutboxStatus.PENDING, OutboxStatus.HELD))
    oldest = waiting(OutboxStatus.PENDING).order_by("id").values_list("occurred_at", flat=True)
    return _queue(pending, oldest.first(), "event", late=EVENT_LATE, stuck=EVENT_STUCK)


def dead_letters() -> Tile:
    """Tell how many records consumers have put aside."""
    rows = DeadLetter.objects.using(PRIMARY)
    dead = _few(rows.filter(status=LetterStatus.DEAD))
    if not dead:
        return Tile("0", State.GOOD, "Every event was handled.")
    held = _few(rows.filter(status=LetterStatus.HELD))
    return Tile(_count(dead), State.ALARM, f"{_count(held)} more wait behind them.")


def fraud_alerts() -> Tile:
    """Tell how many alerts wait for a decision."""
    rows = FraudAlert.objects.using(PRIMARY).filter(status=AlertStatus.OPEN)
    found = _few(rows)
    if not found:
        return Tile("0", State.GOOD, "No alert waits for a decision.")
    first = rows.order_by("id").values_list("raised_at", flat=True).first()
    detail = f"The first waits for {words(_age(first))}." if first else ""
    return Tile(_count(found), State.NOTE, detail)


def approvals() -> Tile:
    """Tell how many requests wait for a second person, and what was approved and is not done."""
    rows = Approval.objects.using(PRIMARY)
    begun = rows.filter(status=ApprovalStatus.APPROVED).aggregate(first=Min("decided_at"))["first"]
    if begun is not None and _age(begun) > EVENT_STUCK:
        detail = f"Something was approved {words(_age(begun))} ago and is not done."
        return Tile("Stuck", State.ALARM, detail)
    waiting_rows = rows.filter(status=ApprovalStatus.PENDING)
    found = _few(waiting_rows)
    if not found:
        return Tile("0", State.GOOD, "Nothing waits for a second person.")
    first = waiting_rows.aggregate(first=Min("expires_at"))["first"]
    left = f"The first ends in {words(max(first - clock.now(), timedelta()))}." if first else ""
    return Tile(_count(found), State.NOTE, left)


def operations() -> Tile:
    """Tell how many accepted operations wait to be made, and for how long."""
    rows = Operation.objects.using(PRIMARY).filter(status=OperationStatus.PENDING)
    oldest = rows.order_by("id").values_list("created_at", flat=True).first()
    stuck = timedelta(seconds=2 * settings.OPERATION_RECOVERY_SECONDS)
    return _queue(_few(rows), oldest, "operation", late=EVENT_LATE, stuck=stuck)


def payouts() -> Tile:
    """Tell how many payouts are open, and how many of them are delayed."""
    rows = Payout.objects.using(PRIMARY).filter(status__in=OPEN)
    found = _few(rows)
    if not found:
        return Tile("0", State.GOOD, "No payout is open.")
    delayed = _few(rows.filter(delayed_at__isnull=False))
    due = rows.aggregate(first=Min("next_attempt_at"))["first"]
    late = timedelta() if due is None else _age(due)
    detail = f"{_count(delayed)} delayed."
    if late > PAYOUT_STUCK:
        return Tile(_count(found), State.ALARM, f"{detail} A step is overdue by {words(late)}.")
    return Tile(_count(found), State.NOTE if delayed else State.GOOD, detail)


def suspense(lines: Sequence[Line]) -> Tile:
    """Tell how much is open on suspense, and for how long.

    :param lines: of the trial balance. What lies there beyond the list is not listed yet.
    """
    found = reconciling.suspense_ages(clock.now().date())
    items = sum(one.items for one in found)
    unlisted = _unlisted(found, lines)
    if not items and not unlisted:
        return Tile("0", State.GOOD, "Nothing is open on suspense.")
    details = []
    if items:
        oldest = max((clock.now().date() - min(one.oldest for one in found)).days, 0)
        ownerless = sum(one.items for one in found if not one.owner)
        details.append(f"The oldest for {number(oldest, 'day')}, {ownerless:,} without an owner.")
        if oldest > SUSPENSE_DAYS_MAX:
            return Tile(f"{items:,}", State.ALARM, " ".join(details + unlisted))
    return Tile(f"{items:,}" if items else "Not listed", State.NOTE, " ".join(details + unlisted))


def _unlisted(found: Sequence[Aged], lines: Sequence[Line]) -> list[str]:
    """Hold what the books have on suspense against the list: both are the same to the cent."""
    apart: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        if f":{House.SUSPENSE}:" in (line.code or ""):
            apart[line.currency] += line.balance
    for one in found:
        apart[one.currency] -= one.amount
    amounts = [money(minor, currency) for currency, minor in sorted(apart.items()) if minor]
    return [f"{', '.join(amounts)} in the books and not listed yet."] if amounts else []


def dependencies() -> Tile:
    """Tell what this process cannot reach."""
    found = health.current_findings()
    down = sorted(name for name, one in found.items() if not one.up)
    if down:
        return Tile("Degraded", State.ALARM, f"Down: {', '.join(down)}.")
    return Tile("Up", State.GOOD, f"Answering: {', '.join(found)}.")


def words(age: timedelta) -> str:
    """Write a time span as people say it, by its largest unit."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _queue(
    found: int, oldest: datetime | None, what: str, *, late: timedelta, stuck: timedelta
) -> Tile:
    if not found:
        return Tile("0", State.GOOD, f"No {what} waits.")
    if oldest is None:
        return Tile(_count(found), State.GOOD)
    age = _age(oldest)
    state = State.ALARM if age > stuck else State.NOTE if age > late else State.GOOD
    return Tile(_count(found), state, f"The oldest waits for {words(age)}.")


def _few(rows: QuerySet[Any]) -> int:
    """Count rows, but not beyond what anybody would read."""
    return rows.order_by()[: COUNTED_MAX + 1].count()


def _count(found: int) -> str:
    return f"over {COUNTED_MAX:,}" if found > COUNTED_MAX else f"{found:,}"


def number(count: int, what: str) -> str:
    """Write how many, with the plural that people use."""
    if count == 1:
        return f"1 {what}"
    is_y = what.endswith("y") and what[-2] not in "aeiou"
    plural = f"{what[:-1]}ies" if is_y else f"{what}s"
    return f"{count:,} {plural}"


def _age(moment: datetime) -> timedelta:
    return max(clock.now() - moment, timedelta())


def _sum(lines: Sequence[Line], currency: str, part: str) -> int:
    return sum(
        line.balance for line in lines if line.currency == currency and part in (line.code or "")
    )
