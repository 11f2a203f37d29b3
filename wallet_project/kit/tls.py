"""TLS and passwords on the way to MySQL, Redis and Kafka: one vocabulary, told to each driver.

The operator says for each server one of four modes, and names files. What contradicts itself or
cannot be read stops the start: a connection that is less safe than it was meant to be is worse
than none.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

PLAINTEXT: Final = "PLAINTEXT"
PROTOCOLS: Final = (PLAINTEXT, "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


class Mode(StrEnum):
    """How far a server has to prove who it is."""

    OFF = "off"
    """Nothing is encrypted."""
    ENCRYPT = "encrypt"
    """Encrypted, with whoever answers: no help against somebody in between."""
    VERIFY_CA = "verify-ca"
    """Its certificate is of a CA that we trust."""
    VERIFY = "verify"
    """And was made for the name under which we call it."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What was set for the way to one kind of server."""

    mode: Mode
    ca: str = ""
    """A file of certificates that we trust; empty: those of the system."""
    certificate: str = ""
    """Our own certificate, for a server that asks for one."""
    key: str = ""


def read(
    name: str, *, mode: str, ca: str, certificate: str, key: str, is_on: bool | None = None
) -> Tls:
    """Make sense of the variables `<name>_TLS`, `<name>_TLS_CA`, `…_CERT` and `…_KEY`.

    :param is_on: what the address or the protocol says; None: it says nothing, and `mode` decides.
    :raises ImproperlyConfigured: if they contradict each other, or a file cannot be read.
    """
    variable = f"{name}_TLS"
    files = {"CA": ca, "CERT": certificate, "KEY": key}
    wanted = bool(any(files.values()) if is_on is None else is_on)
    try:
        found = Mode(mode) if mode else Mode.VERIFY if wanted else Mode.OFF
    except ValueError:
        known = ", ".join(Mode)
        raise ImproperlyConfigured(f"{variable} must be one of {known}, not {mode!r}.") from None
    if is_on is not None and is_on is not (found is not Mode.OFF) and mode:
        raise ImproperlyConfigured(
            f"{variable} is {found} and the address of {name} says otherwise: TLS needs rediss:// "
            "for Redis, SSL or SASL_SSL in KAFKA_SECURITY_PROTOCOL for Kafka."
        )
    for ending, path in files.items():
        if path and found is Mode.OFF:
            raise ImproperlyConfigured(
                f"{variable}_{ending} is set, and what it is for goes there without TLS."
            )
        if path:
            _require_readable(f"{variable}_{ending}", path)
    if bool(certificate) != bool(key):
        raise ImproperlyConfigured(f"{variable}_CERT and {variable}_KEY only work together.")
    return Tls(found, ca, certificate, key)


def _require_readable(variable: str, path: str) -> None:
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"{variable} cannot be read: {error}") from error
    if b"-----BEGIN " not in text:
        raise ImproperlyConfigured(f"{variable}: {path} holds nothing in PEM.")


def mysql_options(tls: Tls) -> dict[str, Any]:
    """Write it in the words of mysqlclient.

    :raises ImproperlyConfigured: if a certificate is to be verified and nothing says by whom.
    """
    if tls.mode is Mode.OFF:
        return {}
    if tls.mode is not Mode.ENCRYPT and not tls.ca:
        raise ImproperlyConfigured(
            f"DATABASE_TLS is {tls.mode}: set DATABASE_TLS_CA, the file of the CA of the server's "
            "certificate. MySQL's drivers trust nobody by themselves."
        )
    words = {
        Mode.ENCRYPT: "REQUIRED",
        Mode.VERIFY_CA: "VERIFY_CA",
        Mode.VERIFY: "VERIFY_IDENTITY",
    }
    # Without verification no CA is handed over: drivers would verify by it after all, or half.
    ca = "" if tls.mode is Mode.ENCRYPT else tls.ca
    files = {"ca": ca, "cert": tls.certificate, "key": tls.key}
    return {
        "ssl_mode": words[tls.mode],
        "ssl": {name: path for name, path in files.items() if path},
    }


def is_rediss(url: str) -> bool:
    """Tell whether an address of Redis asks for TLS."""
    return urlsplit(url).scheme == "rediss"


def redis_url(url: str, tls: Tls) -> str:
    """Write it into the address, where redis-py, django-redis and kombu all look."""
    if not is_rediss(url):
        return url
    words = {
        "ssl_cert_reqs": "none" if tls.mode is Mode.ENCRYPT else "required",
        "ssl_check_hostname": str(tls.mode is Mode.VERIFY).lower(),
        "ssl_ca_certs": tls.ca,
        "ssl_certfile": tls.certificate,
        "ssl_keyfile": tls.key,
    }
    query = urlencode({name: word for name, word in words.items() if word})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def is_tls_protocol(protocol: str) -> bool:
    """Tell whether a security protocol of Kafka is encrypted.

    :raises ImproperlyConfigured: if there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise ImproperlyConfigured(
            f"KAFKA_SECURITY_PROTOCOL must be one of {known}, not {protocol!r}."
        )
    return protocol.endswith("SSL")


def kafka_options(
    protocol: str, tls: Tls, *, mechanism: str, user: str, password: str
) -> dict[str, Any]:
    """Write it in the words of kafka-python; every client of Kafka takes these.

    :raises ImproperlyConfigured: if a user is missing where one is needed, or set for nothing.
    """
    found: dict[str, Any] = {"security_protocol": protocol}
    if is_tls_protocol(protocol):
        if tls.mode is Mode.ENCRYPT:
            found["ssl_context"] = _unverified(tls)
        else:
            # Files, not a context of ours: they are read at each connection, so renewed ones count.
            found["ssl_check_hostname"] = tls.mode is Mode.VERIFY
            files = {"cafile": tls.ca, "certfile": tls.certificate, "keyfile": tls.key}
            found |= {f"ssl_{name}": path for name, path in files.items() if path}
    if not protocol.startswith("SASL"):
        if user or password:
            raise ImproperlyConfigured(
                f"KAFKA_SASL_USER or KAFKA_SASL_PASSWORD is set and KAFKA_SECURITY_PROTOCOL is "
                f"{protocol}, which asks for none: set SASL_SSL."
            )
        return found
    if mechanism not in MECHANISMS:
        known = ", ".join(MECHANISMS)
        raise ImproperlyConfigured(f"KAFKA_SASL_MECHANISM must be one of {known}.")
    if not (user and password):
        raise ImproperlyConfigured(
            f"KAFKA_SECURITY_PROTOCOL is {protocol}: set KAFKA_SASL_USER and KAFKA_SASL_PASSWORD, "
            "or KAFKA_SASL_PASSWORD_FILE."
        )
    return found | {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


def _unverified(tls: Tls) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if tls.certificate:
        made.load_cert_chain(tls.certificate, tls.key)
    return made
