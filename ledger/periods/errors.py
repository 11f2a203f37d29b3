"""Every way a month stays as it is."""

from wallet_project.kit.errors import Invalid, Refused, Unavailable


class PeriodNotOver(Refused):
    """A month is closed when it is over: everywhere, and for an hour."""

    code = "period_not_over"
    title = "The month is not over"


class PeriodOutOfOrder(Refused):
    """Months are closed one after the other, and opened again in the opposite order."""

    code = "period_out_of_order"
    title = "Another month comes first"


class PeriodNotClosing(Refused):
    """No month of the client is being closed."""

    code = "period_not_closing"
    title = "No month is being closed"


class PeriodNotClosed(Refused):
    """The month is not closed, or was opened again meanwhile."""

    code = "period_not_closed"
    title = "The month is not closed"


class PeriodNotProven(Refused):
    """The books of the month do not prove; the detail says what is wrong."""

    code = "period_not_proven"
    title = "The books of the month are not proven"


class PeriodNotSettled(Unavailable):
    """Movements that began before the month was barred may still be on their way."""

    code = "period_not_settled"
    title = "The month is not settled yet"
    retry_after_seconds = 10


class SumsBehind(Unavailable):
    """The sums by value date lack more movements than a reader can add himself."""

    code = "sums_behind"
    title = "The sums over the books lie behind"


class ReportOutOfRange(Invalid):
    """A report has days in order, and not too many of them."""

    code = "report_out_of_range"
    title = "The report cannot have these days"


class UnknownTimeZone(Invalid):
    """A time zone is named as the IANA database does, such as `Europe/Berlin`."""

    code = "unknown_time_zone"
    title = "There is no such time zone"
