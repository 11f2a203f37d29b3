"""The live auditor: holds wallets against the books, a bounded piece at a time, while money moves.

Each run looks at the wallets that were posted to since the last one, goes on with its walk through
all wallets, and takes a few at a random place: whoever changes a row behind the walk's back cannot
know that it stays unseen. A wallet that disagrees in a snapshot is looked at once more under its
lock; only what is found there counts. Then it is frozen, and operators are told, once.
"""

from __future__ import annotations

import logging
import secrets
import smtplib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import Error, IntegrityError, connections, transaction

from ledger import proofs, rollups
from ledger import queries as books
from wallet_project.kit import clock, database, sending
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY, snapshot
from wallet_project.kit.ids import uuid7
from wallet_project.kit.sending import NeverSent, NotSent
from wallets import metrics, projection, verification
from wallets.identity import WalletIdentity
from wallets.models import AuditorState, LedgerAlert, Wallet, WalletStatus
from wallets.operations import _locking
from wallets.operations._balances import BalanceGuardFailed
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_within
from wallets.operations.rebuild_balances import compare
from wallets.projection import Chain
from wallets.verification import Finding

logger = logging.getLogger(__name__)

ACTOR: Final = Actor(proofs.AUDITOR)
BUDGET_SECONDS: Final = 3.0
"""For how long a run begins another piece of the walk; the worker has other things to do."""
POSTINGS_A_RUN: Final = 10_000
"""New postings that a run looks at; when there are more, the next one goes on with them."""
WALLETS_A_PIECE: Final = 100
POSTINGS_A_PIECE: Final = 20_000
_ROW: Final = 1
_FINDINGS_KEPT: Final = 20


@dataclass(slots=True)
class Audit:
    """What one run did."""

    changed: int = 0
    """Wallets that were posted to since the run before."""
    walked: int = 0
    """Wallets looked at over the whole of their past."""
    behind: int = 0
    """Settled postings that are still to be looked at, as a number of ids."""
    doubted: int = 0
    """Wallets that had to be looked at once more under their locks."""
    findings: list[Finding] = field(default_factory=list)
    wrong: set[UUID] = field(default_factory=set)
    """The wallets that the findings are about; each is looked at under its lock once a run."""
    frozen: list[UUID] = field(default_factory=list)
    stepped_over: int = 0
    """Wallets that could not be looked at."""
    resolved: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "changed": self.changed,
            "walked": self.walked,
            "behind": self.behind,
            "doubted": self.doubted,
            "findings": [f"{one.invariant} {one.subject}: {one.detail}" for one in self.findings],
            "frozen": [str(wallet) for wallet in self.frozen],
            "steppedOver": self.stepped_over,
            "resolved": self.resolved,
        }


def audit(*, budget_seconds: float = BUDGET_SECONDS) -> Audit:
    """Run once. Two at a time do no harm: they look at the same wallets and freeze each once.

    A wallet that cannot be looked at is stepped over, so that it keeps no other waiting.

    :raises django.db.Error: the primary is away; how far it came before is kept.
    """
    started = time.monotonic()
    found = Audit()
    settled = rollups.settled_upto()
    state = _state(settled)
    _audit_changed(state, settled, found)
    _keep(state)
    _step_over(_random_piece(), found, _audit_whole)
    _walk(state, found, until=started + budget_seconds)
    _resolve(found)
    seconds = round(time.monotonic() - started)
    proofs.note(ACTOR.id, upto=state.postings_upto, findings=len(found.findings), seconds=seconds)
    _measure(state, found)
    return found


def send_mails(*, budget_seconds: float) -> None:
    """Mail the alerts that wait to be mailed."""
    sending.send_due(LedgerAlert, _mail, budget_seconds=budget_seconds)


def _state(settled: int) -> AuditorState:
    """Read how far the auditor is; at its first run the past is left to the walk."""
    found = AuditorState.objects.using(PRIMARY).filter(pk=_ROW).first()
    moment = clock.now()
    return found or AuditorState(
        pk=_ROW, postings_upto=settled, walk_began_at=moment, ran_at=moment
    )


def _keep(state: AuditorState) -> None:
    state.ran_at = clock.now()
    state.save(using=PRIMARY)


def _step_over(
    wallets: Sequence[UUID], found: Audit, look: Callable[[Sequence[UUID], Audit], None]
) -> None:
    """Look at wallets; where that fails, at each half of them, down to those that fail alone.

    :raises django.db.Error: the primary is away.
    """
    if not wallets:
        return
    try:
        look(wallets, found)
    except (Error, BalanceGuardFailed) as error:
        connections[PRIMARY].close()
        connections[PRIMARY].ensure_connection()  # raises when it is not about these wallets
        if len(wallets) > 1:
            half = len(wallets) // 2
            _step_over(wallets[:half], found, look)
            _step_over(wallets[half:], found, look)
            return
        found.stepped_over += 1
        metrics.AUDIT_STEPPED_OVER.inc()
        told = {"wallet": str(wallets[0]), "error": str(error)}
        logger.error("audit.stepped_over", extra=told)


def _audit_changed(state: AuditorState, settled: int, found: Audit) -> None:
    """Look at what was posted since, and at what the wallets' rows, holds and events make of it."""
    posted, reached = books.accounts_posted(
        after=state.postings_upto, upto=settled, limit=POSTINGS_A_RUN
    )
    wallets = sorted(posted)

    def look(piece: Sequence[UUID], found: Audit) -> None:
        with snapshot():
            doubted = _disagreeing({wallet: posted[wallet] for wallet in piece})
        _confirm(doubted, found)

    for start in range(0, len(wallets), WALLETS_A_PIECE):
        _step_over(wallets[start : start + WALLETS_A_PIECE], found, look)
    found.changed = len(posted)
    # A process that has just started may know of less than the one before it.
    state.postings_upto = max(reached, state.postings_upto)
    found.behind = max(settled - state.postings_upto, 0)


def _disagreeing(first: Mapping[UUID, int]) -> list[UUID]:
    """Tell which wallets disagree with their chains from a posting on; what lies before was looked
    at when it was new. Reads only the new postings, however many there were before."""
    links = books.links_from({wallet: max(number - 1, 1) for wallet, number in first.items()})
    chains = {}
    for wallet, number in first.items():
        found = links.get(wallet, [])
        start = Chain()
        if number > 1 and found:
            last, *found = found
            start = Chain(last.balance_after or 0, last.sequence, last.version or 0, last.posted_at)
        chains[wallet] = projection.follow(start, found)
    rows = Wallet.objects.using(PRIMARY).in_bulk(list(first))
    verdicts = compare(rows, {wallet: chains[wallet] for wallet in rows})
    return [w for w, verdict in verdicts.items() if verdict.differences or verdict.defect]


def _walk(state: AuditorState, found: Audit, *, until: float) -> None:
    """Go on through all wallets in the order of their ids, to the end once at most.

    A piece at least, however long the rest took: or else a busy service is never walked.
    """
    while True:
        piece = _piece(state.walked_upto or UUID(int=0))
        if not piece:
            state.walk_ended_at = state.walk_began_at
            state.walk_began_at, state.walked_upto = clock.now(), None
            _keep(state)
            return
        _step_over(piece, found, _audit_whole)
        state.walked_upto = piece[-1]
        _keep(state)
        if time.monotonic() >= until:
            return


def _piece(after: UUID) -> list[UUID]:
    """Take some wallets, as many as have not too many postings together."""
    rows = Wallet.objects.using(PRIMARY).filter(pk__gt=after).order_by("pk")
    piece: list[UUID] = []
    postings = 0
    for wallet, sequence in rows.values_list("pk", "posting_sequence")[:WALLETS_A_PIECE]:
        postings += sequence
        if piece and postings > POSTINGS_A_PIECE:
            break
        piece.append(wallet)
    return piece


def _random_piece() -> list[UUID]:
    """Take some wallets from a random moment on: ids begin with the time they were made."""
    rows = Wallet.objects.using(PRIMARY).order_by("pk")
    first = rows.values_list("pk", flat=True).first()
    if first is None:
        return []
    return _piece(UUID(int=first.int - 1 + secrets.randbelow(max(uuid7().int - first.int, 1))))


def _alerted() -> list[UUID]:
    """List wallets with an alert, so that it ends soon after the wallet is mended."""
    rows = LedgerAlert.objects.using(PRIMARY).filter(resolved_at__isnull=True).order_by("pk")
    return list(rows.values_list("wallet", flat=True)[:WALLETS_A_PIECE])


def _audit_whole(piece: Sequence[UUID], found: Audit) -> None:
    with snapshot():
        findings = verification.check_some(piece)
    known = {str(wallet): wallet for wallet in piece}
    # A finding about a hold names the hold: then every wallet of the piece is looked at again.
    named = {known.get(one.subject) for one in findings}
    doubted = list(piece) if None in named else [w for w in piece if w in named]
    _confirm(doubted, found)
    found.walked += len(piece)


def _confirm(doubted: Collection[UUID], found: Audit) -> None:
    found.doubted += len(doubted)
    for wallet in sorted(set(doubted) - found.wrong):
        _step_over([wallet], found, _confirm_one)


def _confirm_one(one: Sequence[UUID], found: Audit) -> None:
    (wallet,) = one
    if _has_alert(wallet):
        return  # told of already: `_resolve` looks at it, and needs no lock
    try:
        findings, frozen = _act_on(wallet, freezes=True)
    except IntegrityError:
        # So spoilt that the database takes no change of the row, so no money moves either.
        findings, frozen = _act_on(wallet, freezes=False)
    found.findings += findings
    found.wrong |= {wallet} if findings else set()
    found.frozen += [wallet] if frozen else []


def _act_on(wallet: UUID, *, freezes: bool) -> tuple[list[Finding], bool]:
    """Look at a wallet under its lock; freeze it and raise an alert if it really disagrees."""

    def attempt() -> tuple[list[Finding], bool, LedgerAlert | None]:
        with transaction.atomic(using=PRIMARY, durable=True):
            states, _ = _locking.lock_wallets([wallet])
            findings = verification.check_some([wallet])
            if not findings or _has_alert(wallet):
                return findings, False, None
            can = freezes and states[wallet].status == WalletStatus.ACTIVE
            if can:
                _freeze(wallet, findings)
            return findings, can, _raise_alert(states[wallet].client, wallet, findings, can)

    findings, frozen, alert = database.run_retrying(
        attempt, database.INTERACTIVE, operation="audit_wallet"
    )
    if alert is not None:
        for one in findings:
            metrics.AUDIT_FINDINGS.labels(one.invariant).inc()
        told = {"wallet": str(wallet), "findings": alert.findings, "frozen": frozen}
        logger.error("audit.wallet_disagrees", extra=told)
    return findings, frozen


def _has_alert(wallet: UUID) -> bool:
    alerts = LedgerAlert.objects.using(PRIMARY)
    return bool(alerts.filter(wallet=wallet, resolved_at__isnull=True).exists())


def _freeze(wallet: UUID, findings: Sequence[Finding]) -> None:
    row = Wallet.objects.using(PRIMARY).select_related("client").get(pk=wallet)
    who = WalletIdentity(row.pk, row.client_id, row.client.name, row.currency, row.reference)
    broken = ", ".join(sorted({one.invariant for one in findings}))
    reason = f"The wallet disagrees with the books: {broken}."
    request = StatusRequest(actor=ACTOR.id, reason=reason, staff=ACTOR)
    freeze_within(wallet=who, request=request)


def _raise_alert(
    client: int, wallet: UUID, findings: Sequence[Finding], is_frozen: bool
) -> LedgerAlert:
    moment = clock.now()
    told = [f"{one.invariant}: {one.detail}" for one in findings[:_FINDINGS_KEPT]]
    alert: LedgerAlert = LedgerAlert.objects.using(PRIMARY).create(
        wallet=wallet,
        client=client,
        findings=told,
        is_frozen=is_frozen,
        found_at=moment,
        next_attempt_at=moment if settings.LEDGER_ALERT_ADDRESSES else None,
    )
    return alert


def _resolve(found: Audit) -> None:
    """End the alerts of wallets that were looked at and are right again; they stay frozen."""
    for wallet in sorted(set(_alerted()) - found.wrong):
        _step_over([wallet], found, _resolve_one)


def _resolve_one(one: Sequence[UUID], found: Audit) -> None:
    (wallet,) = one
    with snapshot():
        still = verification.check_some([wallet])
    if still:
        found.findings += still
        found.wrong.add(wallet)
        return
    rows = LedgerAlert.objects.using(PRIMARY).filter(wallet=wallet, resolved_at__isnull=True)
    found.resolved += rows.update(resolved_at=clock.now())
    logger.info("audit.wallet_is_right_again", extra={"wallet": str(wallet)})


def _measure(state: AuditorState, found: Audit) -> None:
    metrics.AUDIT_BEHIND.set(found.behind)
    alerts = LedgerAlert.objects.using(PRIMARY).filter(resolved_at__isnull=True)
    metrics.AUDIT_OPEN_ALERTS.set(alerts.count())
    since = state.walk_ended_at or state.walk_began_at
    metrics.AUDIT_WALK_SECONDS.set((clock.now() - since).total_seconds())


def _mail(alert: LedgerAlert) -> None:
    if not settings.LEDGER_ALERT_ADDRESSES:
        raise NeverSent("LEDGER_ALERT_ADDRESSES is empty.")
    frozen = "It was frozen." if alert.is_frozen else "It was not frozen by the auditor."
    lines = [
        f"Wallet: {alert.wallet}",
        f"When: {rfc3339(alert.found_at)}",
        frozen,
        "",
        *alert.findings,
        "",
        "What to do: docs/operations.md, `rebuild_balances` and `verify_ledger`.",
    ]
    mail = EmailMessage(
        subject=f"Ledger alert {alert.pk}: a wallet disagrees with the books",
        body="\n".join(lines),
        to=settings.LEDGER_ALERT_ADDRESSES,
        headers={"Message-ID": f"<ledger-alert-{alert.pk}@{settings.MAIL_DOMAIN}>"},
    )
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(str(error)) from error
