"""Seals of the books, to be looked at and taken elsewhere."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from unfold.decorators import action

from ledger import sealing
from ledger.admin.columns import BooksAdmin
from ledger.models import Seal
from wallet_project.kit import audit


@admin.register(Seal)
class SealAdmin(BooksAdmin):
    """Seals, newest first. Their heads can be downloaded, to be kept out of our own reach."""

    empty_text = "Nothing is sealed yet. Beat does it each minute, or `manage.py seal_ledger`."
    list_display = ("number", "sealed_at", "postings", "entries", "upto", "late_ones", "root")
    search_fields = ("number",)
    search_help_text = "Exact number"
    fields = (
        *("number", "sealed_at", "after", "upto", "postings", "entries", "totals", "late"),
        *("root", "previous"),
    )
    readonly_fields = ("root", "previous")
    actions_list: ClassVar = ["download_heads"]

    @admin.display(description="Late")
    def late_ones(self, seal: Seal) -> str:
        return str(len(seal.late)) if seal.late else ""

    @admin.display(description="Hash")
    def root(self, seal: Seal) -> str:
        return bytes(seal.root_hash).hex()

    @admin.display(description="Hash of the seal before")
    def previous(self, seal: Seal) -> str:
        return bytes(seal.previous_hash).hex()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("marks")

    @action(  # type: ignore[untyped-decorator]
        description="Download heads", url_path="heads", permissions=["view"]
    )
    def download_heads(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Send the head of each seal, as the offline verifier reads them."""
        audit.record_look(audit.actor_of(request), audit.Act("seal.download_heads", "ledger.seal"))
        return StreamingHttpResponse(
            (json.dumps(head) + "\n" for head in sealing.heads()),
            content_type="application/x-ndjson",
            headers={"Content-Disposition": 'attachment; filename="ledger-heads.jsonl"'},
        )
