"""Forms by which staff ask for what takes a second person; each is one request for approval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from ledger import queries as books
from wallet_project.kit import audit
from wallet_project.kit.acting import Asked as Cleaned
from wallet_project.kit.acting import ReasonForm, StaffAct
from wallet_project.kit.admin import money
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.ids import uuid7
from wallet_project.kit.money import parse_amount
from wallets import stopping
from wallets.approvals.errors import RequestInvalid
from wallets.approvals.models import Approval
from wallets.approvals.operations.request_approval import request_approval
from wallets.approvals.registry import Asked
from wallets.corrections import adjustments, asking, plans, rebuilds, reversals, unfreezing
from wallets.identity import parse_uuid
from wallets.models import Client, Plan, Wallet


def _choices(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(one, one.replace("_", " ").capitalize()) for one in values]


def _unchosen(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choose nothing beforehand: a slip would move money."""
    return [("", "Choose"), *_choices(values)]


def _told(text: str) -> str:
    """Tell a wallet's name, client and money; nothing where there is no such wallet."""
    try:
        row = asking.owner_of(text)
    except DomainError:
        return ""
    if row is None:
        return ""
    facts = asking.facts_of(row.pk)
    balance, available = facts.row.balance, facts.available
    return (
        f"{row.reference or row.pk} of {facts.row.client.name}: balance "
        f"{money(balance, row.currency)}, available {money(available, row.currency)}."
    )


def _plans() -> list[tuple[str, str]]:
    names = Plan.objects.using(PRIMARY).order_by("name").values_list("name", flat=True)
    return [(name, name) for name in names]


def _text(**more: Any) -> forms.CharField:
    return forms.CharField(widget=UnfoldAdminTextInputWidget(), **more)


def _choice(choices: Any, **more: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget(), **more)


class _DayInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """The browser's own field for a day."""

    input_type = "date"


class AskForm(ReasonForm):
    """What another person decides by. The hidden id makes a form that is sent twice one request."""

    ticket = _text(max_length=100, help_text="Where the papers are, such as a ticket's number.")
    request_id = forms.UUIDField(widget=forms.HiddenInput())


class WalletForm(AskForm):
    """Something about a wallet, which is told once it is known."""

    wallet = _text(max_length=64, help_text="The wallet's id or reference.")
    field_order: Iterable[str] | None = ("wallet", "reason", "ticket")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = str(self.data.get("wallet") or self.initial.get("wallet") or "")
        told = _told(named)
        if told:
            self.fields["wallet"].help_text = told


class AdjustmentForm(WalletForm):
    """A wallet to be credited or debited by hand."""

    direction = _choice(_unchosen(("CREDIT", "DEBIT")))
    amount = _text(max_length=40, help_text="Such as 12.34, in the wallet's currency.")
    account = _choice(
        _unchosen(adjustments.ACCOUNTS), help_text="The house account on the other side."
    )
    channel = _text(
        max_length=32,
        required=False,
        initial="default",
        help_text="The rail, where it is external.",
    )
    reason_code = _choice(_unchosen(adjustments.Reason))
    value_date = forms.DateField(
        required=False,
        widget=_DayInput(),
        help_text="Empty: the day on which it is posted.",
    )
    corrects = _text(
        max_length=36,
        required=False,
        help_text="The id of the journal entry that was wrong, such as one of a closed month.",
    )
    field_order: Iterable[str] | None = (
        *("wallet", "direction", "amount", "account", "channel", "reason_code", "value_date"),
        *("corrects", "reason", "ticket"),
    )


class ReversalForm(AskForm):
    """A movement to be taken back."""

    entry = _text(max_length=36, help_text="The journal entry's id.")
    amount = _text(max_length=40, required=False, help_text="Empty: all that is left of it.")
    field_order = ("entry", "amount", "reason", "ticket")


class PlanChangeForm(AskForm):
    """Another plan for a client."""

    client = _text(max_length=40, help_text="The client's name.")
    plan = _choice(_plans)
    field_order = ("client", "plan", "reason", "ticket")


class RebuildForm(AskForm):
    """Balances to be rebuilt."""

    client = _text(max_length=40, required=False, help_text="Its name. Empty: of all clients.")
    field_order = ("client", "reason", "ticket")


ASKS: Final = (
    StaffAct(
        "adjust",
        "Ask for an adjustment",
        "approvals.request_correction",
        AdjustmentForm,
        hint="A wallet is credited or debited by hand when another person approves.",
    ),
    StaffAct(
        "reverse",
        "Ask for a reversal",
        "approvals.request_correction",
        ReversalForm,
        hint="A movement is taken back, all of it or a part, when another person approves.",
    ),
    StaffAct("unfreeze", "Ask to unfreeze a wallet", "approvals.request_unfreezing", WalletForm),
    StaffAct("plan", "Ask for another plan", "approvals.request_plan_change", PlanChangeForm),
    StaffAct(
        "rebuild",
        "Ask for a rebuild",
        "approvals.request_rebuild",
        RebuildForm,
        hint="manage.py rebuild_balances then takes the request's id once.",
    ),
    StaffAct(
        "pause",
        "Ask to stop all money",
        "approvals.request_approval",
        AskForm,
        hint="When another person approves, every movement of all clients is refused within five "
        "seconds; reads go on. With a shell it takes one person: manage.py pause_writes.",
        is_grave=True,
    ),
    StaffAct(
        "resume",
        "Ask to let money move again",
        "approvals.request_approval",
        AskForm,
        hint="When another person approves, movements are taken again and what was accepted is "
        "done.",
    ),
)


class Asks:
    """The acts without a row of the queue: each puts a request into it."""

    list_acts: ClassVar[Sequence[StaffAct]] = ASKS

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Give each form that is shown an id of its own."""
        return {"request_id": uuid7()} if act in ASKS else {}

    def do_adjust(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for an adjustment."""
        wallet = _wallet(asked)
        said = adjustments.payload(
            is_credit=asked["direction"] == "CREDIT",
            account=asked["account"],
            reason_code=asked["reason_code"],
            channel=asked["channel"] or "default",
            value_date=asked["value_date"],
            corrects=_entry_id(asked["corrects"].strip()),
        )
        return _ask(
            request,
            asked,
            kind=adjustments.CODE,
            subject=str(wallet.pk),
            payload=said,
            client=wallet.client_id,
            amount=parse_amount(asked["amount"], wallet.currency),
            currency=wallet.currency,
        )

    def do_reverse(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for a reversal."""
        original = reversals.original_of(_client_of(asked["entry"].strip()), asked["entry"].strip())
        currency, text = original.wallet.currency, asked["amount"]
        amount = parse_amount(text, currency) if text else reversals.left_of(original)
        return _ask(
            request,
            asked,
            kind=reversals.CODE,
            subject=str(original.entry),
            client=original.wallet.client,
            amount=amount,
            currency=currency,
        )

    def do_unfreeze(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for a wallet to be unfrozen."""
        wallet = _wallet(asked)
        return _ask(
            request,
            asked,
            kind=unfreezing.CODE,
            subject=str(wallet.pk),
            client=wallet.client_id,
        )

    def do_plan(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for a client to be put on another plan."""
        why = {"reason": asked["reason"], "ticket": asked["ticket"]}
        return _file(
            request, asked, plans.ask(_client_named(asked["client"]), asked["plan"], **why)
        )

    def do_rebuild(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for balances to be rebuilt."""
        client = _client_named(asked["client"]) if asked["client"].strip() else None
        return _ask(
            request, asked, kind=rebuilds.CODE, subject=rebuilds.subject_of(client), client=client
        )

    def do_pause(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for all movements of money to be stopped."""
        return _ask(request, asked, kind=stopping.PAUSE, subject=stopping.SUBJECT)

    def do_resume(self, request: HttpRequest, asked: Cleaned) -> HttpResponse:
        """Ask for money to move again."""
        return _ask(request, asked, kind=stopping.RESUME, subject=stopping.SUBJECT)


def _ask(request: HttpRequest, asked: Cleaned, **facts: Any) -> HttpResponse:
    return _file(request, asked, Asked(reason=asked["reason"], ticket=asked["ticket"], **facts))


def _file(request: HttpRequest, asked: Cleaned, ask: Asked) -> HttpResponse:
    made: Approval = request_approval(ask=ask, by=audit.actor_of(request), id=asked["request_id"])
    return HttpResponseRedirect(reverse("admin:approvals_approval_change", args=[made.pk]))


def _wallet(asked: Cleaned) -> Wallet:
    found = asking.owner_of(asked["wallet"])
    if found is None:
        raise RequestInvalid("There is no wallet of this id or reference.", field="wallet")
    return found


def _entry_id(text: str) -> UUID | None:
    found = parse_uuid(text)
    if text and found is None:
        raise RequestInvalid("That is no entry's id.", field="corrects")
    return found


def _client_of(entry: str) -> int | None:
    try:
        found = books.entries_by_id([UUID(entry)])
    except ValueError:
        return None
    return next((one.client for one in found.values()), None)


def _client_named(name: str) -> int:
    found = Client.objects.using(PRIMARY).filter(name=name.strip()).first()
    if found is None:
        raise RequestInvalid("There is no client of this name.", field="client")
    return int(found.pk)
