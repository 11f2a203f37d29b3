"""End a wallet for good."""

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
    act="wallet.close",
    to=WalletStatus.CLOSED,
    leaves=(WalletStatus.ACTIVE, WalletStatus.FROZEN),
    told_as=contracts.CLOSED,
    refuse=policies.refuse_close,
)


def close_wallet(*, wallet: WalletIdentity, request: StatusRequest) -> WalletView:
    """Close the wallet, active or frozen, if nothing is in it; it refuses everything from then on.

    Doing it twice changes nothing the second time.

    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    :raises WalletNotEmpty: if it has money or holds.
    """
    return _status.take(_STEP, wallet, request)
