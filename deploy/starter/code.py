"""`python -m deploy.starter.code [NAME]`: what the authenticator of a demo account shows now.

For demonstrations only: who keeps a second factor beside the first has one factor.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import struct
import sys
import time
from typing import Final
from urllib.parse import quote

from deploy.starter.errors import StartError
from deploy.starter.home import home_from_environment
from deploy.starter.supervisor import end_with_a_sentence

STEP_SECONDS: Final = 30
ISSUER: Final = "Wallet service"


def code_of(secret: str, moment: float) -> str:
    """Return the six digits of a secret in base32, as RFC 6238 has it."""
    counter = struct.pack(">Q", int(moment) // STEP_SECONDS)
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def uri_of(name: str, secret: str) -> str:
    """Write a secret as an authenticator reads it from a QR code."""
    return f"otpauth://totp/{quote(f'{ISSUER}:{name}')}?secret={secret}&issuer={quote(ISSUER)}"


def show() -> None:
    """Print the code of the account that the command line names; the admin's by default.

    :raises StartError: if the demonstration has no such account.
    """
    parser = argparse.ArgumentParser(
        prog="python3 -m deploy.starter.code",
        description="Print what the authenticator of a demo account shows now. WALLET_HOME names "
        "the folder of the service's data, if it is not the default.",
    )
    parser.add_argument("name", nargs="?", default="admin", help="such as maker; default: admin")
    name: str = parser.parse_args().name
    found = (home_from_environment(folder).read_demo() for folder in ("var", "var/full"))
    secret = next((notes[key] for notes in found if (key := secret_name(name)) in notes), None)
    if secret is None:
        raise StartError(f"There is no demo account {name!r}: start the service first.")
    print(code_of(secret, time.time()))


def secret_name(name: str) -> str:
    """Return under which name the notes of a start keep the secret of an account."""
    return f"DEMO_{name.upper()}_SECRET"


if __name__ == "__main__":
    sys.exit(end_with_a_sentence(show))
