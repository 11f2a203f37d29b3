"""The routes of statements and exports, carried by DRF."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.http.response import FileResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallet_project.kit.audit import Actor
from wallets.api import parameters
from wallets.api.binding import READS, ApiView
from wallets.api.exports import documentation, parsing, rendering
from wallets.api.throttling import HEAVY, ReadClass
from wallets.exports import figures, issuing, jobs, links, worker
from wallets.exports.errors import LinkNotFound
from wallets.exports.formats import known
from wallets.exports.models import ExportStatus
from wallets.models import Scope
from wallets.operations._replay import key_reused

_READ = dict.fromkeys(("GET", "HEAD", "POST"), Scope.TRANSACTIONS_READ)


@extend_schema_view(get=documentation.STATEMENT)
class StatementView(ApiView):
    """The statement of a wallet."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}
    reads_as = ReadClass.STATEMENT
    weights = {"GET": HEAVY}
    takes_query = READS

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """Issue the statement of a time; a long one as an export."""
        asked = parsing.statement_query(self.call)
        wallet = self.wallet(wallet_id)
        within = figures.look(
            wallet,
            since=asked.since,
            before=asked.before,
            min_version=parameters.min_version(self.call),
        )
        if not rendering.is_short(within):
            new = parsing.export_of_statement(self.principal, wallet, asked, within.last)
            made = jobs.request(wallet=wallet, asked=new, within=within)
            return self.answer(rendering.requested(self.call, made))
        known.check_length(asked.format, within.lines)
        row = issuing.issue(within, by=self.principal.actor)
        return self.answer(rendering.statement(self.call, wallet, within, row, asked.format))


@extend_schema_view(get=documentation.ISSUED)
class IssuedStatementView(ApiView):
    """A statement that was issued."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}
    reads_as = ReadClass.STATEMENT
    weights = {"GET": HEAVY}

    def get(self, request: Request, statement_id: str) -> HttpResponse:
        """Show what was stated, and whether the books still say so."""
        number = parsing.identity(statement_id)
        row = issuing.statement(number, client=self.principal.client)
        is_short = row.lines <= settings.STATEMENT_LINES_MAX
        return self.answer(
            rendering.issued(self.call, row, issuing.verify(row) if is_short else None)
        )


@extend_schema_view(get=documentation.LIST_EXPORTS, post=documentation.REQUEST_EXPORT)
class ExportsView(ApiView):
    """All exports of the caller."""

    scopes = _READ
    reads_as = ReadClass.LIST
    weights = {"POST": HEAVY}
    takes_query = READS

    def get(self, request: Request) -> HttpResponse:
        """List the caller's exports, newest first."""
        asked = parsing.exports_query(self.call)
        found = jobs.page(
            self.principal.client,
            status=None if asked.status is None else ExportStatus(asked.status),
            before=asked.before,
            limit=asked.limit + 1,
        )
        return self.answer(rendering.page(self.call, found, asked.limit))

    def post(self, request: Request) -> HttpResponse:
        """Ask for a file that is made in the background."""
        wallet, asked = parsing.request(self.call, self.principal, self.body(), find=self.wallet)
        made = jobs.request(wallet=wallet, asked=asked)
        if made.replayed and bytes(made.job.request_hash or b"") != asked.request_hash:
            raise key_reused()
        return self.answer(rendering.requested(self.call, made))


@extend_schema_view(get=documentation.GET_EXPORT)
class ExportView(ApiView):
    """One export."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}

    def get(self, request: Request, export_id: str) -> HttpResponse:
        """Show how far an export is, and where its file is."""
        job = jobs.export_of(self.principal.client, parsing.identity(export_id))
        return self.answer(rendering.export(self.call, job))


@extend_schema_view(get=documentation.GET_FILE)
class ExportFileView(ApiView):
    """The file of an export."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}
    reads_as = ReadClass.STATEMENT
    takes_query = READS

    def get(self, request: Request, export_id: str) -> HttpResponseBase:
        """Send the file, as it is read from the storage."""
        token = parsing.token(self.call)
        job = jobs.export_of(self.principal.client, parsing.identity(export_id))
        links.check(token, job.pk)
        if not jobs.is_offered(job):
            raise LinkNotFound("The export has no file, or none any more.")
        headers = rendering.file_headers(self.call, job)
        if self.call.method == "HEAD":
            return HttpResponse(headers=headers)
        file = worker.storage().open(job.file, "rb")
        call = self.call
        actor = Actor(self.principal.actor, "", call.peer or None, call.request_id)
        jobs.note_download(job, actor)
        answer = FileResponse(file)
        for name, value in headers.items():
            answer[name] = value
        return answer
