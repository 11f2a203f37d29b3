"""The second factor of staff: an authenticator's codes, and recovery codes for its loss.

Every step is one transaction, with its line in the audit log. The guesses are counted and slowed
down by the library, and a code that was taken is taken no second time.
"""

from __future__ import annotations

import secrets
import time
from base64 import b32encode
from binascii import unhexlify
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from wallet_project.back_office.errors import AlreadyEnrolled
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY

RECOVERY_CODES: Final = 10
_DIGITS: Final = 6
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_CODE_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a code that somebody typed."""

    device: Device | None
    """The device that took it; None: it was not taken."""
    again_at: datetime | None = None
    """Guesses before this moment are not even looked at."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new authenticator, and the codes that are shown this once."""

    device: TOTPDevice
    recovery_codes: list[str]


def is_enrolled(user: User) -> bool:
    """Tell whether this user has an authenticator."""
    devices = TOTPDevice.objects.using(PRIMARY)
    return bool(devices.filter(user=user, confirmed=True).exists())


def new_key() -> str:
    """Make the secret of a new authenticator, in hex."""
    return str(random_hex(20))


def as_base32(key: str) -> str:
    """Write a secret as people type it into an authenticator."""
    return b32encode(unhexlify(key)).decode()


def uri_of(user: User, key: str) -> str:
    """Write a secret as the QR code tells it."""
    return str(TOTPDevice(user=user, key=key).config_url)


def recovery_codes_left(user: User) -> int:
    """Count the recovery codes that are not used yet."""
    return int(StaticToken.objects.using(PRIMARY).filter(device__user=user).count())


def verify(user: User, typed: str, actor: Actor) -> Verdict:
    """Take a code of the authenticator, or a recovery code, as the second step of a login."""
    with transaction.atomic(using=PRIMARY):
        verdict = _try(user, typed)
        if verdict.device is not None:
            kind = "code" if isinstance(verdict.device, TOTPDevice) else "recovery code"
            _record(actor, "login", user, detail={"with": kind})
        elif verdict.again_at is None:
            _record(actor, "login_failed", user, detail={"step": "code"})
    return verdict


def confirm(user: User, typed: str, actor: Actor, *, about: str) -> Verdict:
    """Take a fresh code before an act that cannot be taken back, apart from any login.

    A failed one is noted, and slows the next down, as at the login.
    """
    with transaction.atomic(using=PRIMARY):
        verdict = _try(user, typed)
        if verdict.device is None and verdict.again_at is None:
            _record(actor, "code_refused", user, detail={"about": about})
    return verdict


def enrol(user: User, key: str, typed: str, actor: Actor) -> Enrolment | None:
    """Give a user this authenticator if the code typed is one of its; it is used up by that.

    :raises AlreadyEnrolled: if there is one.
    """
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    if not _is_code(typed) or not totp.verify(int(typed), tolerance=1):
        return None
    with transaction.atomic(using=PRIMARY):
        User.objects.using(PRIMARY).select_for_update().get(pk=user.pk)
        if is_enrolled(user):
            raise AlreadyEnrolled(f"{user.get_username()} has an authenticator already.")
        device = _add_device(user, key, last_t=totp.t(), drift=totp.drift)
        codes = _make_recovery_codes(user)
        _record(actor, "enrol", user)
        _record(actor, "login", user, detail={"with": "enrolment"})
    return Enrolment(device, codes)


def enrol_unseen(user: User, actor: Actor) -> str:
    """Give a user an authenticator without asking for a code; return its secret in hex."""
    key = new_key()
    with transaction.atomic(using=PRIMARY):
        User.objects.using(PRIMARY).select_for_update().get(pk=user.pk)
        if is_enrolled(user):
            raise AlreadyEnrolled(f"{user.get_username()} has an authenticator already.")
        _add_device(user, key)
        _record(actor, "enrol", user)
    return key


def renew_recovery_codes(user: User, typed: str, actor: Actor) -> tuple[Verdict, list[str]]:
    """Make new recovery codes and forget the old ones, for a code of the authenticator."""
    with transaction.atomic(using=PRIMARY):
        verdict = _try(user, typed)
        if verdict.device is None:
            return verdict, []
        codes = _make_recovery_codes(user)
        _record(actor, "recovery_codes", user)
    return verdict, codes


def reset(user: User, actor: Actor, reason: str) -> int:
    """Take away a user's authenticator and recovery codes; return how many devices there were.

    Sessions opened with them are worth nothing from now on: they name a device that is gone.
    """
    with transaction.atomic(using=PRIMARY):
        gone = 0
        for model in (TOTPDevice, StaticDevice):
            devices = model.objects.using(PRIMARY).filter(user=user)
            gone += devices.count()
            devices.delete()
        _record(actor, "reset_totp", user, reason=reason, detail={"devices": gone})
    return gone


def _try(user: User, typed: str) -> Verdict:
    code = typed.replace(" ", "").replace("-", "").lower()
    model = TOTPDevice if _is_code(code) else StaticDevice
    devices = model.objects.using(PRIMARY).select_for_update()
    device = devices.filter(user=user, confirmed=True).order_by("pk").first()
    if device is None:
        return Verdict(None)
    allowed, why = device.verify_is_allowed()
    if not allowed:
        return Verdict(None, why["locked_until"])
    if isinstance(device, StaticDevice):
        code = _kept_form(device, code)
    return Verdict(device if device.verify_token(code) else None)


def _is_code(typed: str) -> bool:
    return len(typed) == _DIGITS and typed.isascii() and typed.isdigit()


def _add_device(user: User, key: str, *, last_t: int = -1, drift: int = 0) -> TOTPDevice:
    device: TOTPDevice = TOTPDevice.objects.using(PRIMARY).create(
        user=user, name="authenticator", key=key, last_t=last_t, drift=drift
    )
    return device


def _make_recovery_codes(user: User) -> list[str]:
    StaticDevice.objects.using(PRIMARY).filter(user=user).delete()
    device = StaticDevice.objects.using(PRIMARY).create(user=user, name="recovery codes")
    codes = [
        "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    for code in codes:
        token = _digest(device, code, settings.SECRET_KEY)
        StaticToken.objects.using(PRIMARY).create(device=device, token=token)
    half = _CODE_LENGTH // 2
    return [f"{code[:half]}-{code[half:]}" for code in codes]


def _kept_form(device: StaticDevice, code: str) -> str:
    """Return what the table holds of a code, by the present key or a former one."""
    digests = [
        _digest(device, code, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    kept = StaticToken.objects.using(PRIMARY).filter(device=device, token__in=digests).first()
    return kept.token if kept else digests[0]


def _digest(device: StaticDevice, code: str, key: str) -> str:
    """Make 80 bits of a keyed digest: the library's column is as long as that, and a copy of the
    table alone cannot even be guessed at."""
    mac = salted_hmac("recovery code", f"{device.pk}:{code}", secret=key, algorithm="sha256")
    return b32encode(mac.digest()[:10]).decode().lower()


def _record(
    actor: Actor,
    verb: str,
    user: User,
    *,
    reason: str = "",
    detail: dict[str, object] | None = None,
) -> None:
    act = Act(f"user.{verb}", "auth.user", str(user.pk), reason=reason, detail=detail or {})
    audit.record(actor, act)
