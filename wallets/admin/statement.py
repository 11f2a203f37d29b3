"""The page of a wallet's statement, and the same as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from ledger.account_lines import LOOKED_AT_MAX, AccountLine, OtherSide
from wallet_project.kit import audit
from wallet_project.kit.errors import DomainError, Invalid
from wallet_project.kit.money import format_minor, parse_amount
from wallets import statements
from wallets.admin.cells import (
    IN_OUR_TIME,
    Cell,
    Links,
    Section,
    amount,
    short,
    signed,
    titles,
    utc,
)
from wallets.exports import jobs
from wallets.exports.models import Format, Kind
from wallets.identity import identify
from wallets.models import Wallet
from wallets.statements import Asked, Statement

LINES: Final = 50
LATEST: Final = 10
"""How many lines the wallet's own page shows."""
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_HEAD: Final = (
    "posted_at_utc",
    "sequence",
    "type",
    "reference",
    "channel",
    "other_side",
    "credit",
    "debit",
    "balance",
    "currency",
    "entry",
)


def _moment(label: str, help_text: str) -> forms.DateTimeField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"})
    return forms.DateTimeField(
        label=label, required=False, widget=widget, help_text=help_text, validators=IN_OUR_TIME
    )


def _amount(label: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "placeholder": "10.00"})
    return forms.CharField(label=label, required=False, max_length=40, widget=widget)


class StatementForm(forms.Form):
    """Which lines are asked for."""

    since = _moment("From (UTC)", "")
    before = _moment("Before (UTC)", "")
    type = forms.ChoiceField(label="Type", required=False, widget=UnfoldAdminSelectWidget())
    least = _amount("Amount from")
    most = _amount("Amount to")

    def __init__(self, sent: QueryDict, currency: str) -> None:
        super().__init__(sent)
        self._currency = currency
        choices = [("", "All types"), *((name, name) for name in statements.types())]
        self.fields["type"].choices = choices  # type: ignore[attr-defined]

    def clean_least(self) -> int | None:
        """Read the smallest amount, in minor units."""
        return self._minor("least")

    def clean_most(self) -> int | None:
        """Read the largest amount, in minor units."""
        return self._minor("most")

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        cleaned = super().clean() or self.cleaned_data
        since, before = cleaned.get("since"), cleaned.get("before")
        if since is not None and before is not None and before <= since:
            self.add_error("before", "This is not after the beginning.")
        return cleaned

    def asked(self) -> Asked:
        """Return what a valid form asks for."""
        found = self.cleaned_data
        types = (found["type"],) if found["type"] else ()
        return Asked(found["since"], found["before"], types, found["least"], found["most"])

    def _minor(self, name: str) -> int | None:
        text = self.cleaned_data[name].strip()
        if not text:
            return None
        try:
            return parse_amount(text, self._currency)
        except Invalid as error:
            raise forms.ValidationError(error.detail) from error


def context(request: HttpRequest, wallet: Wallet) -> dict[str, Any]:
    """Make what the page of a statement shows."""
    form = StatementForm(request.GET, wallet.currency)
    found: dict[str, Any] = {"form": form, "is_filtered": any(request.GET.values())}
    if not form.is_valid():
        return found
    asked = form.asked()
    read = statements.statement(wallet, asked, before=_before(request), limit=LINES)
    links = Links(request)
    found |= {
        "span": read.span,
        "opening": amount(read.span.opening, wallet.currency).text,
        "closing": amount(read.span.closing, wallet.currency).text,
        "lines": lines_section(read, wallet, links, is_filtered=asked != Asked()),
        "page": read.page,
        "looked_at": LOOKED_AT_MAX,
        "older": _query(request, before=read.page.next_before),
        "newest": _query(request) if _before(request) is not None else "",
        "file_query": _query(request),
        "export_form": ExportForm(auto_id="id_export_%s")
        if request.user.has_perm("exports.request_exportjob")
        else None,
        "export_times": [(name, request.GET.get(name, "")) for name in ("since", "before")],
    }
    return found


class ExportForm(forms.Form):
    """Which file is wanted, and why."""

    kind = forms.ChoiceField(
        label="What", choices=Kind.choices, widget=UnfoldAdminSelectWidget(), required=True
    )
    format = forms.ChoiceField(
        label="As", choices=Format.choices, widget=UnfoldAdminSelectWidget(), required=True
    )
    reason = forms.CharField(
        max_length=audit.REASON_LENGTH_MAX, widget=UnfoldAdminTextInputWidget()
    )


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """What became of asking for an export, and where to go on."""

    url: str
    told: str
    is_asked: bool = False


def export(request: HttpRequest, wallet: Wallet) -> ExportOutcome:
    """Ask for the export of a time; types and amounts of the page do not matter to it."""
    back = reverse("admin:wallets_wallet_statement", args=[wallet.pk])
    form, span = ExportForm(request.POST), StatementForm(request.POST, wallet.currency)
    if not form.is_valid() or not span.is_valid():
        faults = [*form.errors.values(), *span.errors.values()]
        return ExportOutcome(back, " ".join(str(one[0]) for one in faults))
    actor, times = audit.actor_of(request), span.asked()
    asked = jobs.NewExport(
        kind=Kind(form.cleaned_data["kind"]),
        format=Format(form.cleaned_data["format"]),
        since=times.since,
        before=times.before,
        by=actor.id,
        for_client=False,
        reason=form.cleaned_data["reason"],
    )
    owner = identify(wallet.client_id, str(wallet.pk))
    try:
        made = jobs.request(wallet=owner, asked=asked, by=actor)
    except DomainError as error:
        return ExportOutcome(back, error.detail)
    url = reverse("admin:exports_exportjob_change", args=[made.job.pk])
    return ExportOutcome(url, "The export is asked for. Its file is here when it is done.", True)


def latest(wallet: Wallet, links: Links) -> Section:
    """Make the table of the last lines of a wallet's statement."""
    read = statements.statement(wallet, Asked(), before=None, limit=LATEST)
    more = reverse("admin:wallets_wallet_statement", args=[wallet.pk])
    return lines_section(read, wallet, links, title="Latest movements", more=more)


def lines_section(
    read: Statement,
    wallet: Wallet,
    links: Links,
    *,
    title: str = "Lines",
    more: str = "",
    is_filtered: bool = False,
) -> Section:
    """Make the table of a statement's lines."""
    rows = [
        (
            Cell(str(line.sequence)),
            Cell(utc(line.posted_at)),
            Cell(statements.type_of(line), links.entry(line.entry), hint=line.reference),
            _other_side(read.others.get(line.entry, ()), links),
            signed(line.amount, wallet.currency),
            amount(line.balance_after, wallet.currency),
            _event(line, read, links),
        )
        for line in read.page.lines
    ]
    empty = (
        "No movement of this time fits. Choose a longer time, or fewer conditions."
        if is_filtered
        else "No money has moved yet. The first deposit will be the first line."
    )
    return Section(
        title,
        titles("No.", "Posted", "Type, reference", "Other side", "Amount#", "Balance#", "Event"),
        rows,
        empty,
        more,
    )


def file(request: HttpRequest, wallet: Wallet) -> HttpResponse | StreamingHttpResponse:
    """Answer with the statement as a file of comma separated values, oldest line first."""
    form = StatementForm(request.GET, wallet.currency)
    if not form.is_valid():
        return HttpResponse("The filters cannot be read.", status=400, content_type="text/plain")
    read = statements.file(wallet, form.asked())
    if read.span.postings > statements.IN_A_FILE_MAX:
        return HttpResponse(
            f"This time has {read.span.postings} postings, a file has "
            f"{statements.IN_A_FILE_MAX} at most. Choose a shorter time.",
            status=400,
            content_type="text/plain",
        )
    answer = StreamingHttpResponse(_rows(read, wallet), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="statement-{wallet.pk}.csv"'
    return answer


def _rows(read: statements.File, wallet: Wallet) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(_HEAD)
    for lines, others in read.pieces:
        for line in lines:
            yield writer.writerow(_row(line, others.get(line.entry, ()), wallet))


def _row(line: AccountLine, others: Sequence[OtherSide], wallet: Wallet) -> list[str]:
    money = format_minor(abs(line.amount), wallet.currency)
    return [
        f"{line.posted_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        str(line.sequence),
        statements.type_of(line),
        plain(line.reference),
        plain(line.channel),
        plain(" ".join(other.code for other in others)),
        money if line.amount > 0 else "",
        money if line.amount < 0 else "",
        format_minor(line.balance_after, wallet.currency),
        wallet.currency,
        str(line.entry),
    ]


def plain(text: str) -> str:
    """Keep a spreadsheet from taking a text of a caller's for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text


class _Line:
    """A file that gives back what is written."""

    def write(self, line: str) -> str:
        return line


def _event(line: AccountLine, read: Statement, links: Links) -> Cell:
    row = read.events.get(line.version)
    return Cell("archived" if row is None else f"version {line.version}", links.event(row))


def _other_side(others: Sequence[OtherSide], links: Links) -> Cell:
    for other in others:
        if other.counts_postings:
            url = links.row("wallets", "wallet", other.account)
            return Cell(f"wallet {short(other.account)}", url)
        return Cell(other.code, links.row("ledger", "account", other.account))
    return Cell("-")


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("older_than", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _query(request: HttpRequest, *, before: int | None = None) -> str:
    asked = request.GET.copy()
    asked.pop("older_than", None)
    if before is not None:
        asked["older_than"] = str(before)
    return asked.urlencode()
