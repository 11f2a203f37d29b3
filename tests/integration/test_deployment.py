"""What a deployment looks like from outside: Django's own checks, headers, and the log."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.recipes import schema_routes
from tests.http import Api, InProcess
from tests.lane import Lane
from tests.people import Company
from tests.tokens import Issuer
from wallets.identity import WalletIdentity

ROOT = Path(__file__).resolve().parents[2]
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def test_djangos_own_checks_have_nothing_to_say(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "".join(chr(33 + number) for number in range(80)),
        "WALLET_HOME": str(tmp_path),
        "ALLOWED_HOSTS": "wallet.example.com",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues (" in done.stdout, done.stdout


@pytest.mark.parametrize("is_lane", [False, True])
def test_every_route_answers_with_the_headers_that_protect(
    is_lane: bool, client_acme: Company, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Lane() if is_lane else None
    monkeypatch.setattr(InProcess, "lane", lane)
    names = dict.fromkeys((kind for route in schema_routes() for kind in route.kinds), "nobody")
    try:
        for api in (Api(client_acme.key), Api()):
            for route in schema_routes():
                where = route.path.format(**names)
                reply = api.call(route.method, where, from_root=True)
                found = {name: reply.headers.get(name) for name in HEADERS}
                assert found == HEADERS, f"{route}: {reply.status}"
                assert "default-src 'none'" in reply.headers["content-security-policy"]
                assert "server" not in reply.headers
    finally:
        if lane is not None:
            lane.close()


def test_no_log_line_holds_a_key_a_token_or_a_balance(
    client_acme: Company, alice: WalletIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    token = Issuer().token()
    secret = client_acme.key.partition(".")[2]
    api = Api(client_acme.key)
    with caplog.at_level(logging.DEBUG):
        api.deposit("alice", "73519.42", description="rent of Alice", referenceId="ref-1")
        api.get("/wallets/alice/balance")
        api.get("/wallets/alice/balance/historical", query={"timestamp": "2026-01-01T00:00:00Z"})
        api.withdraw("alice", "99999999.00")
        api.get("/wallets", query={"userId": "user-alice"})
        api.call("POST", "/wallets/alice/deposit", b'{"amount": "73519.42", "x": 1}')
        Api(client_acme.key[:-1] + "A").get("/wallets")
        Api(token).get("/wallets")
        api.get("/wallets", headers={"X-Api-Key": token})
    told = "\n".join(str(vars(record)) for record in caplog.records if record.name != "asyncio")
    assert "/api/v1/wallets/alice/deposit" in told  # it is the log that was looked at
    for forbidden in (secret[:20], token, token.rpartition(".")[2], "rent of Alice", "user-alice"):
        assert forbidden not in told
    assert not re.search(r"\b73519\.?42\b|\b7351942\b", told)
