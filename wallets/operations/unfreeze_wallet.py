"""Let a frozen wallet move money again."""

from __future__ import annotations

from typing import Final

from events import contracts
from wallet_project.kit import audit
from wallets import errors, policies
from wallets.identity import WalletIdentity
from wallets.models import Wallet, WalletStatus
from wallets.operations import _status
from wallets.operations._status import StatusRequest
from wallets.queries import WalletView

_STEP: Final = _status.Step(
    act="wallet.unfreeze",
    to=WalletStatus.ACTIVE,
    leaves=(WalletStatus.FROZEN,),
    told_as=contracts.UNFROZEN,
    refuse=policies.refuse_change,
)


def unfreeze_wallet(*, wallet: WalletIdentity, request: StatusRequest) -> WalletView:
    """Unfreeze the wallet: it takes debits and credits again.

    Doing it twice changes nothing the second time. Of the staff another person than who froze it
    has to, superusers included; or a second one approves it (`unfreeze_within`).

    :raises SamePerson: to who froze it.
    :raises FrozenByOperator: to the client, of a wallet that staff, a rule or the auditor froze.
    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    :raises WalletClosed: if the wallet is closed.
    """
    if request.staff is not None:
        froze = audit.last_actor("wallet.freeze", Wallet._meta.label_lower, str(wallet.id))
        if froze == request.staff.id:
            raise errors.SamePerson(
                "You froze this wallet; another person has to unfreeze it. Ask for it under "
                "Waiting for approval."
            )
    return _status.take(_STEP, wallet, request)


def unfreeze_within(*, wallet: WalletIdentity, request: StatusRequest) -> None:
    """Unfreeze the wallet as a part of the caller's transaction, so that it happens once with it.

    :raises WalletClosed: if the wallet is closed.
    """
    _status.take_within(_STEP, wallet, request)
