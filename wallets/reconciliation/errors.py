"""Every way reconciling turns something down."""

from wallet_project.kit.errors import Conflict, Invalid, NotFound


class FileUnreadable(Invalid):
    """The file does not say what a file of its format says; no line of it was loaded."""

    code = "statement_file_unreadable"
    title = "The file cannot be read"


class FileTooLarge(Invalid):
    """The file is larger than what is loaded at once."""

    code = "statement_file_too_large"
    title = "The file is too large"


class FileLoadedAlready(Conflict):
    """The same bytes were loaded for the channel before."""

    code = "statement_file_loaded"
    title = "The file was loaded already"


class LineContradicts(Conflict):
    """A line has the reference of an earlier one and says something else."""

    code = "statement_line_contradicts"
    title = "A line contradicts an earlier one"


class SetupInvalid(Invalid):
    """A mapping or a rule cannot be as it was given."""

    code = "reconciliation_setup_invalid"
    title = "The channel cannot be set up so"


class NotSetUp(NotFound):
    """Nobody has said yet how the channel's files are read."""

    code = "reconciliation_not_set_up"
    title = "The channel is not set up"


class UploadGone(NotFound):
    """The file that was looked at is not kept any more."""

    code = "statement_upload_gone"
    title = "The uploaded file is gone"


class ItemsTaken(Conflict):
    """An item was matched, or is waited for, since somebody looked."""

    code = "reconciliation_items_taken"
    title = "An item is not open any more"


class ItemsUnfit(Invalid):
    """The items chosen cannot be matched with each other."""

    code = "reconciliation_items_unfit"
    title = "The items do not go together"


class SumsDiffer(Invalid):
    """Lines and postings that were chosen do not sum to the same."""

    code = "reconciliation_sums_differ"
    title = "The sums differ"


class NoDifference(Invalid):
    """There is nothing to post to suspense: the sums agree."""

    code = "reconciliation_no_difference"
    title = "The sums agree"


class MatchEnded(Conflict):
    """The match was taken apart already."""

    code = "reconciliation_match_ended"
    title = "The match has ended"
