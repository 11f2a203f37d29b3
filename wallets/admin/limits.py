"""Limits of what leaves wallets: a wallet's own, and the defaults of a client's."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, ReasonForm, StaffAct
from wallet_project.kit.admin import NOTHING, money, money_column
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.links import row_link
from wallet_project.kit.money import exponent_of, format_minor, parse_amount
from wallets import errors, identity
from wallets.limit_queries import bounds_of
from wallets.models import Client
from wallets.operations.set_limits import set_limits
from wallets.safeguards.limits import NO_BOUNDS, Bounds
from wallets.safeguards.models import Limit

_AMOUNTS: Final = ("per_operation", "per_day", "per_month")
_BITES: Final = "They hold for whatever is decided on from now on."


def _amount_field(help_text: str) -> forms.CharField:
    return forms.CharField(
        required=False, max_length=24, widget=UnfoldAdminTextInputWidget(), help_text=help_text
    )


class BoundsForm(ReasonForm):
    """What may leave; what is empty has no limit of this kind."""

    per_operation = _amount_field("The most that one movement may take out, as in 500.00.")
    per_day = _amount_field("The most that may leave in a day (UTC).")
    per_month = _amount_field("The most that may leave in a month (UTC).")
    count_per_day = forms.IntegerField(
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="How often anything may leave in a day (UTC).",
    )

    field_order = (
        *("client", "wallet", "currency"),
        *("per_operation", "per_day", "per_month", "count_per_day", "reason"),
    )


class WhoseForm(BoundsForm):
    """For whom: a wallet, or all wallets of a client that have a currency."""

    client = forms.CharField(
        max_length=40, widget=UnfoldAdminTextInputWidget(), help_text="Its name."
    )
    wallet = forms.CharField(
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Id or reference; empty: the default of all wallets of the client.",
    )
    currency = forms.CharField(
        required=False,
        max_length=3,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Of the default, as in USD; a wallet has its own.",
    )


@admin.register(Limit)
class LimitAdmin(ActingAdmin):
    """What may leave wallets. A wallet's own number goes before its client's, one by one."""

    list_display = (
        *("whose", "client_name", "currency", "per_operation_money", "per_day_money"),
        *("per_month_money", "count_shown", "changed_at"),
    )
    search_fields = ("wallet", "client")
    search_help_text = "Exact id of a wallet, or name of a client"
    empty_text = "Nothing limits what leaves wallets yet. Set limits here, or by set_limits."
    fields = (
        ("whose", "client_name", "currency"),
        ("per_operation_money", "per_day_money", "per_month_money"),
        ("count_shown", "changed_at"),
    )
    readonly_fields = (
        *("whose", "client_name", "per_operation_money", "per_day_money", "per_month_money"),
        "count_shown",
    )
    list_acts = (
        StaffAct(
            "set",
            "Set limits",
            "safeguards.set_limit",
            form=WhoseForm,
            hint=f"They take the place of those that there are. {_BITES}",
        ),
    )
    acts = (
        StaffAct(
            "change",
            "Change the limits",
            "safeguards.set_limit",
            form=BoundsForm,
            hint=f"What is left empty has no limit afterwards. {_BITES}",
        ),
        StaffAct(
            "remove",
            "Take the limits away",
            "safeguards.set_limit",
            hint="A wallet then has the default of its client, if there is one.",
            is_grave=True,
        ),
    )

    def exact_matches(self, term: str) -> Q:
        """Find a wallet's own limits, which have its id, or all that belong to a client."""
        client = Client.objects.filter(name=term).values_list("pk", flat=True).first()
        if client is not None:
            return Q(client=client)
        try:
            return Q(pk=Limit._meta.pk.to_python(term))
        except ValidationError:
            return Q(pk__in=[])

    @admin.display(description="For")
    def whose(self, row: Limit) -> SafeString | str:
        if row.wallet is None:
            return "every wallet of the client"
        return row_link("wallets.wallet", row.wallet)

    @admin.display(description="Client")
    def client_name(self, row: Limit) -> SafeString | str:
        return row_link("wallets.client", row.client)

    @money_column("One movement")
    def per_operation_money(self, row: Limit) -> str:
        return money(row.per_operation, row.currency)

    @money_column("A day")
    def per_day_money(self, row: Limit) -> str:
        return money(row.per_day, row.currency)

    @money_column("A month")
    def per_month_money(self, row: Limit) -> str:
        return money(row.per_month, row.currency)

    @admin.display(description="Times a day")
    def count_shown(self, row: Limit) -> str:
        return NOTHING if row.count_per_day is None else f"{row.count_per_day:,}"

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Begin with the limits that there are."""
        if row is None or act.name != "change":
            return {}
        amounts = {name: getattr(row, name) for name in _AMOUNTS}
        shown = {
            name: format_minor(minor, row.currency)
            for name, minor in amounts.items()
            if minor is not None
        }
        return shown | {"count_per_day": row.count_per_day}

    def do_set(self, request: HttpRequest, asked: Asked) -> str:
        """Set the limits of a wallet, or a client's default."""
        name = asked["client"]
        client = Client.objects.using(PRIMARY).filter(name=name).first()
        if client is None:
            raise errors.ClientNotFound(f"There is no client {name}.", field="client")
        currency, wallet = asked["currency"].strip().upper(), None
        if asked["wallet"]:
            found = identity.identify(client.pk, asked["wallet"].strip(), field="wallet")
            if currency not in ("", found.currency):
                raise errors.FieldInvalid(f"It is a wallet in {found.currency}.", field="currency")
            currency, wallet = found.currency, found.id
        elif not currency:
            raise errors.FieldInvalid("A default is of one currency.", field="currency")
        exponent_of(currency)
        bounds = _bounds(asked, currency)
        if bounds == NO_BOUNDS:
            raise errors.FieldInvalid("Name a limit at least.", field="per_operation")
        set_limits(
            client=client.pk,
            wallet=wallet,
            currency=currency,
            bounds=bounds,
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        whose = f"the wallet {wallet}" if wallet else f"{name}'s wallets in {currency}"
        return f"The limits of {whose} are set. {_BITES}"

    def do_change(self, request: HttpRequest, row: Limit, asked: Asked) -> str:
        """Put other limits in place of these."""
        bounds = _bounds(asked, row.currency)
        _set(request, row, bounds, asked)
        return f"They are changed. {_BITES}" if bounds != NO_BOUNDS else "They are taken away."

    def do_remove(self, request: HttpRequest, row: Limit, asked: Asked) -> str:
        """Take these limits away."""
        _set(request, row, NO_BOUNDS, asked)
        return "They are taken away."


def _set(request: HttpRequest, row: Limit, bounds: Bounds, asked: Asked) -> None:
    if bounds == bounds_of(row):
        raise errors.FieldInvalid("The limits are so already.", field="per_operation")
    set_limits(
        client=row.client,
        wallet=row.wallet,
        currency=row.currency,
        bounds=bounds,
        by=audit.actor_of(request),
        reason=asked["reason"],
    )


def _bounds(asked: Asked, currency: str) -> Bounds:
    texts = {name: asked[name].strip() for name in _AMOUNTS}
    amounts = {
        name: parse_amount(text, currency, field=name) if text else None
        for name, text in texts.items()
    }
    return Bounds(**amounts, count_per_day=asked["count_per_day"])
