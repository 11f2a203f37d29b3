"""Let a frozen wallet move money again."""

from __future__ import annotations

from typing import Final

from events import contracts
from wallets import policies
from wallets.identity import WalletIdentity
from wallets.models import WalletStatus
from wallets.operations import _status
from wallets.operations._status import StatusRequest
from wallets.queries import WalletView

_STEP: Final = _status.Step(
    to=WalletStatus.ACTIVE,
    leaves=(WalletStatus.FROZEN,),
    told_as=contracts.UNFROZEN,
    refuse=policies.refuse_change,
)


def unfreeze_wallet(*, wallet: WalletIdentity, request: StatusRequest) -> WalletView:
    """Unfreeze the wallet: it takes debits and credits again.

    Doing it twice changes nothing the second time.

    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    :raises WalletClosed: if the wallet is closed.
    """
    return _status.take(_STEP, wallet, request)
