"""What an attacker found once, and must not find again."""

from __future__ import annotations

import io

import pytest

from tests.http import InProcess
from tests.people import Company
from wallets.api.problems import is_api_path
from wallets.identity import WalletIdentity


class BrokenChunks(io.RawIOBase):
    """A body whose sender does not keep to the chunked encoding; gunicorn raises an OSError."""

    def read(self, size: int = -1) -> bytes:
        raise OSError("Invalid chunk size: b'zz'")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_broken_chunked_body_is_the_callers_fault(
    client_acme: Company, alice: WalletIdentity, method: str
) -> None:
    path = "/api/v1/wallets" if method == "POST" else "/api/v1/wallets/alice"
    transport = InProcess(**{"wsgi.input": BrokenChunks(), "wsgi.input_terminated": True})
    headers = {
        "authorization": f"Bearer {client_acme.key}",
        "content-type": "application/json",
        "transfer-encoding": "chunked",
    }

    reply = transport.send(method, path, headers, b"")

    assert reply.status == 400
    assert reply.json["code"] == "bad_request"


@pytest.mark.parametrize("path", ["/api", "/api/x", "//api/v1/wallets", "/API/V1/wallets"])
def test_a_mistyped_api_path_is_answered_as_the_api_answers(path: str) -> None:
    assert is_api_path(path)


@pytest.mark.parametrize("path", ["/", "/apis", "/health", "/admin/api/"])
def test_other_paths_are_pages(path: str) -> None:
    assert not is_api_path(path)


@pytest.mark.parametrize("path", ["/health", "/health/live", "/q/health", "/metrics", "/"])
def test_pages_that_only_read_refuse_other_methods_as_such(database: None, path: str) -> None:
    assert InProcess().send("PUT", path, {}, b"").status == 405
