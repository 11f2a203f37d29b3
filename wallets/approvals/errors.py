"""Why a request for approval, or a decision about one, is turned down."""

from __future__ import annotations

from wallet_project.kit.errors import Conflict, Forbidden, Invalid, NotFound


class ApprovalNotFound(NotFound):
    """There is no request of this id."""

    code = "approval_not_found"
    title = "The request for approval does not exist"


class RequestInvalid(Invalid):
    """What is asked for cannot be understood, or says too little to be decided about."""

    code = "approval_request_invalid"
    title = "The request for approval is not complete"


class NotAllowed(Forbidden):
    """The person has not the right, or the account is none of active staff."""

    code = "approval_not_allowed"
    title = "This takes a right that the account does not have"


class OwnRequest(Forbidden):
    """Nobody decides about what he has asked for himself, superusers included."""

    code = "approval_own_request"
    title = "Somebody else has to decide"


class AboveLimit(Forbidden):
    """The amount is more than the person's roles may ask for or approve."""

    code = "approval_above_limit"
    title = "The amount is above the limit of the role"


class RequesterNotAllowed(Conflict):
    """Who asked has lost the right since, or the account is not active any more."""

    code = "approval_requester_not_allowed"
    title = "Who asked may not ask for this any more"


class ApprovalDecided(Conflict):
    """Somebody has decided, withdrawn it, or its time has passed."""

    code = "approval_decided"
    title = "The request does not wait any more"


class ApprovalAltered(Conflict):
    """The row is not what was asked for: its hash does not match. It can only be rejected."""

    code = "approval_altered"
    title = "The request is not what was asked for"


class ApprovalMissing(Conflict):
    """What is to be done was not approved, or something else was."""

    code = "approval_missing"
    title = "This was not approved"
