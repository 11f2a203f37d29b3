"""An issuer of bearer tokens, for tests: its keys, its tokens, and its key set over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as make_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as make_rsa
from jwt import PyJWS
from jwt.algorithms import get_default_algorithms

from wallets.tokens.rules import TokenRules, rules

ISSUER: Final = "https://issuer.example.com/"
AUDIENCE: Final = "wallet"
_RSA_EXPONENT: Final = 65_537


def new_private_key(algorithm: str) -> Any:
    """Make a private key for an algorithm."""
    if algorithm == "EdDSA":
        return Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return make_ec(SECP256R1())
    return make_rsa(_RSA_EXPONENT, 2048)


@dataclass(frozen=True)
class Issuer:
    """Somebody who signs tokens."""

    algorithm: str = "EdDSA"
    kid: str = "key-1"
    private: Any = field(default_factory=lambda: new_private_key("EdDSA"))

    def public_jwk(self, **more: Any) -> dict[str, Any]:
        """Return the public half of the key as it is published."""
        found = get_default_algorithms()[self.algorithm].to_jwk(
            self.private.public_key(), as_dict=True
        )
        return {**found, "kid": self.kid, "use": "sig", "alg": self.algorithm, **more}

    def rules(self, **more: Any) -> TokenRules:
        """Return the rules of a service that believes this issuer."""
        asked: dict[str, Any] = {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "algorithm": self.algorithm,
            "client_claim": "client_id",
            "leeway_seconds": 10,
            "jwks_url": "",
            "jwks": key_set(self),
            "kept_seconds": 3600,
        }
        found = rules(**(asked | more))
        assert found is not None
        return found

    def token(
        self,
        *,
        without: tuple[str, ...] = (),
        headers: Mapping[str, Any] | None = None,
        seconds: int = 300,
        **claims: Any,
    ) -> str:
        """Sign a token of Acme's that may do little, but for what is named."""
        moment = int(time.time())
        usual: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "billing-7",
            "client_id": "acme",
            "scope": "openid wallets:read transactions:read",
            "iat": moment,
            "exp": moment + seconds,
        }
        told = {name: value for name, value in (usual | claims).items() if name not in without}
        sent = {"kid": self.kid, **(headers or {})}
        # Beneath the library's own check of claims, which a bad issuer would not do.
        payload = json.dumps(told).encode()
        return PyJWS().encode(payload, self.private, algorithm=self.algorithm, headers=sent)

    def rotated(self, kid: str) -> Issuer:
        """Return the same issuer with its next key."""
        return replace(self, kid=kid, private=new_private_key(self.algorithm))


def key_set(*issuers: Issuer) -> str:
    """Publish the keys of issuers as one set."""
    return json.dumps({"keys": [issuer.public_jwk() for issuer in issuers]})


class Published:
    """What an issuer's server answers; a test may change it at any time."""

    def __init__(self, body: str) -> None:
        self.status = 200
        self.body = body.encode()
        self.pause_seconds = 0.0
        self.asked = 0
        self.url = ""


@contextmanager
def publishing(body: str) -> Iterator[Published]:
    """Serve a key set on this machine."""
    published = Published(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked += 1
            time.sleep(published.pause_seconds)
            self.send_response(published.status)
            self.send_header("Location", f"{published.url}/elsewhere")
            self.send_header("Content-Length", str(len(published.body)))
            self.end_headers()
            self.wfile.write(published.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    published.url = f"http://127.0.0.1:{server.server_port}/jwks"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield published
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
