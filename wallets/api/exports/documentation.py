"""What the OpenAPI document says of statements and exports."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from wallets.api.calls import JSON
from wallets.api.documentation import (
    _CURSOR,
    _KEY,
    _LIMIT,
    _MIN_VERSION,
    _described,
    _wallet_id,
    _write_headers,
)
from wallets.api.exports import shapes
from wallets.exports.models import ExportStatus, Format

_TAG: Final = "Statements"
_EXPORT_ID: Final = OpenApiParameter(
    "export_id", type=OpenApiTypes.UUID, location=OpenApiParameter.PATH
)

_FILES: Final = (
    "text/csv",
    "application/xml",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)

STATEMENT: Final = _described(
    name="getStatement",
    summary="Issue a wallet's statement as JSON, CSV, XLSX, PDF or camt.053",
    tag=_TAG,
    shown=shapes.StatementShown,
    failures=(400, 404, 412),
    parameters=[
        _wallet_id(),
        OpenApiParameter(
            "from",
            type=OpenApiTypes.DATETIME,
            description="The first moment that counts; left out: the wallet's beginning.",
        ),
        OpenApiParameter(
            "to",
            type=OpenApiTypes.DATETIME,
            description="The first moment that does not count any more; left out: all there is.",
        ),
        OpenApiParameter(
            "format",
            type=OpenApiTypes.STR,
            enum=Format.values,
            description="How it is written; goes before `Accept`. More lines than the service "
            "answers at once become an export: 202 with its `Location`, as POST /exports answers.",
        ),
        _MIN_VERSION,
    ],
    headers=[
        OpenApiParameter(
            name,
            type=OpenApiTypes.STR,
            location=OpenApiParameter.HEADER,
            description=text,
            response=[200],
        )
        for name, text in (
            ("X-Statement-Id", "The statement's number."),
            ("X-Statement-SHA256", "Its hash, which every format prints."),
            ("Content-Disposition", "Names the file, in all formats but JSON."),
        )
    ],
    also={(200, media_type): OpenApiTypes.BINARY for media_type in _FILES}
    | {(202, JSON): OpenApiResponse(shapes.ExportShown, description="It became an export.")},
)
ISSUED: Final = _described(
    name="getIssuedStatement",
    summary="Check a statement that was issued against the books",
    tag=_TAG,
    shown=shapes.IssuedStatementShown,
    failures=(404,),
    parameters=[
        OpenApiParameter("statement_id", type=OpenApiTypes.UUID, location=OpenApiParameter.PATH)
    ],
)
LIST_EXPORTS: Final = _described(
    name="listExports",
    summary="List exports",
    tag=_TAG,
    shown=shapes.ExportPage,
    failures=(400,),
    parameters=[
        _CURSOR,
        _LIMIT,
        OpenApiParameter(
            "status",
            type=OpenApiTypes.STR,
            enum=ExportStatus.values,
            description="Only exports of this status.",
        ),
    ],
)
_FAILURES: Final = (400, 404, 413, 415, 422)
REQUEST_EXPORT: Final = _described(
    name="requestExport",
    summary="Have a statement, or a list of transactions, written to a file in the background",
    tag=_TAG,
    status=202,
    shown=shapes.ExportShown,
    request={JSON: shapes.RequestExport},
    failures=_FAILURES,
    parameters=[_KEY],
    headers=[one for one in _write_headers(202, _FAILURES) if one.name != "ETag"],
    examples=[
        OpenApiExample(
            "Alice's January",
            {
                "type": "statement",
                "walletId": "customer-42",
                "from": "2026-01-01T00:00:00Z",
                "to": "2026-02-01T00:00:00Z",
                "format": "xlsx",
            },
            request_only=True,
        )
    ],
)
GET_EXPORT: Final = _described(
    name="getExport",
    summary="Show how far an export is, and where its file is",
    tag=_TAG,
    shown=shapes.ExportShown,
    failures=(404,),
    parameters=[_EXPORT_ID],
)
GET_FILE: Final = _described(
    name="getExportFile",
    summary="Fetch the file of an export, by the link that the export shows",
    tag=_TAG,
    shown=None,
    failures=(400, 404),
    parameters=[
        _EXPORT_ID,
        OpenApiParameter(
            "token", type=OpenApiTypes.STR, required=True, description="From `downloadUrl`."
        ),
    ],
)
