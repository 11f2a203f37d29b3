"""Every page and every act of the back office belongs to somebody."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

from wallet_project.back_office.roles import ROLES, Right

GRANTED = frozenset().union(*ROLES.values())


def test_every_right_to_act_is_some_roles() -> None:
    acts = {
        Right(model._meta.app_label, str(model._meta.model_name), codename)
        for model in apps.get_models()
        for codename, _ in model._meta.permissions
    }
    assert sorted(map(str, acts - GRANTED)) == []


def test_no_role_has_a_right_that_there_is_not() -> None:
    there_are = {
        Right(model._meta.app_label, str(model._meta.model_name), codename)
        for model in apps.get_models()
        for codename in (
            *(f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions),
            *(codename for codename, _ in model._meta.permissions),
        )
    }
    assert sorted(map(str, GRANTED - there_are)) == []


def test_auditors_see_every_page() -> None:
    seen = {right.codename for right in ROLES["auditor"]}
    pages = {f"view_{model._meta.model_name}" for model in admin.site._registry}
    assert sorted(pages - seen) == []


def test_only_auditors_see_who_looked_at_what() -> None:
    having = [name for name, rights in ROLES.items() if "kit.view_auditrecord" in map(str, rights)]
    assert having == ["auditor"]
