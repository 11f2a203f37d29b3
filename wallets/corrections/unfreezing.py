"""Asking for a frozen wallet to move money again."""

from __future__ import annotations

from typing import Final

from wallet_project.kit.audit import Actor
from wallets import errors
from wallets.approvals.models import Approval
from wallets.approvals.registry import Asked, Kind, Line, Outcome
from wallets.corrections import asking
from wallets.models import WalletStatus
from wallets.operations._status import StatusRequest
from wallets.operations.unfreeze_wallet import unfreeze_within

CODE: Final = "unfreeze_wallet"


def _validate(ask: Asked) -> None:
    wallet = asking.wallet_of(ask.client, ask.subject)
    if asking.facts_of(wallet.id).row.status != WalletStatus.FROZEN:
        raise errors.FieldInvalid("The wallet is not frozen.", field="wallet")


def _describe(approval: Approval) -> list[Line]:
    wallet = asking.wallet_of(approval.client, approval.subject)
    lines = asking.wallet_lines(wallet.id, 0)
    status = asking.facts_of(wallet.id).row.status
    after = WalletStatus.ACTIVE if status == WalletStatus.FROZEN else status
    return [lines[0], Line("Status", status, after), *lines[2:]]


def _carry_out(approval: Approval, by: Actor) -> Outcome:
    wallet = asking.wallet_of(approval.client, approval.subject)
    reason = approval.reason
    unfreeze_within(wallet=wallet, request=StatusRequest(actor=by.id, reason=reason, staff=by))
    return Outcome("The wallet moves money again.")


UNFREEZING: Final = Kind(
    code=CODE,
    title="Unfreeze a wallet",
    validate=_validate,
    describe=_describe,
    carry_out=_carry_out,
    request_right="approvals.request_unfreezing",
    approve_right="wallets.unfreeze_wallet",
    is_atomic=True,
)
