"""Stop all movements of a wallet until someone unfreezes it."""

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
    act="wallet.freeze",
    to=WalletStatus.FROZEN,
    leaves=(WalletStatus.ACTIVE,),
    told_as=contracts.FROZEN,
    refuse=policies.refuse_change,
)


def freeze_wallet(*, wallet: WalletIdentity, request: StatusRequest) -> WalletView:
    """Freeze the wallet: it refuses debits and credits until it is unfrozen.

    Doing it twice changes nothing the second time.

    :raises PreconditionFailed: if a version is expected and the wallet has another one.
    :raises WalletClosed: if the wallet is closed.
    """
    return _status.take(_STEP, wallet, request)


def freeze_within(*, wallet: WalletIdentity, request: StatusRequest) -> None:
    """Freeze the wallet as a part of the caller's transaction, so that it happens once with it.

    :raises WalletClosed: if the wallet is closed.
    """
    _status.take_within(_STEP, wallet, request)
