"""Five roles; and nobody is maker and checker, whoever writes it and however."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from tests import staff
from tests.integration.back_office.conftest import told
from wallet_project.back_office import roles
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.models import AuditRecord


@pytest.fixture
def bob(database: None) -> User:
    """Bob, who is a maker."""
    user = User.objects.create_user("bob", is_staff=True)
    user.groups.add(Group.objects.get(name="maker"))
    return user


@pytest.fixture
def mended(database: None) -> Iterator[None]:
    """Roles that a test spoils are as the table says when it ends."""
    yield
    roles.sync(PRIMARY)


def roles_of(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def number(role: str) -> int:
    return Group.objects.get(name=role).pk


def test_the_migration_made_the_roles_with_the_rights_of_the_table(database: None) -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    assert roles.sync(PRIMARY, dry_run=True) == []


def test_every_right_is_about_a_model_that_exists(database: None) -> None:
    for right in set().union(*roles.ROLES.values()):
        assert apps.get_model(right.app, right.model), right


def test_a_viewer_looks_and_does_nothing_else(database: None) -> None:
    assert {right.codename.split("_")[0] for right in roles.ROLES["viewer"]} == {"view"}
    seen = {str(right) for right in roles.ROLES["viewer"]}
    assert not seen & {"kit.view_auditrecord", "notifications.view_contact", "auth.view_user"}


def test_sync_mends_what_differs_and_is_safe_twice(mended: None) -> None:
    viewer = Group.objects.get(name="viewer")
    stray = Permission.objects.get(codename="change_user")
    viewer.permissions.add(stray)
    viewer.permissions.remove(Permission.objects.get(codename="view_wallet"))
    differs = ["viewer: + wallets.view_wallet", "viewer: - auth.change_user"]

    out = StringIO()
    with pytest.raises(SystemExit, match="2"):
        call_command("sync_roles", "--dry-run", stdout=out, stderr=StringIO())
    assert out.getvalue().splitlines() == differs
    assert viewer.permissions.filter(pk=stray.pk).exists()
    assert told() == []

    call_command("sync_roles", stdout=StringIO(), stderr=StringIO())
    assert not viewer.permissions.filter(pk=stray.pk).exists()
    assert AuditRecord.objects.get().detail == {"changes": differs}
    call_command("sync_roles", stdout=StringIO(), stderr=StringIO())
    assert told() == ["role.sync"]


def test_the_form_refuses_both_roles(bob: User) -> None:
    root = staff.superuser("root")
    page = root.post(
        reverse("admin:auth_user_change", args=[bob.pk]),
        {"username": "bob", "is_staff": "on", "is_active": "on",
         "groups": [number("maker"), number("checker")]},
    )  # fmt: skip
    assert b"Nobody is maker and checker" in page.content
    assert roles_of(bob) == ["maker"]
    assert told() == []


@pytest.mark.parametrize("verb", ["INSERT", "INSERT IGNORE"])
def test_the_database_refuses_the_second_role_by_raw_sql(bob: User, verb: str) -> None:
    if connection.vendor == "sqlite":
        verb = verb.replace("IGNORE", "OR IGNORE")
    with pytest.raises(DatabaseError, match="maker and checker"), connection.cursor() as cursor:
        cursor.execute(
            f"{verb} INTO auth_user_groups (user_id, group_id) VALUES (%s, %s)",
            [bob.pk, number("checker")],
        )
    assert roles_of(bob) == ["maker"]


def test_the_database_refuses_both_at_once_and_a_role_that_changes(bob: User) -> None:
    bob.groups.add(number("viewer"))
    with pytest.raises(DatabaseError, match="maker and checker"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_user_groups SET group_id = %s WHERE user_id = %s AND group_id = %s",
            [number("checker"), bob.pk, number("viewer")],
        )
    carol = User.objects.create_user("carol")
    with pytest.raises(DatabaseError, match="maker and checker"), transaction.atomic():
        carol.groups.add(number("maker"), number("checker"))
    assert (roles_of(bob), roles_of(carol)) == (["maker", "viewer"], [])


def test_two_who_give_the_two_roles_at_once_do_not_both_succeed(database: None) -> None:
    together = threading.Barrier(2)

    def give(user: int, role: str) -> bool:
        try:
            together.wait(20)
            with transaction.atomic():
                User.groups.through.objects.create(user_id=user, group_id=number(role))
                time.sleep(0.05)
        except DatabaseError:
            return False
        finally:
            connection.close()
        return True

    for turn in range(5):
        user = User.objects.create_user(f"u{turn}")
        with ThreadPoolExecutor(2) as pool:
            given = list(pool.map(give, [user.pk] * 2, ["maker", "checker"]))
        assert given.count(True) <= 1
        assert len(roles_of(user)) == given.count(True)


def test_a_maker_becomes_a_checker_and_may_stay_what_he_is(bob: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_user_groups SET group_id = %s WHERE user_id = %s",
            [number("checker"), bob.pk],
        )
    assert roles_of(bob) == ["checker"]
    bob.groups.set([number("checker"), number("operator")])
    assert roles_of(bob) == ["checker", "operator"]


@pytest.mark.parametrize(("old", "new"), [("maker", "other"), ("viewer", "checkers")])
def test_a_role_does_not_walk_out_of_the_rule_by_its_name(
    database: None, old: str, new: str
) -> None:
    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE auth_group SET name = %s WHERE name = %s", [after, before])

    if old == "viewer":
        rename(old, new)  # any other name may change
        rename(new, old)
        return
    with pytest.raises(DatabaseError, match="keep their names"):
        rename(old, new)
    assert Group.objects.filter(name=old).exists()


def test_each_change_of_an_account_is_kept_with_before_and_after(bob: User) -> None:
    root = staff.superuser("root")
    page = reverse("admin:auth_user_change", args=[bob.pk])
    form = {"username": "bob", "is_staff": "on", "is_active": "on", "email": "bob@example.org",
            "groups": [number("checker")]}  # fmt: skip
    assert root.post(page, form).status_code == 302
    (kept,) = AuditRecord.objects.all()
    assert (kept.action, kept.subject, kept.actor_name) == ("user.change", str(bob.pk), "root")
    assert kept.detail == {"before": {"roles": ["maker"]}, "after": {"roles": ["checker"]}}
    assert "bob@example.org" not in json.dumps(kept.detail)


def test_a_new_account_and_a_set_password_are_kept(database: None) -> None:
    root = staff.superuser("root")
    secret = "quite a long sentence"
    form = {"username": "dora", "password1": secret, "password2": secret}
    assert root.post(reverse("admin:auth_user_add"), form).status_code == 302
    dora = User.objects.get(username="dora")
    change = reverse("admin:auth_user_password_change", args=[dora.pk])
    again = {"password1": secret + "!", "password2": secret + "!", "set-password": "1"}
    assert root.post(change, again).status_code == 302
    dora.refresh_from_db()
    assert dora.check_password(secret + "!")
    assert told() == ["user.add", "user.set_password"]
    assert secret not in json.dumps(list(AuditRecord.objects.values_list("detail", flat=True)))


def test_a_role_of_ones_own_is_kept_and_the_five_stay(database: None) -> None:
    root = staff.superuser("root")
    view = Permission.objects.get(codename="view_wallet")
    assert root.post(
        reverse("admin:auth_group_add"), {"name": "trainee", "permissions": [view.pk]}
    ).status_code == 302  # fmt: skip
    own = Group.objects.get(name="trainee")
    delete = reverse("admin:auth_group_delete", args=[own.pk])
    assert root.post(delete, {"post": "yes"}).status_code == 302
    assert not Group.objects.filter(name="trainee").exists()
    assert told() == ["role.add", "role.delete"]
    for verb in ("change", "delete"):
        page = reverse(f"admin:auth_group_{verb}", args=[number("maker")])
        assert root.post(page, {"post": "yes", "name": "x"}).status_code == 403
    assert roles.sync(PRIMARY, dry_run=True) == []


def test_only_superusers_change_accounts_and_nobody_deletes_one(bob: User) -> None:
    dave = staff.member("dave", "auth.view_user", "auth.change_user", "auth.delete_user")
    page = reverse("admin:auth_user_change", args=[bob.pk])
    assert dave.get(page).status_code == 200
    before = told()
    assert dave.post(page, {"username": "bob", "is_superuser": "on"}).status_code == 403
    root = staff.superuser("root")
    for browser in (dave, root):
        delete = reverse("admin:auth_user_delete", args=[bob.pk])
        assert browser.post(delete, {"post": "yes"}).status_code == 403
        listed = reverse("admin:auth_user_changelist")
        bulk = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
        browser.post(listed, bulk)
    bob.refresh_from_db()
    assert not bob.is_superuser
    assert (before, told()) == (["user.view"], ["user.view"])


def test_looks_at_accounts_and_searches_are_kept(bob: User) -> None:
    auditor = staff.member("erin", "auth.view_user")
    auditor.get(reverse("admin:auth_user_change", args=[bob.pk]))
    auditor.get(reverse("admin:auth_user_changelist"), {"q": "bob"})
    kept = AuditRecord.objects.order_by("id").values_list("action", "subject", "detail")
    assert list(kept) == [
        ("user.view", str(bob.pk), {}),
        ("user.search", "", {"term": "bob"}),
    ]
