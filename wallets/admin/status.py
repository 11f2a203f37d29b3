"""Freezing and unfreezing: a page that asks why, and one call of an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from wallet_project.kit import audit
from wallet_project.kit.errors import Conflict, DomainError
from wallets import identity
from wallets.models import Wallet, WalletStatus
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet

_OPERATIONS: Final = {"freeze": freeze_wallet, "unfreeze": unfreeze_wallet}


class ReasonForm(forms.Form):
    """Why: a freeze asks no more, for no movement in between may keep it from being made."""

    reason = forms.CharField(
        label="Reason",
        max_length=audit.REASON_LENGTH_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text="Kept in the audit log with your name; the client does not see it.",
        error_messages={"required": "Say why: nobody will know later."},
    )


class SeenForm(ReasonForm):
    """Why, and of which version of the wallet the person speaks."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class Act:
    """Something staff can do with a wallet."""

    name: str
    title: str
    permission: str
    does: str
    """What follows from it."""
    done: str
    status: WalletStatus
    """What the wallet is afterwards."""
    possible_from: WalletStatus
    form: type[ReasonForm]
    is_grave: bool = False

    def is_possible(self, wallet: Wallet) -> bool:
        """Tell whether it changes something; staff take over what only its client has frozen."""
        is_clients = wallet.status == WalletStatus.FROZEN and not wallet.frozen_by_operator
        return wallet.status == self.possible_from or (self.name == "freeze" and is_clients)


FREEZE: Final = Act(
    "freeze",
    "Freeze",
    "wallets.freeze_wallet",
    "The wallet then refuses every credit and every debit, until somebody unfreezes it. Money that "
    "is held stays held. The client is told by an event.",
    "The wallet is frozen.",
    WalletStatus.FROZEN,
    WalletStatus.ACTIVE,
    ReasonForm,
    is_grave=True,
)
UNFREEZE: Final = Act(
    "unfreeze",
    "Unfreeze",
    "wallets.unfreeze_wallet",
    "The wallet then takes credits and debits again. The client is told by an event.",
    "The wallet moves money again.",
    WalletStatus.ACTIVE,
    WalletStatus.FROZEN,
    SeenForm,
)
ACTS: Final = {act.name: act for act in (FREEZE, UNFREEZE)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a form that was sent."""

    form: ReasonForm
    code: int
    """The status of the answer."""
    told: str = ""
    """What the person is told; empty where the form tells it."""
    changed: bool = False


def offered(wallet: Wallet, request: HttpRequest) -> list[Act]:
    """List what this person may do with the wallet as it is."""
    possible = (act for act in ACTS.values() if act.is_possible(wallet))
    return [act for act in possible if request.user.has_perm(act.permission)]


def take(act: Act, wallet: Wallet, request: HttpRequest) -> Outcome:
    """Do what the form says, if it is complete and still speaks of the wallet as it is."""
    form = act.form(request.POST)
    if not form.is_valid():
        return Outcome(form, 400)
    asked: dict[str, Any] = form.cleaned_data
    actor = audit.actor_of(request)
    try:
        _OPERATIONS[act.name](
            wallet=identity.identify(wallet.client_id, str(wallet.pk)),
            request=StatusRequest(
                actor=actor.id,
                reason=asked["reason"],
                expected_version=asked.get("version"),
                staff=actor,
            ),
        )
    except Conflict as error:
        return Outcome(form, 409, f"Nothing was done: something was first. {error.detail}")
    except DomainError as error:
        return Outcome(form, 409, f"Nothing was done. {error.detail}")
    changed = act.is_possible(wallet)
    told = act.done if changed else "It was so already; nothing changed."
    return Outcome(form, 302, told, changed)
