"""What staff are asked when they act on clients, keys and plans."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from wallet_project.kit import clock
from wallet_project.kit.acting import ReasonForm
from wallet_project.kit.database import PRIMARY
from wallets.models import Plan, Scope
from wallets.operations.rotate_key import OVERLAP_HOURS, OVERLAP_HOURS_MAX

_DAYS_MAX: Final = 3650


def _plans() -> list[tuple[str, str]]:
    names = Plan.objects.using(PRIMARY).order_by("name").values_list("name", flat=True)
    return [(name, name) for name in names]


class _PlanField(forms.ChoiceField):
    def __init__(self, **more: Any) -> None:
        super().__init__(choices=_plans, widget=UnfoldAdminSelectWidget(), **more)


class KeyForm(ReasonForm):
    """A key to be made. The hidden prefix makes a form that is sent twice one key."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in Scope.values],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    expires_in_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=_DAYS_MAX,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: it does not expire.",
    )
    key_prefix = forms.CharField(max_length=12, widget=forms.HiddenInput())

    field_order = ("name", "plan", "scopes", "expires_in_days", "reason", "key_prefix")


class ClientForm(KeyForm):
    """A client to be admitted, with its first key."""

    name = forms.CharField(
        max_length=40,
        widget=UnfoldAdminTextInputWidget(),
        help_text="a-z, 0-9 and -; never changed later.",
    )
    plan = _PlanField(initial="default")


class PlanChangeForm(ReasonForm):
    """Another plan for a client. The hidden id makes a form that is sent twice one request."""

    plan = _PlanField()
    ticket = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Where the papers are, such as a ticket's number.",
    )
    request_id = forms.UUIDField(widget=forms.HiddenInput())

    field_order = ("plan", "reason", "ticket", "request_id")


class NetworksForm(ReasonForm):
    """From where a key may be used."""

    networks = forms.CharField(
        required=False,
        max_length=2_500,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Separated by commas, as in 192.0.2.0/24; empty: from anywhere.",
    )

    field_order = ("networks", "reason")


class RotateForm(ReasonForm):
    """A key to take another one's place."""

    overlap_hours = forms.IntegerField(
        initial=OVERLAP_HOURS,
        min_value=0,
        max_value=OVERLAP_HOURS_MAX,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="For how long the present key works beside the new one.",
    )
    key_prefix = forms.CharField(max_length=12, widget=forms.HiddenInput())

    field_order = ("overlap_hours", "reason", "key_prefix")


class LimitsForm(ReasonForm):
    """What a plan grants."""

    requests_per_minute = forms.IntegerField(
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: no limit.",
    )
    withdrawals_per_minute = forms.IntegerField(
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="Empty: no limit.",
    )

    field_order: tuple[str, ...] = (
        *("name", "requests_per_minute", "withdrawals_per_minute", "reason"),
    )


class LimitsAskForm(LimitsForm):
    """What a plan is to grant. The hidden id makes a form that is sent twice one request."""

    ticket = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Where the papers are, such as a ticket's number.",
    )
    request_id = forms.UUIDField(widget=forms.HiddenInput())

    field_order = (
        *("requests_per_minute", "withdrawals_per_minute", "reason", "ticket", "request_id"),
    )


class PlanForm(LimitsForm):
    """A plan to be made."""

    name = forms.CharField(max_length=32, widget=UnfoldAdminTextInputWidget())


def expiry(days: int | None) -> datetime | None:
    """Return the moment so many days from now; None: never."""
    return None if days is None else clock.now() + timedelta(days=days)
