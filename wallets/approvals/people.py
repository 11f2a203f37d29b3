"""Who may ask and who may decide, looked up anew each time: rights and roles come and go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from django.conf import settings
from django.contrib.auth.models import User

from wallet_project.kit.audit import Actor
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import exponent_of, format_minor
from wallets.approvals.errors import AboveLimit, NotAllowed
from wallets.approvals.models import ApprovalLimit

NAME_LENGTH_MAX: Final = 150
_STAFF: Final = "staff:"

Verb = Literal["request", "approve"]


def number_of(by: Actor) -> int:
    """Return the number of the account that acts.

    :raises NotAllowed: if a command or a task acts: only people ask and decide.
    """
    prefix, number = by.id[: len(_STAFF)], by.id[len(_STAFF) :]
    if prefix != _STAFF or not number.isdigit():
        raise NotAllowed(f"Only people ask and decide; {by.id} is not one of the staff.")
    return int(number)


def find(number: int) -> User | None:
    """Return an account that may act at all: active staff, as the primary has it."""
    people = User.objects.using(PRIMARY)
    return people.filter(pk=number, is_active=True, is_staff=True).first()


def named(name: str) -> User | None:
    """Find an account that may act at all by its user name."""
    people = User.objects.using(PRIMARY)
    return people.filter(username=name, is_active=True, is_staff=True).first()


def check(number: int, right: str, verb: Verb, amount: int | None, currency: str) -> None:
    """Look whether an account may ask for, or approve, so much (minor units; None: no money).

    :raises NotAllowed: if it is not active staff or has not the right.
    :raises AboveLimit: if it is more than the account's roles may.
    """
    user = find(number)
    if user is None:
        raise NotAllowed("The account is not active staff.")
    if not user.has_perm(right):
        raise NotAllowed(f"This takes the right {right}.")
    if amount is None or user.is_superuser:
        return
    most = limit_of(user.groups.values_list("name", flat=True), verb, currency)
    if most is not None and amount > most:
        what = "asked for" if verb == "request" else "approved"
        raise AboveLimit(
            f"Up to {format_minor(most, currency)} {currency} can be {what} with these roles, "
            f"this is {format_minor(amount, currency)}. A superuser, or a role with a higher "
            "limit, has to."
        )


def limit_of(roles: Iterable[str], verb: Verb, currency: str) -> int | None:
    """Return the highest of some roles' limits in minor units; None: there is none.

    Where no role has a limit in the currency, the setting counts: major units of any currency.
    """
    rows = ApprovalLimit.objects.using(PRIMARY).filter(role__in=list(roles), currency=currency)
    found: list[int | None] = [
        row.request_max if verb == "request" else row.approve_max for row in rows
    ]
    if not found:
        return int(settings.APPROVAL_LIMIT_DEFAULT * 10 ** exponent_of(currency))
    return None if None in found else max(one for one in found if one is not None)
