"""Who did and who looked at what."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from wallet_project.kit.admin import NOTHING, ReadOnlyAdmin
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord

_ACTOR: Final = re.compile(r"(staff|command|task):\S+|nobody", re.ASCII)


def condition(term: str) -> Q:
    """Make the condition for what was typed: an actor, a user name, or a subject's id.

    Never two of them at once: each has an index of its own, and newest-first needs one of them.
    """
    if _ACTOR.fullmatch(term):
        return Q(actor=term)
    staff = User.objects.using(PRIMARY).filter(username=term).first()
    if staff is not None:
        return Q(actor=f"staff:{staff.pk}")
    # The index begins with the kind of subject; there are a few dozen kinds.
    kinds = [model._meta.label_lower for model in apps.get_models()]
    return Q(subject_type__in=kinds, subject=term)


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
    """Who did and who looked at what, newest first."""

    empty_text = "Nobody has done or looked at anything yet."
    list_display = ("at", "by", "action", "about", "reason", "address")
    search_fields = ("subject", "actor")
    search_help_text = "A user name, an actor such as command:freeze, or the exact id of a subject"
    fieldsets: ClassVar = (
        (None, {"fields": ("at", "action", "about", "reason", "details")}),
        ("Who", {"fields": ("by", "actor", "address", "request_id")}),
    )
    readonly_fields = ("at", "by", "about", "details")

    def exact_matches(self, term: str) -> Q:
        """Make the condition for a term."""
        return condition(term)

    @admin.display(description="Who")
    def by(self, record: AuditRecord) -> SafeString:
        return _search(record.actor, record.actor_name or record.actor)

    @admin.display(description="What about")
    def about(self, record: AuditRecord) -> SafeString | str:
        if not record.subject:
            return record.subject_type or NOTHING
        return format_html("{} {}", record.subject_type, _search(record.subject, record.subject))

    @admin.display(description="Details")
    def details(self, record: AuditRecord) -> SafeString | str:
        if not record.detail:
            return NOTHING
        text: Any = json.dumps(record.detail, indent=2, sort_keys=True)
        return format_html('<pre class="whitespace-pre-wrap">{}</pre>', text)


def _search(term: str, text: str) -> SafeString:
    url = reverse("admin:kit_auditrecord_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode({"q": term}), text)
