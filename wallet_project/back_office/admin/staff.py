"""Staff accounts and their roles: changed by superusers, and each change kept with before and
after. Who leaves is made inactive, never deleted: the audit log speaks of him for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from wallet_project.back_office import roles, second_factor
from wallet_project.back_office.forms import ReasonForm
from wallet_project.kit import audit
from wallet_project.kit.admin_filters import ExactLookups
from wallet_project.kit.audit import Act
from wallet_project.kit.database import PRIMARY

admin.site.unregister(User)
admin.site.unregister(Group)


class _Kept:
    """Superusers write; every look and every change is kept in the audit log."""

    actions: ClassVar[Sequence[str] | None] = None
    kind: ClassVar[str]

    def facts_of(self, row: Any) -> dict[str, Any]:
        """Return what a change is told by, without names of people and secrets."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may make rows: superusers may."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether somebody may change rows: superusers may."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether somebody may remove rows: superusers may, where there is no better way."""
        return bool(request.user.is_superuser)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; note what was searched for."""
        term = request.GET.get("q", "").strip()
        if term:
            self._look(request, "search", "", {"term": term[:100]})
        return super().changelist_view(request, extra_context)  # type: ignore[misc, no-any-return]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row; note who looked at it."""
        if request.method == "GET" and self.has_view_permission(request):  # type: ignore[attr-defined]
            self._look(request, "view", object_id[:64], {})
        return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[misc, no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save, and remember what it was before."""
        before = type(obj).objects.using(PRIMARY).filter(pk=obj.pk).first()
        request.row_before = self.facts_of(before) if before else None  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Keep a new row; Django calls this after the last save, in the same transaction."""
        self._keep(request, "add", obj, {"after": self.facts_of(obj)})

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Keep a change with before and after; Django calls this as above."""
        before = getattr(request, "row_before", None)
        if before is None:
            return self._keep(request, "set_password", obj, {})
        after = self.facts_of(obj)
        names = [name for name in after if after[name] != before[name]]
        detail = {
            "before": {name: before[name] for name in names},
            "after": {name: after[name] for name in names},
        }
        return self._keep(request, "change", obj, detail)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Keep what is removed."""
        for row in queryset:
            self._keep(request, "delete", row, {"before": self.facts_of(row)})

    def _keep(self, request: HttpRequest, verb: str, row: Any, detail: Mapping[str, Any]) -> None:
        act = Act(f"{self.kind}.{verb}", row._meta.label_lower, str(row.pk), detail=detail)
        audit.record(audit.actor_of(request), act)

    def _look(
        self, request: HttpRequest, verb: str, subject: str, detail: Mapping[str, Any]
    ) -> None:
        label = self.model._meta.label_lower  # type: ignore[attr-defined]
        act = Act(f"{self.kind}.{verb}", label, subject, detail=detail)
        audit.record_look(audit.actor_of(request), act)


class _UserForm(UserChangeForm):  # type: ignore[misc]
    """An account with its roles."""

    def clean_groups(self) -> Any:
        """Refuse the two roles that check each other.

        :raises ValidationError: if both are chosen.
        """
        chosen = self.cleaned_data["groups"]
        if roles.are_at_odds(group.name for group in chosen):
            raise ValidationError("Nobody is maker and checker: choose one of them.")
        return chosen


@admin.register(User)
class UserAdmin(_Kept, ExactLookups, auth_admin.UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Staff accounts."""

    kind = "user"
    form = _UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    filter_horizontal = ()
    fieldsets: ClassVar = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    actions_detail: ClassVar = ["reset_second_factor"]

    def facts_of(self, row: User) -> dict[str, Any]:
        """Return the rights of an account, and a mark for what else may have changed."""
        return {
            "username": row.username,
            "is_active": row.is_active,
            "is_staff": row.is_staff,
            "is_superuser": row.is_superuser,
            "roles": sorted(row.groups.using(PRIMARY).values_list("name", flat=True)),
        }

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody removes an account."""
        return False

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Set somebody's password, and keep that it was set, in one transaction."""
        with transaction.atomic(using=PRIMARY):
            return super().user_change_password(request, id, form_url)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that resets a second factor."""
        view = self.admin_site.admin_view(self.reset_page)
        reset = path("<int:pk>/reset-totp/", view, name="auth_user_reset_totp")
        return [reset, *super().get_urls()]

    @action(  # type: ignore[untyped-decorator]
        description="Reset second factor", permissions=["reset_second_factor"]
    )
    def reset_second_factor(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Lead to the page that asks for the reason."""
        return redirect("admin:auth_user_reset_totp", pk=object_id)

    def has_reset_second_factor_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Tell whether somebody may reset second factors: superusers may."""
        return bool(request.user.is_superuser)

    def reset_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, and reset.

        :raises PermissionDenied: to all but superusers.
        """
        if not self.has_reset_second_factor_permission(request):
            raise PermissionDenied
        user = get_object_or_404(User.objects.using(PRIMARY), pk=pk)
        form: forms.Form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            second_factor.reset(user, audit.actor_of(request), form.cleaned_data["reason"])
            messages.success(request, f"{user} enrols a new authenticator at the next login.")
            return redirect(reverse("admin:auth_user_change", args=[pk]))
        context = self.admin_site.each_context(request) | {
            "title": f"Reset the second factor of {user}",
            "opts": self.model._meta,
            "form": form,
        }
        return render(request, "admin/back_office/reset_totp.html", context)


@admin.register(Group)
class GroupAdmin(_Kept, ExactLookups, auth_admin.GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles of staff. The five of the table of roles are as the table says."""

    kind = "role"

    def facts_of(self, row: Group) -> dict[str, Any]:
        """Return a role's name and rights."""
        held = row.permissions.using(PRIMARY).select_related("content_type")
        return {
            "name": row.name,
            "rights": sorted(f"{one.content_type.app_label}.{one.codename}" for one in held),
        }

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether a role may be changed here: one of the five only in the table of roles."""
        return _is_own(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether a role may be removed: one of the five never."""
        return _is_own(obj) and super().has_delete_permission(request, obj)


def _is_own(role: Model | None) -> bool:
    return not isinstance(role, Group) or role.name not in roles.ROLES
