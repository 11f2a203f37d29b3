"""Clients, their API keys and plans: admitted, rotated, revoked and changed by staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.safestring import SafeString

from wallet_project.kit import audit, clock
from wallet_project.kit.acting import ActingAdmin, Asked, ReasonForm, StaffAct
from wallet_project.kit.admin import ReadOnlyInline, coloured
from wallet_project.kit.ids import uuid7
from wallet_project.kit.links import row_link
from wallets import credentials
from wallets.admin import forms
from wallets.approvals.operations.request_approval import request_approval
from wallets.corrections import plan_limits, plans
from wallets.models import ApiKey, Client, Plan, Scope
from wallets.operations import create_plan, suspend_client
from wallets.operations._keys import BITES_WITHIN_SECONDS, Admitted
from wallets.operations.create_client import add_key, create_client
from wallets.operations.limit_key import limit_key
from wallets.operations.revoke_key import revoke_key
from wallets.operations.rotate_key import rotate_key

_SOON = f"Every process of the service knows of it within {BITES_WITHIN_SECONDS} seconds."
_UNLIMITED = "unlimited"
_KEY_COLOURS = {"valid": "success", "ends soon": "warning", "expired": "danger"}


def _key_state(key: ApiKey) -> str:
    """Say in a word whether a key opens anything."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= clock.now() else "ends soon"


class _KeyColumns:
    """Columns that keys have in every list."""

    @coloured(_KEY_COLOURS | {"revoked": "danger"})
    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        return _key_state(key)

    @admin.display(description="Scopes")
    def scopes_in_words(self, key: ApiKey) -> str:
        return "all" if set(key.scopes) == set(Scope.values) else ", ".join(key.scopes)

    @admin.display(description="Used from")
    def networks_in_words(self, key: ApiKey) -> str:
        return ", ".join(key.networks or ()) or "anywhere"

    @admin.display(description="Prefix")
    def prefix_link(self, key: ApiKey) -> SafeString | str:
        return row_link("wallets.apikey", key.pk, key.prefix)


class KeyInline(_KeyColumns, ReadOnlyInline):
    """A client's keys, newest first."""

    model = ApiKey
    fields = ("prefix_link", "state", "scopes_in_words", "created_at", "expires_at", "revoked_at")
    readonly_fields = ("prefix_link", "state", "scopes_in_words")
    ordering = ("-pk",)
    verbose_name_plural = "API keys"
    per_page = 50


class _ShowsKeys(ActingAdmin):
    """Pages that make a key. It is on the answer to the form that made it and nowhere else."""

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Name the key before it is made, so that sending the form again makes no other."""
        values: dict[str, Any] = {"scopes": list(Scope.values)}
        if "key_prefix" in act.form.base_fields:
            values["key_prefix"] = credentials.make_prefix()
        return values

    def show_key(self, request: HttpRequest, made: Admitted) -> HttpResponse:
        """Show a key this once: no cache keeps the page, and a reload is turned down."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"New API key of {made.name}",
            "opts": self.model._meta,
            "made": made,
            "back": reverse("admin:wallets_client_change", args=[made.client]),
        }
        answer = TemplateResponse(request, "admin/clients/key.html", context)
        add_never_cache_headers(answer)
        return answer


@admin.register(Client)
class ClientAdmin(_ShowsKeys):
    """Who may call."""

    list_display = ("name", "id", "plan", "state", "created_at")
    list_select_related = ("plan",)
    search_fields = ("id", "name")
    search_help_text = "Exact number or name"
    empty_text = "Nobody may call yet: admit the first client."
    fields = (("name", "id"), ("plan_link", "state"), "created_at")
    readonly_fields = ("plan_link", "state")
    inlines: ClassVar[list[type[Any]]] = [KeyInline]
    list_acts = (
        StaffAct(
            "create",
            "Admit a client",
            "wallets.manage_client",
            form=forms.ClientForm,
            hint="It gets its first API key, which is shown once.",
        ),
    )
    acts = (
        StaffAct(
            "add_key",
            "Add an API key",
            "wallets.manage_apikey",
            form=forms.KeyForm,
            hint="The key is shown once. The others stay valid.",
        ),
        StaffAct(
            "ask_plan",
            "Ask for another plan",
            "approvals.request_plan_change",
            form=forms.PlanChangeForm,
            hint=f"The client gets it when another person approves. {_SOON}",
        ),
        StaffAct(
            "suspend",
            "Suspend the client",
            "wallets.manage_client",
            hint=f"Every call of it is refused, whatever the key; its money stays. {_SOON}",
            is_grave=True,
        ),
        StaffAct(
            "activate",
            "Activate the client",
            "wallets.manage_client",
            hint=f"Its keys open again. {_SOON}",
        ),
    )

    @coloured({"active": "success", "suspended": "danger"})
    @admin.display(description="State")
    def state(self, client: Client) -> str:
        return "active" if client.is_active else "suspended"

    @admin.display(description="Plan")
    def plan_link(self, client: Client) -> SafeString | str:
        return row_link("wallets.plan", client.plan_id, client.plan.name)

    def offers(self, act: StaffAct, row: Client) -> bool:
        """Suspend who is active, activate who is not."""
        return {"suspend": row.is_active, "activate": not row.is_active}.get(act.name, True)

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Begin with the client's own plan, with a new key's name and a new request's id."""
        values = super().first_values(act, row)
        return values | ({"plan": row.plan.name, "request_id": uuid7()} if row is not None else {})

    def do_create(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        """Admit a client and show its key."""
        made = create_client(
            name=asked["name"],
            scopes=asked["scopes"],
            plan=asked["plan"],
            expires_at=forms.expiry(asked["expires_in_days"]),
            prefix=asked["key_prefix"],
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        return self.show_key(request, made)

    def do_add_key(self, request: HttpRequest, row: Client, asked: Asked) -> HttpResponse:
        """Make one more key and show it."""
        made = add_key(
            name=row.name,
            scopes=asked["scopes"],
            expires_at=forms.expiry(asked["expires_in_days"]),
            prefix=asked["key_prefix"],
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        return self.show_key(request, made)

    def do_ask_plan(self, request: HttpRequest, row: Client, asked: Asked) -> HttpResponse:
        """Ask for the client to be put on another plan."""
        ask = plans.ask(row.pk, asked["plan"], reason=asked["reason"], ticket=asked["ticket"])
        made = request_approval(ask=ask, by=audit.actor_of(request), id=asked["request_id"])
        return HttpResponseRedirect(reverse("admin:approvals_approval_change", args=[made.pk]))

    def do_suspend(self, request: HttpRequest, row: Client, asked: Asked) -> str:
        """Refuse the client's calls."""
        by = audit.actor_of(request)
        suspend_client.suspend_client(name=row.name, by=by, reason=asked["reason"])
        return f"{row.name} is suspended. {_SOON}"

    def do_activate(self, request: HttpRequest, row: Client, asked: Asked) -> str:
        """Take the client's calls again."""
        by = audit.actor_of(request)
        suspend_client.activate_client(name=row.name, by=by, reason=asked["reason"])
        return f"{row.name} is active. {_SOON}"


@admin.register(ApiKey)
class ApiKeyAdmin(_KeyColumns, _ShowsKeys):
    """Keys by their prefix. The secret is not stored, its digest is nobody's business."""

    empty_text = "There is no key yet. Admit a client, or add a key on the page of one."
    list_display = (
        *("prefix", "client", "state", "scopes_in_words", "created_at", "expires_at"),
        "last_used_at",
    )
    list_select_related = ("client",)
    search_fields = ("prefix",)
    search_help_text = "Exact prefix"
    fields = (
        ("prefix", "client_link"),
        ("state", "scopes_in_words"),
        ("created_at", "expires_at", "revoked_at"),
        ("networks_in_words", "last_used_at"),
    )
    readonly_fields = ("client_link", "state", "scopes_in_words", "networks_in_words")
    acts = (
        StaffAct(
            "rotate",
            "Rotate the key",
            "wallets.manage_apikey",
            form=forms.RotateForm,
            hint="A new key with the same scopes is made and shown once; this one ends later.",
        ),
        StaffAct(
            "limit",
            "Limit the addresses",
            "wallets.manage_apikey",
            form=forms.NetworksForm,
            hint=f"From elsewhere it opens nothing. {_SOON}",
        ),
        StaffAct(
            "revoke",
            "Revoke the key",
            "wallets.manage_apikey",
            form=ReasonForm,
            hint=f"It ends for good. {_SOON}",
            is_grave=True,
        ),
    )

    @admin.display(description="Client")
    def client_link(self, key: ApiKey) -> SafeString | str:
        return row_link("wallets.client", key.client_id, key.client.name)

    def offers(self, act: StaffAct, row: ApiKey) -> bool:
        """Offer nothing for a key that is over."""
        return _key_state(row) in ("valid", "ends soon")

    def do_rotate(self, request: HttpRequest, row: ApiKey, asked: Asked) -> HttpResponse:
        """Make the key that takes over, and show it."""
        made = rotate_key(
            prefix=row.prefix,
            overlap_hours=asked["overlap_hours"],
            new_prefix=asked["key_prefix"],
            by=audit.actor_of(request),
            reason=asked["reason"],
        )
        return self.show_key(request, made)

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Begin with the networks there are, and with a new key's name."""
        values = super().first_values(act, row)
        return values | ({"networks": ", ".join(row.networks or ())} if row is not None else {})

    def do_limit(self, request: HttpRequest, row: ApiKey, asked: Asked) -> str:
        """Say from where the key may be used."""
        networks = [word for word in asked["networks"].split(",") if word.strip()]
        by = audit.actor_of(request)
        kept = limit_key(prefix=row.prefix, networks=networks, by=by, reason=asked["reason"])
        return f"The key {row.prefix} may be used from {', '.join(kept) or 'anywhere'}. {_SOON}"

    def do_revoke(self, request: HttpRequest, row: ApiKey, asked: Asked) -> str:
        """End the key."""
        revoke_key(prefix=row.prefix, by=audit.actor_of(request), reason=asked["reason"])
        return f"The key {row.prefix} is revoked. {_SOON}"


@admin.register(Plan)
class PlanAdmin(ActingAdmin):
    """How much a client may ask for."""

    empty_text = "There is no plan, so no client can be admitted. Make one."
    list_display = ("name", "requests", "withdrawals")
    fields = ("name", ("requests", "withdrawals"))
    readonly_fields = ("requests", "withdrawals")
    list_acts = (StaffAct("create", "Make a plan", "wallets.manage_plan", form=forms.PlanForm),)
    acts = (
        StaffAct(
            "change",
            "Ask to change the limits",
            "approvals.request_plan_change",
            form=forms.LimitsAskForm,
            hint="For all clients on this plan, when another person approves.",
        ),
    )

    @admin.display(description="Requests a minute")
    def requests(self, plan: Plan) -> str:
        return _number(plan.requests_per_minute)

    @admin.display(description="Withdrawals a minute")
    def withdrawals(self, plan: Plan) -> str:
        return _number(plan.withdrawals_per_minute)

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Begin with the limits there are."""
        if row is None:
            return {}
        return {"request_id": uuid7()} | {name: getattr(row, name) for name in _LIMITS}

    def do_create(self, request: HttpRequest, asked: Asked) -> str:
        """Make a plan."""
        limits = {name: asked[name] for name in _LIMITS}
        by = audit.actor_of(request)
        create_plan.create_plan(name=asked["name"], **limits, by=by, reason=asked["reason"])
        return f"The plan {asked['name']} is made."

    def do_change(self, request: HttpRequest, row: Plan, asked: Asked) -> HttpResponse:
        """Ask for what the plan grants to be changed."""
        limits = {name: asked[name] for name in _LIMITS}
        ask = plan_limits.ask(row.name, limits, reason=asked["reason"], ticket=asked["ticket"])
        made = request_approval(ask=ask, by=audit.actor_of(request), id=asked["request_id"])
        return HttpResponseRedirect(reverse("admin:approvals_approval_change", args=[made.pk]))


_LIMITS = create_plan.LIMITS


def _number(limit: int | None) -> str:
    return _UNLIMITED if limit is None else f"{limit:,}"
