"""Making accounts of staff without the admin: the first of all, and those of a demonstration."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from wallet_project.back_office import roles, second_factor
from wallet_project.back_office.errors import NoSuchRole, UserExists
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY

SUPERUSER = "superuser"
"""Takes the place of a role."""


@dataclass(frozen=True, slots=True)
class Account:
    """A new account, with what is shown this once."""

    name: str
    role: str
    password: str
    secret: str
    """What an authenticator is told, in base32; empty: the first login enrols one."""
    uri: str


def create(name: str, role: str, actor: Actor, *, enrol: bool) -> Account:
    """Make an account with one role and a password of its own.

    :raises UserExists, NoSuchRole: as they say.
    """
    if role != SUPERUSER and role not in roles.ROLES:
        raise NoSuchRole(f"There is no role {role!r}; {', '.join(roles.ROLES)} or {SUPERUSER}.")
    password = secrets.token_urlsafe(12)
    with transaction.atomic(using=PRIMARY):
        if User.objects.using(PRIMARY).filter(username=name).exists():
            raise UserExists(f"There is a user {name!r} already.")
        user = User(username=name, is_staff=True, is_superuser=role == SUPERUSER)
        validate_password(password, user)
        user.set_password(password)
        user.save(using=PRIMARY)
        if role != SUPERUSER:
            user.groups.add(Group.objects.using(PRIMARY).get(name=role))
        act = Act("user.add", "auth.user", str(user.pk), detail={"after": {"roles": [role]}})
        audit.record(actor, act)
        key = second_factor.enrol_unseen(user, actor) if enrol else ""
    if not key:
        return Account(name, role, password, "", "")
    secret = second_factor.as_base32(key)
    return Account(name, role, password, secret, second_factor.uri_of(user, key))
