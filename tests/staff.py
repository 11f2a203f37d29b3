"""Members of staff at their browsers."""

from __future__ import annotations

import time

from django.contrib.auth.models import Permission, User
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from wallet_project.back_office import sessions
from wallet_project.kit.database import PRIMARY

PASSWORD = "a long password"


def authenticator(user: User) -> TOTPDevice:
    """Return a user's authenticator; make one where there is none."""
    devices = TOTPDevice.objects.using(PRIMARY)
    return devices.get_or_create(user=user, defaults={"name": "authenticator"})[0]


def code_of(device: TOTPDevice, *, steps: int = 0) -> str:
    """Read an authenticator's display, now or some steps of 30 s later."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() + steps * device.step
    return f"{totp.token():06d}"


def sign_in(user: User, *, csrf: bool = False) -> Client:
    """Return a browser in which this user has passed every step of the login, which leaves no
    trace in the audit log; with `csrf` its forms are checked as a stranger's would be."""
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = authenticator(user).persistent_id
    session[sessions.SINCE] = session[sessions.SEEN] = int(time.time())
    session.save()
    return client


def superuser(name: str = "root") -> Client:
    """Return the browser of somebody who may do whatever anybody may."""
    return sign_in(User.objects.create_superuser(name, password=PASSWORD))


def member(name: str, *permissions: str) -> Client:
    """Return the browser of a member of staff with these rights, such as `wallets.view_wallet`."""
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return sign_in(user)
