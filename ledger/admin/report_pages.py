"""Pages of the reports over a client's books, and the same as files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from ledger.admin import clients
from ledger.admin.asked import BadQuestion
from ledger.admin.clients import names_of
from ledger.periods import reporting
from ledger.periods.reporting import POSTING, REPORTS, VALUE, Asked, Report, Table
from wallet_project.kit import audit, clock
from wallet_project.kit.admin import money
from wallet_project.kit.errors import DomainError
from wallet_project.kit.time_limit import TooSlow, limited

_DAYS_SHOWN: Final = 31
_TOO_SLOW: Final = "This takes longer than a page may. Choose fewer days, or run manage.py report."
PERMISSION: Final = "ledger.view_account"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    text: str
    is_right: bool
    is_bad: bool = False


def urls(site: Any) -> list[URLPattern]:
    """Make the addresses of all reports."""
    return [
        path(
            f"{report.name}/",
            site.admin_view(_view(site, report)),
            name=f"ledger_account_{report.name.replace('-', '_')}",
        )
        for report in REPORTS.values()
    ]


def _view(site: Any, report: Report) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        return _show(site, report, request)

    return view


def _show(site: Any, report: Report, request: HttpRequest) -> HttpResponse:
    """Read the question, make the report, and note who looked."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    asked, table, trouble = None, None, ""
    as_file = request.GET.get("format") == "csv"
    try:
        asked = _read(request, report)
        if asked is not None:
            reporting.check(asked)
            with limited():
                table = report.make(asked)
    except (BadQuestion, DomainError) as error:
        trouble = str(error)
    except TooSlow:
        trouble = _TOO_SLOW
    _note(request, report, asked, as_file=as_file)
    if as_file and table is not None and asked is not None:
        return _file(report, asked, table)
    today = clock.now().astimezone(UTC).date()
    context = {
        **site.each_context(request),
        "title": report.title,
        "report": report,
        "asked": asked,
        "clients": clients.choices(),
        "chosen": asked.client if asked else None,
        "since": asked.since if asked else today - timedelta(days=_DAYS_SHOWN - 1),
        "until": asked.until if asked else today,
        "by_value": asked is not None and asked.basis == VALUE,
        "trouble": trouble,
        "table": table,
        "client_name": names_of([asked.client]).get(asked.client, "Client") if asked else "",
        "rows": _cells(table, table.rows) if table else [],
        "totals": _cells(table, table.totals) if table else [],
    }
    return TemplateResponse(
        request, "admin/ledger/account/report.html", context, status=422 if trouble else 200
    )


def _read(request: HttpRequest, report: Report) -> Asked | None:
    """Read whose books and which days; None where no client is named yet."""
    client = request.GET.get("client", "").strip()
    if not client:
        return None
    today = clock.now().astimezone(UTC).date()
    until = _day(request.GET.get("until", "")) or today
    since = until
    if report.is_daily:
        since = _day(request.GET.get("since", "")) or until - timedelta(days=_DAYS_SHOWN - 1)
    basis = request.GET.get("basis", POSTING)
    if basis not in (POSTING, VALUE):
        raise BadQuestion(f"{basis} is neither {POSTING} nor {VALUE}.")
    return Asked(clients.number_of(client), since, until, basis)


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadQuestion(f"{text} is no day. Write it like 2026-01-31.") from None


def _cells(table: Table, rows: tuple[tuple[Any, ...], ...]) -> list[list[Cell]]:
    names = [column.name for column in table.columns]
    place = names.index("currency")
    found = []
    for row in rows:
        cells = []
        for column, value in zip(table.columns, _of_which(names, row), strict=True):
            is_amount = column.is_money and isinstance(value, int)
            text = money(value, row[place]) if is_amount else str(value)
            # A difference is zero, or on the side of the customers.
            bad = is_amount and value < 0 and column.name == "difference"
            cells.append(Cell(text, column.is_right, bad))
        found.append(cells)
    return found


def _of_which(names: list[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let an account within an item be read as a part of it: its amount is in the item's already.

    Files keep both names, for whoever sorts them.
    """
    told = dict(zip(names, row, strict=True))
    if "item" in told and told.get("account"):
        told |= {"item": "", "account": f"of which {told['account']}"}
    return tuple(told.values())


def _file(report: Report, asked: Asked, table: Table) -> HttpResponse:
    file = io.StringIO()
    table.write_csv(file)
    answer = HttpResponse(file.getvalue(), content_type="text/csv; charset=utf-8")
    name = f"{report.name}-{asked.client}-{asked.until:%Y%m%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _note(request: HttpRequest, report: Report, asked: Asked | None, *, as_file: bool) -> None:
    told: dict[str, Any] = {"file": True} if as_file else {}
    if asked is not None:
        told |= {
            "client": asked.client,
            "since": asked.since.isoformat(),
            "until": asked.until.isoformat(),
            "basis": asked.basis,
        }
    name = report.name.replace("-", "_")
    act = audit.Act(f"account.{name}", "ledger.account", detail=told)
    audit.record_look(audit.actor_of(request), act)
