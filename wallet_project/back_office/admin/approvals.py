"""The queue of what waits for a second person, and the limits of the roles.

It stands here, not with its app, because a decision takes a fresh code of the authenticator.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Final, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from wallet_project.back_office import second_factor
from wallet_project.back_office.admin.effects import effect_of, kind_of, subject_of
from wallet_project.back_office.admin.requests import Asks
from wallet_project.back_office.forms import CodeForm
from wallet_project.back_office.second_factor import Verdict
from wallet_project.kit import audit, clock
from wallet_project.kit.acting import ActingAdmin, Asked, NoForm, StaffAct
from wallet_project.kit.admin import NOTHING, coloured, money, money_column
from wallet_project.kit.admin_filters import ExactLookups, StatusFilter
from wallet_project.kit.audit import REASON_LENGTH_MAX
from wallet_project.kit.client_cells import client_cell
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.links import row_link
from wallet_project.kit.money import exponent_of
from wallets.approvals import sealing, setting
from wallets.approvals.models import Approval, ApprovalLimit, Status
from wallets.approvals.operations.approve import approve
from wallets.approvals.operations.reject import reject
from wallets.approvals.operations.withdraw import withdraw

_VIEW: Final = "approvals.view_approval"
_COLOURS: Final = {
    Status.PENDING.label: "warning",
    Status.APPROVED.label: "info",
    Status.CARRIED_OUT.label: "success",
    Status.FAILED.label: "danger",
    Status.REJECTED.label: "danger",
}


class ApprovalFilter(StatusFilter):
    """Shows what waits, unless something else is asked for."""

    states = Status.choices
    preset = Status.PENDING


class ApproveForm(CodeForm):
    """A decision that has an effect: with a fresh code of the authenticator."""

    note = forms.CharField(
        required=False,
        max_length=REASON_LENGTH_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept with the request and in the audit log.",
    )
    allow = forms.MultipleChoiceField(
        label="Allow besides", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )
    field_order = ("note", "allow", "code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        offered = (kwargs.get("initial") or {}).get("offered", ())
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code of your authenticator"
        self.fields["code"].widget.attrs.pop("autofocus", None)
        if offered:
            cast(Any, self.fields["allow"]).choices = list(offered)
        else:
            del self.fields["allow"]


class RejectForm(forms.Form):
    """Why not."""

    note = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Who asked reads it.",
    )


@admin.register(Approval)
class ApprovalAdmin(Asks, ActingAdmin):
    """What waits for a second person. Nobody decides about what he has asked for himself."""

    list_display = (
        *("requested_at", "what", "subject", "amount_money"),
        *("requested_by_name", "reason", "state", "expires_at"),
    )
    list_filter = (ApprovalFilter, "kind")
    search_fields = ("id", "subject")
    search_help_text = "Exact id of a request, or of what it is about"
    empty_text = "Nothing waits. What needs a second person is asked for on the pages of its rows."
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": (("what", "state"), "own")}),
        (
            "Asked for",
            {
                "fields": (
                    *(("requested_by_name", "requested_at"), "reason", "ticket"),
                    *(("amount_money", "client_link"), ("subject_link", "expires_at")),
                    *("wording", "digest"),
                )
            },
        ),
        (
            "Decided",
            {
                "fields": (
                    *(("decided_by_name", "decided_at"), "decision_note", "allowed"),
                    *(("outcome", "entry_link"), "failure", ("finished_at", "attempts")),
                )
            },
        ),
    )
    readonly_fields = (
        *("what", "state", "own", "amount_money", "client_link"),
        *("subject_link", "wording", "digest", "entry_link"),
    )
    # What it does, and the forms of a decision, come before what stands there for the record.
    change_form_outer_before_template = "admin/back_office/approval.html"
    change_form_outer_after_template = ""
    acts = (
        StaffAct(
            "approve",
            "Approve",
            _VIEW,
            ApproveForm,
            hint="What the request says is then done at once, under both names.",
        ),
        StaffAct("reject", "Reject", _VIEW, RejectForm, hint="Nothing is done.", is_grave=True),
        StaffAct("withdraw", "Withdraw", _VIEW, NoForm, hint="You asked for this; take it back."),
    )

    @admin.display(description="Request")
    def what(self, approval: Approval) -> str:
        kind = kind_of(approval)
        return approval.kind if kind is None else kind.title

    @coloured(_COLOURS)
    @admin.display(description="Status")
    def state(self, approval: Approval) -> str:
        return str(Status(approval.status).label)

    @money_column("Amount")
    def amount_money(self, approval: Approval) -> str:
        return money(approval.amount_minor, approval.currency)

    @admin.display(description="Client")
    def client_link(self, approval: Approval) -> SafeString | str:
        return client_cell(approval)

    @admin.display(description="Entry")
    def entry_link(self, approval: Approval) -> SafeString | str:
        return row_link("ledger.journalentry", approval.transaction_id)

    @admin.display(description="What it does")
    def effect(self, approval: Approval) -> SafeString | str:
        """Tell what would be done, or what was asked for and what came of it."""
        return effect_of(approval)

    @admin.display(description="Subject")
    def subject_link(self, approval: Approval) -> SafeString | str:
        return subject_of(approval)

    @admin.display(description="Who can decide")
    def own(self, approval: Approval) -> str:
        kind = kind_of(approval)
        if approval.status != Status.PENDING or kind is None:
            return NOTHING
        return (
            f"Anybody with the right {kind.approve_right} but {approval.requested_by_name}, "
            "who asked for it: nobody decides about a request of his own, superusers included."
        )

    @admin.display(description="In full")
    def wording(self, approval: Approval) -> SafeString:
        text = json.dumps(sealing.payload_of(approval), indent=2, ensure_ascii=False)
        return format_html('<pre class="verbatim">{}</pre>', text)

    @admin.display(description="Hash (SHA-256)")
    def digest(self, approval: Approval) -> SafeString:
        sound = "" if sealing.is_unaltered(approval) else " It is NOT what was asked for."
        return format_html('<code class="verbatim">{}</code>{}', approval.payload_hash.hex(), sound)

    def offers(self, act: StaffAct, row: Approval) -> bool:
        """Offer decisions about what waits."""
        return row.status == Status.PENDING

    def allows(self, request: HttpRequest, act: StaffAct, row: Approval) -> bool:
        """Let another person with the kind's right decide, and who asked withdraw."""
        is_own = row.requested_by == request.user.pk
        if act.name == "withdraw":
            return is_own
        kind = kind_of(row)
        return not is_own and kind is not None and request.user.has_perm(kind.approve_right)

    def first_values(self, act: StaffAct, row: Approval | None) -> dict[str, Any]:
        """Name what the checker may allow besides; give a form that asks its id."""
        kind = None if row is None else kind_of(row)
        if act.name != "approve" or kind is None:
            return super().first_values(act, row)
        try:
            offered = [(one.code, one.label) for one in kind.options if row and one.offered(row)]
        except DomainError:  # the page says so where it tells what would be done
            return {}
        return {"offered": offered}

    def do_approve(self, request: HttpRequest, row: Approval, asked: Asked) -> str | HttpResponse:
        """Take the code, then approve."""
        by = audit.actor_of(request)
        taken = second_factor.confirm(
            cast(User, request.user), asked["code"], by, about=str(row.pk)
        )
        if taken.device is None:
            return self._code_refused(request, row, taken)
        done = approve(
            approval=row.pk, by=by, note=asked["note"], allow=frozenset(asked.get("allow", ()))
        )
        if done.status == Status.FAILED:
            told = f"Approved, but it could not be carried out: {done.failure}"
            self.message_user(request, told, messages.ERROR)
            return HttpResponseRedirect(self._row_page(row))
        if done.status == Status.APPROVED:
            return "Approved. It could not be done at once; it is tried again by itself."
        return f"Approved and done. {done.outcome}"

    def _code_refused(self, request: HttpRequest, row: Approval, taken: Verdict) -> HttpResponse:
        """Show the form again, with the note that was typed."""
        act = next(one for one in self.acts if one.name == "approve")
        form = self._form(act, row, request.POST)
        form.add_error("code", _why_not(taken))
        return self._page(request, act, form, row, status=400)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put what the request does and the forms of a decision first."""
        row = kwargs.get("obj")
        if row is not None:
            context |= {"effect": effect_of(row), "acts_are_open": True}
        return super().render_change_form(request, context, *args, **kwargs)

    def do_reject(self, request: HttpRequest, row: Approval, asked: Asked) -> str:
        """Reject."""
        reject(approval=row.pk, by=audit.actor_of(request), note=asked["note"])
        return "Rejected. Nothing was done."

    def do_withdraw(self, request: HttpRequest, row: Approval, asked: Asked) -> str:
        """Withdraw."""
        withdraw(approval=row.pk, by=audit.actor_of(request))
        return "Withdrawn. Nothing was done."


class _LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit of a role that there is, in a currency that there is."""

    role = forms.ChoiceField(widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Group.objects.using(PRIMARY).order_by("name").values_list("name", flat=True)
        cast(Any, self.fields["role"]).choices = [(name, name) for name in names]

    def clean_currency(self) -> str:
        """Refuse what is no currency."""
        currency = str(self.cleaned_data["currency"]).upper()
        try:
            exponent_of(currency)
        except DomainError as error:
            raise forms.ValidationError(error.detail) from error
        return currency


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(ExactLookups, ModelAdmin):  # type: ignore[misc]
    """How much each role may ask for and approve; superusers alone change it, and it is kept."""

    form = _LimitForm
    list_display = ("role", "currency", "request_money", "approve_money")
    actions: ClassVar[Sequence[str] | None] = None

    @money_column("May ask for")
    def request_money(self, limit: ApprovalLimit) -> str:
        most = limit.request_max
        return "no limit" if most is None else money(most, limit.currency)

    @money_column("May approve")
    def approve_money(self, limit: ApprovalLimit) -> str:
        most = limit.approve_max
        return "no limit" if most is None else money(most, limit.currency)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may make limits: superusers may."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether somebody may change limits: superusers may."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether somebody may remove limits: superusers may."""
        return bool(request.user.is_superuser)

    def save_model(self, request: HttpRequest, obj: ApprovalLimit, form: Any, change: bool) -> None:
        """Set a limit, within the form's transaction."""
        setting.set_limit(obj, by=audit.actor_of(request))

    def delete_model(self, request: HttpRequest, obj: ApprovalLimit) -> None:
        """Remove a limit, within the form's transaction."""
        setting.remove_limit(obj, by=audit.actor_of(request))


def _why_not(taken: Verdict) -> str:
    if taken.again_at is None:
        return "The code is wrong, or was used already. Wait for the next one."
    seconds = max(math.ceil((taken.again_at - clock.now()).total_seconds()), 1)
    wait = "a second" if seconds == 1 else f"{seconds} seconds"
    return f"After a wrong code the next one is not looked at at once. Wait {wait} and send again."
