"""Every way the ledger turns something down."""

from wallet_project.kit.errors import DomainError, NotFound


class LedgerError(DomainError):
    """The books would be wrong. A bug in the caller, never a user's fault; it pages someone."""

    code = "ledger_error"
    title = "The books would not balance"


class UnbalancedEntry(LedgerError):
    """An entry's postings do not sum to zero in each currency."""

    code = "unbalanced_entry"
    title = "The entry does not balance"


class BrokenChain(LedgerError):
    """A posting would not follow from the one before it."""

    code = "broken_chain"
    title = "The posting does not follow from the one before"


class EntryNotFound(NotFound):
    """No such journal entry belongs to the client."""

    code = "transaction_not_found"
    title = "The transaction does not exist"
