"""Proofs of the books."""

from __future__ import annotations

from django.contrib import admin

from ledger.admin.columns import BooksAdmin, utc
from ledger.models import LedgerProof


@admin.register(LedgerProof)
class LedgerProofAdmin(BooksAdmin):
    """When the books were proved, and what was found, newest first."""

    list_display = ("ended", "prover", "upto", "sound", "findings", "seconds")
    empty_text = "The books were not proved yet. Run `manage.py verify_ledger`."

    @admin.display(description="At")
    def ended(self, proof: LedgerProof) -> str:
        return utc(proof.at)
