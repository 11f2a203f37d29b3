"""What staff can do from a page of the admin: named acts, each with a right and a form of its own.

An act is one call of an operation, which records it in the audit log within its own transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from wallet_project.kit import audit
from wallet_project.kit.admin import ReadOnlyAdmin
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError

Asked = Mapping[str, Any]
"""What a form holds, cleaned."""


class NoForm(forms.Form):
    """An act that asks nothing."""


class ReasonForm(forms.Form):
    """An act that has to be explained."""

    reason = forms.CharField(
        max_length=audit.REASON_LENGTH_MAX,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Kept in the audit log with your name.",
    )


@dataclass(frozen=True, slots=True)
class StaffAct:
    """Something that staff can do: with one row, or, for `list_acts`, with none."""

    name: str
    """The last part of its address; the admin's method is `do_<name>`."""
    label: str
    permission: str
    """The right it takes, such as `wallets.void_hold`."""
    form: type[forms.Form] = ReasonForm
    hint: str = ""
    is_grave: bool = False
    """Shown in red: it stops something or cannot be taken back."""


class ActingAdmin(ReadOnlyAdmin):
    """Rows that nobody edits, and the acts that there are instead.

    `do_<name>(request, row, asked)`, of list acts `do_<name>(request, asked)`, returns a sentence
    to be told, or a page; what it raises as a `DomainError` is told, too.
    """

    acts: ClassVar[Sequence[StaffAct]] = ()
    list_acts: ClassVar[Sequence[StaffAct]] = ()
    change_form_outer_after_template = "admin/acts/row.html"
    list_before_template = "admin/acts/list.html"

    class Media:
        css: ClassVar = {"all": ["kit/acts.css"]}

    def offers(self, act: StaffAct, row: Any) -> bool:
        """Tell whether an act makes sense for a row as it is."""
        return True

    def allows(self, request: HttpRequest, act: StaffAct, row: Any) -> bool:
        """Tell whether this person may do this with this row, beyond the act's right."""
        return True

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Return what an act's form is filled with when it is shown."""
        return {}

    def get_urls(self) -> list[URLPattern]:
        """Add an address for each act; those of rows take POST only."""
        wrap, base = self.admin_site.admin_view, self._base_name()
        own = [
            path("act/<slug:name>/", wrap(self.list_act), name=f"{base}_list_act"),
            path(
                "<path:object_id>/act/<slug:name>/",
                wrap(require_POST(self.row_act)),
                name=f"{base}_act",
            ),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with its acts; refuse those of its actions that this person may not do."""
        asked = request.POST.getlist("action")
        if any(name and name not in self.get_actions(request) for name in asked):
            raise PermissionDenied
        offered = [
            (act, reverse(f"admin:{self._base_name()}_list_act", args=[act.name]))
            for act in self.list_acts
            if self._may(request, act)
        ]
        return super().changelist_view(request, {"list_acts": offered, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer what this person may do with the row."""
        row = kwargs.get("obj")
        context["acts"] = [
            (act, self._form(act, row), self._address(act, row))
            for act in self.acts
            if row is not None
            and self._may(request, act)
            and self.offers(act, row)
            and self.allows(request, act, row)
        ]
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[no-any-return]

    def row_act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Do with a row what a form of its page asks for.

        :raises PermissionDenied: without the act's right.
        """
        act = self._allowed(request, self.acts, name)
        row = self._row(unquote(object_id))
        if not self.allows(request, act, row):
            raise PermissionDenied
        form = self._form(act, row, request.POST)
        if not form.is_valid():
            return self._page(request, act, form, row, status=400)
        back = self._row_page(row)
        try:
            done = getattr(self, f"do_{act.name}")(request, row, form.cleaned_data)
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(back)
        return self._answer(request, done, back)

    def list_act(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show the form of an act without a row, or do it.

        :raises PermissionDenied: without the act's right.
        """
        act = self._allowed(request, self.list_acts, name)
        if request.method != "POST":
            # A page of a row leads here with what it knows.
            known = {key: request.GET[key] for key in request.GET if key in act.form.base_fields}
            form = self._form(act, None, known=known)
            return self._page(request, act, form, None)
        form = self._form(act, None, request.POST)
        if form.is_valid():
            try:
                done = getattr(self, f"do_{act.name}")(request, form.cleaned_data)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.detail)
            else:
                return self._answer(request, done, self._list_page())
        return self._page(request, act, form, None, status=400)

    def _answer(self, request: HttpRequest, done: str | HttpResponse, back: str) -> HttpResponse:
        if isinstance(done, HttpResponse):
            return done
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(back)

    def _page(
        self, request: HttpRequest, act: StaffAct, form: forms.Form, row: Any, *, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "subtitle": None if row is None else str(row),
            "opts": self.model._meta,
            "act": act,
            "form": form,
            "back": self._list_page() if row is None else self._row_page(row),
        }
        answer = TemplateResponse(request, "admin/acts/page.html", context, status=status)
        add_never_cache_headers(answer)
        return answer

    def _allowed(self, request: HttpRequest, acts: Sequence[StaffAct], name: str) -> StaffAct:
        for act in acts:
            if act.name == name:
                if not self._may(request, act):
                    raise PermissionDenied
                return act
        raise Http404

    def _may(self, request: HttpRequest, act: StaffAct) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(act.permission)

    def _row(self, object_id: str) -> Any:
        """Return the row as the primary has it."""
        try:
            key = self.model._meta.pk.to_python(object_id)
        except ValidationError as error:
            raise Http404 from error
        row = self.model._base_manager.using(PRIMARY).filter(pk=key).first()
        if row is None:
            raise Http404
        return row

    def _form(
        self, act: StaffAct, row: Any, sent: Any = None, known: Asked | None = None
    ) -> forms.Form:
        return act.form(
            sent,
            initial={**(known or {}), **self.first_values(act, row)},
            # Several forms stand on one page.
            auto_id=f"id_{act.name}_%s",
        )

    def _address(self, act: StaffAct, row: Model) -> str:
        return reverse(f"admin:{self._base_name()}_act", args=[row.pk, act.name])

    def _row_page(self, row: Model) -> str:
        return reverse(f"admin:{self._base_name()}_change", args=[row.pk])

    def _list_page(self) -> str:
        return reverse(f"admin:{self._base_name()}_changelist")

    def _base_name(self) -> str:
        meta = self.model._meta
        return f"{meta.app_label}_{meta.model_name}"
