"""Every way statements and exports turn something down, a sentence each."""

from __future__ import annotations

from wallet_project.kit.errors import Invalid, NotFound, Refused


class StatementNotFound(NotFound):
    """No such statement was issued to the client; another client's looks the same."""

    code = "statement_not_found"
    title = "The statement does not exist"


class ExportNotFound(NotFound):
    """No such export belongs to the client; another client's looks the same."""

    code = "export_not_found"
    title = "The export does not exist"


class LinkNotFound(NotFound):
    """A link to a file ends with its time, and is its export's alone."""

    code = "export_link_not_found"
    title = "The link does not lead to a file"


class ExportTooLong(Invalid):
    """A format holds only so many lines."""

    code = "export_too_long"
    title = "The time has more movements than the format holds"


class ExportNotReady(Refused):
    """An export that has ended cannot be cancelled; one that has not cannot be tried again."""

    code = "export_not_ready"
    title = "The export does not stand where that can be done"


class MonthlyUnchanged(Refused):
    """Monthly statements are as they were asked to become."""

    code = "monthly_unchanged"
    title = "Monthly statements are so already"
