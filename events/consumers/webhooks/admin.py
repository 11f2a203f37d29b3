"""Endpoints and what was sent to them: to be read, switched, and sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from events.consumers.webhooks import deliveries, endpoints
from events.consumers.webhooks.models import (
    FINAL,
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, NoForm, ReasonForm, StaffAct
from wallet_project.kit.admin import NOTHING, ReadOnlyInline, coloured
from wallet_project.kit.client_cells import NamesClients, client_cell
from wallet_project.kit.links import list_link, row_link

_COLOURS = {
    DeliveryStatus.PENDING.label: "info",
    DeliveryStatus.SUCCEEDED.label: "success",
    DeliveryStatus.FAILED.label: "danger",
    DeliveryStatus.SKIPPED.label: "warning",
    DeliveryStatus.CANCELLED.label: "warning",
}
_SHOWN = 20


class RangeForm(ReasonForm):
    """Which of an endpoint's events are to be sent again."""

    start = forms.DateTimeField(
        label="From",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-01-15 00:00"}),
        help_text="When the events happened, UTC.",
    )
    end = forms.DateTimeField(
        label="Up to",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-01-16 00:00"}),
        help_text=f"One call takes {deliveries.RANGE_MAX:,} deliveries at most.",
    )

    field_order = ("start", "end", "reason")

    def clean(self) -> dict[str, Any]:
        """Refuse a range that holds nothing."""
        asked: dict[str, Any] = super().clean() or self.cleaned_data
        if "start" in asked and "end" in asked and asked["start"] >= asked["end"]:
            raise ValidationError("The end must be later than the start.")
        return asked


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(NamesClients, ActingAdmin):
    """Where clients are told. Secrets are not shown."""

    list_display = ("url", "client_link", "state", "failures", "failing_since", "created_at")
    list_filter = ("enabled", "disabled_reason")
    search_fields = ("id", "client")
    search_help_text = "Exact id, or a client's number"
    empty_text = "No client has asked for webhooks yet. They do it by POST /webhook-endpoints."
    fields = (
        ("url", "state"),
        ("id", "client_link"),
        "description",
        ("events", "only_wallets"),
        ("only_currency", "amounts"),
        ("failures", "failing_since"),
        ("disabled_at", "former_secret_until"),
        ("created_at", "updated_at", "deleted_at"),
        "latest",
    )
    readonly_fields = (
        *("client_link", "state", "events", "only_wallets", "only_currency", "amounts", "latest"),
    )
    acts = (
        StaffAct(
            "disable",
            "Disable the endpoint",
            "webhooks.switch_webhookendpoint",
            hint="Nothing is sent; what happens meanwhile is kept as skipped.",
            is_grave=True,
        ),
        StaffAct(
            "enable",
            "Enable the endpoint",
            "webhooks.switch_webhookendpoint",
            hint="Its failures are forgotten. What was skipped can be sent again below.",
        ),
        StaffAct(
            "redeliver_range",
            "Send a range again",
            "webhooks.redeliver_webhookdelivery",
            form=RangeForm,
            hint="What has ended in that time, oldest first; receivers know repeats by their id.",
        ),
    )

    @admin.display(description="State")
    @coloured({"enabled": "success", "REQUESTED": "info", "FAILING": "danger", "GONE": "danger"})
    def state(self, endpoint: WebhookEndpoint) -> str:
        if endpoint.deleted_at is not None:
            return "removed"
        return "enabled" if endpoint.enabled else endpoint.disabled_reason

    @admin.display(description="Client")
    def client_link(self, endpoint: WebhookEndpoint) -> SafeString | str:
        return client_cell(endpoint)

    @admin.display(description="Events")
    def events(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.event_types) or "all"

    @admin.display(description="Wallets")
    def only_wallets(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.wallets) or "all"

    @admin.display(description="Currency")
    def only_currency(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.currency or "all"

    @admin.display(description="Amounts in minor units")
    def amounts(self, endpoint: WebhookEndpoint) -> str:
        bounds = endpoint.minimum_amount, endpoint.maximum_amount
        if bounds == (None, None):
            return "all"
        return " to ".join("any" if one is None else f"{one:,}" for one in bounds)

    @admin.display(description="Latest deliveries")
    def latest(self, endpoint: WebhookEndpoint) -> SafeString:
        """List the newest ones in a table, and where the others are."""
        rows = WebhookDelivery.objects.filter(endpoint=endpoint.pk).order_by("-pk")[:_SHOWN]
        lines = [
            [
                row_link("webhooks.webhookdelivery", row.pk, row.type),
                row.get_status_display(),
                row.attempts,
                row.last_error or row.last_status_code or NOTHING,
                f"{row.occurred_at:%Y-%m-%d %H:%M:%S} UTC",
            ]
            for row in rows
        ]
        heads = ["Event", "Status", "Attempts", "Last answer", "Happened"]
        query = f"endpoint__id__exact={endpoint.pk}"
        others = list_link("webhooks.webhookdelivery", query, "All deliveries of this endpoint")
        context = {"table": {"headers": heads, "rows": lines}, "all": others}
        return render_to_string("admin/webhooks/latest.html", context)

    def offers(self, act: StaffAct, row: WebhookEndpoint) -> bool:
        """Offer nothing for what was removed, and only the other one of the two states."""
        if row.deleted_at is not None:
            return False
        return (act.name == "enable") is not row.enabled

    def do_disable(self, request: HttpRequest, row: WebhookEndpoint, asked: Asked) -> str:
        """Stop sending."""
        self._switch(request, row, asked, enabled=False)
        return "The endpoint is disabled."

    def do_enable(self, request: HttpRequest, row: WebhookEndpoint, asked: Asked) -> str:
        """Send again from now on."""
        self._switch(request, row, asked, enabled=True)
        return "The endpoint is enabled."

    def do_redeliver_range(self, request: HttpRequest, row: WebhookEndpoint, asked: Asked) -> str:
        """Send what was missed."""
        done = deliveries.redeliver_range(
            client=row.client,
            endpoint=row.pk,
            start=asked["start"],
            end=asked["end"],
            types=(),
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        told = f"{done.count} deliveries are sent again."
        if done.next_from is None:
            return told
        return f"{told} More are left: go on from {done.next_from:%Y-%m-%d %H:%M:%S.%f}."

    def _switch(
        self, request: HttpRequest, row: WebhookEndpoint, asked: Asked, *, enabled: bool
    ) -> None:
        endpoints.switch(
            client=row.client,
            endpoint=row.pk,
            enabled=enabled,
            by=audit.actor_of(request),
            reason=asked["reason"],
        )


class _AttemptInline(ReadOnlyInline):
    model = WebhookAttempt
    fields = ("number", "started_at", "duration_ms", "status_code", "error", "answer")
    readonly_fields = ("answer",)
    ordering = ("number",)
    verbose_name_plural = "Attempts"

    @admin.display(description="Response")
    def answer(self, attempt: WebhookAttempt) -> str:
        return bytes(attempt.response).decode(errors="backslashreplace") or NOTHING


class EndpointStatusFilter(admin.SimpleListFilter):
    """Narrows one endpoint's deliveries: the index over statuses begins with the endpoint."""

    title = "status"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if "endpoint__id__exact" not in request.GET:
            return []
        return [(one.name, one.label) for one in DeliveryStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = DeliveryStatus.__members__.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(status=chosen)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(NamesClients, ActingAdmin):
    """What was sent, or is still to be sent, newest first."""

    list_display = ("type", "client_link", "state", "attempts", "last_error", "occurred_at")
    list_filter = (EndpointStatusFilter,)
    search_fields = ("id", "event_id", "endpoint")
    search_help_text = "The exact id of a delivery, an event or an endpoint"
    empty_text = "Nothing was sent yet: no event has passed an endpoint's filters."
    fields = (
        ("event_id", "type"),
        ("endpoint_link", "client_link"),
        ("stream_link", "occurred_at"),
        ("state", "attempts", "failures"),
        ("last_status_code", "last_error"),
        ("next_attempt_at", "finished_at"),
        "body",
    )
    readonly_fields = ("state", "body", "endpoint_link", "client_link", "stream_link")
    inlines: ClassVar[list[type[Any]]] = [_AttemptInline]
    actions: ClassVar[Sequence[str] | None] = ["redeliver"]
    acts = (
        StaffAct(
            "redeliver",
            "Send again",
            "webhooks.redeliver_webhookdelivery",
            form=NoForm,
            hint="Now, with the same id and body. The endpoint must be enabled.",
        ),
    )

    def exact_matches(self, term: str) -> Q:
        """Find an endpoint's deliveries, one delivery, or an event's: each by one index."""
        try:
            found = WebhookEndpoint._meta.pk.to_python(term)
        except ValidationError:
            return Q(pk__in=[])
        if WebhookEndpoint.objects.filter(pk=found).exists():
            return Q(endpoint=found)
        if WebhookDelivery.objects.filter(pk=found).exists():
            return Q(pk=found)
        # The index over events begins with the endpoint, and a client has few of those.
        return Q(endpoint__in=list(WebhookEndpoint.objects.values_list("pk", flat=True))) & Q(
            event_id=found
        )

    @admin.display(description="Status")
    @coloured(_COLOURS)
    def state(self, delivery: WebhookDelivery) -> str:
        return str(delivery.get_status_display())

    @admin.display(description="Endpoint")
    def endpoint_link(self, delivery: WebhookDelivery) -> SafeString | str:
        return row_link("webhooks.webhookendpoint", delivery.endpoint_id)

    @admin.display(description="Client")
    def client_link(self, delivery: WebhookDelivery) -> SafeString | str:
        return client_cell(delivery)

    @admin.display(description="Wallet")
    def stream_link(self, delivery: WebhookDelivery) -> SafeString | str:
        return row_link("wallets.wallet", delivery.stream)

    @admin.display(description="Body")
    def body(self, delivery: WebhookDelivery) -> SafeString:
        text = bytes(delivery.payload).decode(errors="backslashreplace")
        return format_html('<pre class="verbatim">{}</pre>', text)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may have deliveries sent again."""
        return bool(request.user.has_perm("webhooks.redeliver_webhookdelivery"))

    def offers(self, act: StaffAct, row: WebhookDelivery) -> bool:
        """Offer to send what has ended."""
        return row.status in FINAL

    @admin.action(description="Send again", permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        done = self._redeliver(request, [row.pk for row in queryset])
        self.message_user(request, done, messages.SUCCESS)

    def do_redeliver(self, request: HttpRequest, row: WebhookDelivery, asked: Asked) -> str:
        """Send it again."""
        return self._redeliver(request, [row.pk])

    def _redeliver(self, request: HttpRequest, chosen: list[Any]) -> str:
        count = deliveries.redeliver_many(chosen, by=audit.actor_of(request))
        return f"{count} deliveries are sent again; those of disabled endpoints are not."
