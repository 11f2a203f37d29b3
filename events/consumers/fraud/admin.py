"""The review queue: what was found, the evidence, and what staff do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from events.consumers.fraud import review, setting
from events.consumers.fraud.errors import AlertDecided, SamePerson
from events.consumers.fraud.models import (
    Act,
    AlertAct,
    AlertStatus,
    FraudAlert,
    FraudRule,
    Observation,
)
from wallet_project.kit import audit
from wallet_project.kit.admin import ReadOnlyAdmin, ReadOnlyInline, coloured, money
from wallet_project.kit.admin_filters import ExactLookups, StatusFilter
from wallet_project.kit.client_cells import client_cell
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.links import row_link

_MAY_REVIEW = "fraud.review_fraudalert"
_MAY_UNFREEZE = "wallets.unfreeze_wallet"
_NEED_A_TEXT = {
    Act.NOTE: "A note needs a text.",
    Act.UNFREEZE: "Say why the wallet is to be unfrozen.",
}
_STATUS_COLOURS = {
    AlertStatus.OPEN.label: "warning",
    AlertStatus.CLEARED.label: "success",
    AlertStatus.CONFIRMED.label: "danger",
}


class AlertFilter(StatusFilter):
    """Shows the open alerts, unless others are asked for."""

    states = AlertStatus.choices
    preset = AlertStatus.OPEN


class ActInline(ReadOnlyInline):
    """Who did what, and when."""

    model = AlertAct
    fields = ("at", "by", "act", "text")
    verbose_name_plural = "What was done"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever sees the alert see what was done about it."""
        return True


@admin.register(FraudAlert)
class FraudAlertAdmin(ReadOnlyAdmin):
    """The queue, newest first. Staff need the right `review_fraudalert` to act, and to unfreeze a
    wallet `unfreeze_wallet` as well."""

    list_display = ("raised_at", "rule", "wallet_link", "action", "state", "decided_by")
    list_filter = (AlertFilter, "rule", "action")
    search_fields = ("id", "wallet")
    search_help_text = "Exact number of an alert or id of a wallet"
    empty_text = "No rule has found anything yet."
    fields = (
        ("rule", "state"),
        ("wallet_link", "client_link"),
        ("triggered_at", "raised_at"),
        ("action", "mailed"),
        ("decided_by", "decided_at"),
        "numbers",
        "facts",
    )
    inlines = (ActInline,)
    change_form_outer_after_template = "admin/fraud/acts.html"

    @admin.display(description="Wallet")
    def wallet_link(self, alert: FraudAlert) -> SafeString | str:
        return row_link("wallets.wallet", alert.wallet)

    @admin.display(description="Client")
    def client_link(self, alert: FraudAlert) -> SafeString | str:
        return client_cell(alert)

    @coloured(_STATUS_COLOURS)
    @admin.display(description="Status")
    def state(self, alert: FraudAlert) -> str:
        return str(alert.get_status_display())

    @admin.display(description="Mailed")
    def mailed(self, alert: FraudAlert) -> str:
        if alert.sent_at is not None:
            return str(alert.sent_at)
        return alert.last_error or ("waiting" if alert.next_attempt_at else "no")

    @admin.display(description="What was counted")
    def numbers(self, alert: FraudAlert) -> SafeString:
        pairs = ((k.replace("_", " "), v) for k, v in alert.evidence["numbers"].items())
        return format_html_join("", "<div>{}: <b>{}</b></div>", pairs)

    @admin.display(description="Evidence")
    def facts(self, alert: FraudAlert) -> SafeString:
        ids = alert.evidence["events"]
        known = Observation.objects.using(PRIMARY).in_bulk(ids)
        by_id = {str(event): fact for event, fact in known.items()}
        lines = ((_fact(by_id.get(event)), event) for event in ids)
        return format_html_join("", "<div>{} <small>event {}</small></div>", lines)

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(require_POST(self.act))
        own = path("<int:alert_id>/act/<str:what>/", act, name="fraud_fraudalert_act")
        return [own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer what may be done."""
        alert = kwargs.get("obj")
        context["may_review"] = request.user.has_perm(_MAY_REVIEW)
        context["may_unfreeze"] = request.user.has_perm(_MAY_UNFREEZE)
        context["is_open"] = alert is not None and alert.status == AlertStatus.OPEN
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[no-any-return]

    def act(self, request: HttpRequest, alert_id: int, what: str) -> HttpResponse:
        """Do what a form of the alert's page asks for.

        :raises PermissionDenied: for staff without the right, and for acts that there are not.
        """
        if not self._may(request, what):
            raise PermissionDenied
        alert = get_object_or_404(FraudAlert.objects.using(PRIMARY), pk=alert_id)
        text = request.POST.get("text", "").strip()
        act = Act(what)
        if act in _NEED_A_TEXT and not text:
            self.message_user(request, _NEED_A_TEXT[act], messages.WARNING)
        else:
            self._act(request, alert, act, text[:2000])
        return HttpResponseRedirect(reverse("admin:fraud_fraudalert_change", args=[alert_id]))

    def _may(self, request: HttpRequest, what: str) -> bool:
        # Not of those who decide about alerts: they may have had the wallet frozen themselves.
        needed = _MAY_UNFREEZE if what == Act.UNFREEZE else _MAY_REVIEW
        is_allowed = self.has_view_permission(request) and request.user.has_perm(needed)
        return what in Act.values and is_allowed

    def _act(self, request: HttpRequest, alert: FraudAlert, what: Act, text: str) -> None:
        try:
            review.act(alert, what, by=audit.actor_of(request), text=text)
        except (AlertDecided, SamePerson) as error:
            self.message_user(request, error.detail, messages.WARNING)
        else:
            self.message_user(request, f"{what.label}.", messages.SUCCESS)


@admin.register(AlertAct)
class AlertActAdmin(ReadOnlyAdmin):
    """Who did what about which alert, newest first."""

    empty_text = "Nobody has decided about an alert yet. It is done on the page of an alert."
    list_display = ("at", "act", "by", "alert", "text")
    list_select_related = ("alert",)


@admin.register(FraudRule)
class FraudRuleAdmin(ExactLookups, ModelAdmin):  # type: ignore[misc]
    """Thresholds, by currency. The audit log keeps who changed them, from what to what."""

    list_display = ("rule", "currency", "thresholds", "action", "enabled")
    list_filter = ("rule",)
    # One by one, so that each is audited.
    actions: ClassVar[Sequence[str] | None] = None

    def save_model(self, request: HttpRequest, obj: FraudRule, form: Any, change: bool) -> None:
        """Set a rule, within the form's transaction."""
        setting.set_rule(obj, by=audit.actor_of(request))

    def delete_model(self, request: HttpRequest, obj: FraudRule) -> None:
        """Remove a rule, within the form's transaction."""
        setting.remove_rule(obj, by=audit.actor_of(request))


def _fact(fact: Observation | None) -> SafeString:
    if fact is None:
        return format_html("{}", "no longer kept:")
    other = f", other wallet {fact.counterpart}" if fact.counterpart else ""
    return format_html(
        "{} {} {}, balance {}{}",
        f"{fact.occurred_at:%Y-%m-%d %H:%M:%S}",
        fact.get_kind_display(),
        money(fact.amount, fact.currency),
        money(fact.balance, fact.currency),
        other,
    )
