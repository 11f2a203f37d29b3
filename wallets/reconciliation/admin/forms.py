"""What staff are asked when they reconcile."""

from __future__ import annotations

import json
from typing import Any, Final

from django import forms
from django.contrib.auth.models import User
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from wallet_project.kit.acting import ReasonForm
from wallet_project.kit.audit import REASON_LENGTH_MAX
from wallet_project.kit.database import PRIMARY
from wallets import client_names
from wallets.models import Client
from wallets.reconciliation import mapping, rules
from wallets.reconciliation.models import ChannelSetup, Format
from wallets.reconciliation.operations.request_clearing import Target

_CHOICES_MAX: Final = 500


def setups() -> list[tuple[int, str]]:
    """List the channels that are set up, to choose among."""
    rows = list(ChannelSetup.objects.using(PRIMARY).order_by("client", "channel")[:_CHOICES_MAX])
    names = client_names.by_number({row.client for row in rows})
    return [
        (row.pk, f"{names.get(row.client, row.client)} / {row.channel} ({row.format})")
        for row in rows
    ]


def _clients() -> list[tuple[int, str]]:
    rows = Client.objects.using(PRIMARY).order_by("name")
    return list(rows.values_list("pk", "name")[:_CHOICES_MAX])


def _staff() -> list[tuple[str, str]]:
    rows = User.objects.using(PRIMARY).filter(is_staff=True, is_active=True)
    names = rows.order_by("username").values_list("username", flat=True)[:_CHOICES_MAX]
    return [("", "nobody"), *((name, name) for name in names)]


class _PlainJson(forms.CharField):
    """Settings as people edit them: an object of JSON, one a line."""

    def __init__(self, **more: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}), **more)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            found = json.loads(text or "{}")
        except ValueError as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from error
        if not isinstance(found, dict):
            raise forms.ValidationError("Write an object: {…}.")
        return found


class SetupForm(ReasonForm):
    """How a channel's files are read and matched."""

    format = forms.ChoiceField(choices=Format.choices, widget=UnfoldAdminSelectWidget())
    currency = forms.CharField(
        max_length=3,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Of lines that name none.",
    )
    mapping = _PlainJson(
        required=False,
        label="Mapping of a CSV file",
        help_text="Which column is which, by its heading; separators, date format, decimal mark "
        "and encoding. What is left out is as shown. Other formats need none.",
    )
    rules = _PlainJson(
        required=False,
        help_text="Which rules are applied, from the strictest, and how far they go.",
    )

    field_order = ("client", "channel", "format", "currency", "mapping", "rules", "reason")

    @staticmethod
    def usual() -> dict[str, str]:
        """Return what a form begins with: everything that can be set, as it is if nobody does."""
        return {
            "mapping": json.dumps(mapping.stored(mapping.CsvMapping()), indent=2),
            "rules": json.dumps(rules.stored(rules.Rules()), indent=2),
        }


class NewSetupForm(SetupForm):
    """A channel that is set up for the first time."""

    client = forms.TypedChoiceField(choices=_clients, coerce=int, widget=UnfoldAdminSelectWidget())
    channel = forms.CharField(
        max_length=32,
        widget=UnfoldAdminTextInputWidget(),
        help_text="As deposits and withdrawals name the payment rail, such as bank.",
    )


class UploadForm(forms.Form):
    """A file, and the channel it is of."""

    setup = forms.TypedChoiceField(
        label="Channel", choices=setups, coerce=int, widget=UnfoldAdminSelectWidget()
    )
    file = forms.FileField(widget=UnfoldAdminFileFieldWidget())


class RunForm(forms.Form):
    """A channel to be reconciled."""

    setup = forms.TypedChoiceField(
        label="Channel", choices=setups, coerce=int, widget=UnfoldAdminSelectWidget()
    )


class AssignForm(forms.Form):
    """Who looks after an item, and by when."""

    owner = forms.ChoiceField(choices=_staff, required=False, widget=UnfoldAdminSelectWidget())
    due_on = forms.DateField(
        label="By", required=False, widget=UnfoldAdminDateWidget(attrs={"type": "date"})
    )
    text = forms.CharField(
        label="Note",
        max_length=REASON_LENGTH_MAX,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )


class ClearForm(ReasonForm):
    """What leaves suspense, and where to. The hidden id makes a form sent twice one request."""

    target = forms.ChoiceField(
        choices=[(Target.FEES.value, "The fees"), (Target.RAIL.value, "The rail it came from")],
        widget=UnfoldAdminSelectWidget(),
    )
    amount = forms.CharField(
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Such as 12.34. Empty: all that is left of it.",
    )
    ticket = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Where the papers are, such as a ticket's number.",
    )
    request_id = forms.UUIDField(widget=forms.HiddenInput())

    field_order = ("target", "amount", "reason", "ticket", "request_id")


class NoteForm(forms.Form):
    """What is known of an item."""

    text = forms.CharField(
        label="Note", max_length=REASON_LENGTH_MAX, widget=UnfoldAdminTextInputWidget()
    )
