"""How a command can end that was queued and not executed, a sentence each."""

from __future__ import annotations

from wallet_project.kit.errors import Unavailable


class QueueFull(Unavailable):
    """More commands wait than the service can finish in time."""

    code = "overloaded"
    title = "The service is overloaded"


class OutcomeUnknown(Unavailable):
    """The transaction failed in a way that may or may not have committed."""

    code = "outcome_unknown"
    title = "The outcome is not known"


class RowsBusy(Unavailable):
    """Somebody holds the rows of this command for too long."""

    code = "wallet_busy"
    title = "The wallet is busy"


class DeadlinePassed(Unavailable):
    """The command waited past its deadline and was dropped undone."""

    code = "deadline_passed"
    title = "The request took too long"
