"""What a request does, in a table for whoever decides about it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from wallet_project.kit.admin import NOTHING
from wallet_project.kit.errors import DomainError
from wallet_project.kit.links import row_link
from wallets.approvals import registry
from wallets.approvals.errors import RequestInvalid
from wallets.approvals.models import Approval, Status
from wallets.approvals.registry import Kind, Line

_OPEN: Final = (Status.PENDING, Status.APPROVED)
_HEAD: Final = SafeString('<tr><th class="text-left pr-6">What</th><th class="text-left pr-6">')
_ROW: Final = '<tr><td class="pr-6">{}</td><td class="pr-6">{}</td></tr>'
_CHANGE: Final = '<tr><td class="pr-6">{}</td><td class="pr-6">{}</td><td><b>{}</b></td></tr>'


def kind_of(approval: Approval) -> Kind | None:
    """Return the kind of a request; None of one that this version does not know any more."""
    try:
        return registry.find(approval.kind)
    except RequestInvalid:
        return None


def effect_of(approval: Approval) -> SafeString | str:
    """Tell what would be done to things as they are now; of what is decided, what was asked for
    and what came of it."""
    kind = kind_of(approval)
    if kind is None:
        return f"This version knows no kind {approval.kind}."
    try:
        lines = kind.describe(approval)
    except DomainError as error:
        if approval.status in _OPEN:
            return f"It cannot be carried out as things are: {error.detail}"
        lines = []
    return _change(lines) if approval.status in _OPEN else _past(approval, lines)


def subject_of(approval: Approval) -> SafeString | str:
    """Link to what a request is about, where a page shows it."""
    kind = kind_of(approval)
    try:
        lines = [] if kind is None else kind.describe(approval)
    except DomainError:
        lines = []
    for line in lines:
        if line.link is not None and str(line.link[1]) == approval.subject:
            return row_link(*line.link, text=line.now)
    return str(approval.subject)


def _change(lines: Sequence[Line]) -> SafeString:
    rows = ((line.label, _now(line), line.after or NOTHING) for line in lines)
    return format_html(
        '<table class="before-after">{}Now</th><th class="text-left">After</th></tr>{}</table>',
        _HEAD,
        format_html_join("", _CHANGE, rows),
    )


def _past(approval: Approval, lines: Sequence[Line]) -> SafeString:
    """Leave out what only told how things were: today it would tell something else."""
    rows = [(line.label, _now(line)) for line in lines if not (line.after or line.is_state)]
    came = approval.outcome or approval.failure or "Nothing was done."
    rows.append(("What came of it", came))
    if approval.transaction_id is not None:
        entry = row_link("ledger.journalentry", approval.transaction_id, "the journal entry")
        rows.append(("Posted as", entry))
    return format_html(
        '<table class="before-after">{}Asked for</th></tr>{}</table>',
        _HEAD,
        format_html_join("", _ROW, rows),
    )


def _now(line: Line) -> SafeString | str:
    return line.now if line.link is None else row_link(*line.link, text=line.now)
