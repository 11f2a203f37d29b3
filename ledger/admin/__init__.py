"""The books, to be read. A correction is a new entry, never an edit."""

from ledger.admin.accounts import AccountAdmin
from ledger.admin.entries import JournalEntryAdmin
from ledger.admin.periods import CalendarAdmin, CloseAdmin
from ledger.admin.postings import PostingAdmin
from ledger.admin.proofs import LedgerProofAdmin
from ledger.admin.reversals import CorrectionAdmin, ReversalAdmin
from ledger.admin.seals import SealAdmin

__all__ = [
    "AccountAdmin",
    "CalendarAdmin",
    "CloseAdmin",
    "CorrectionAdmin",
    "JournalEntryAdmin",
    "LedgerProofAdmin",
    "PostingAdmin",
    "ReversalAdmin",
    "SealAdmin",
]
