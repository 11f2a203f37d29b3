"""The edge's connections to the servers behind it: each serves one caller's connection only."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from tests.e2e.behind_edge import Server, call, edge, wait_for

pytestmark = pytest.mark.full_stack


def test_no_caller_inherits_a_connection_that_the_server_may_be_closing() -> None:
    """Alice leaves idle connections behind. One that Bob inherited could end just as his POST is
    written to it, and the edge would close his own connection without a word."""
    server = Server()
    with server.listening() as address, edge(address) as running:
        wait_for(running.port)
        left = [HTTPConnection("127.0.0.1", running.port, timeout=5) for _ in range(20)]
        for connection in left:
            assert call(connection, "alice") == 200
        for connection in left:
            connection.close()
        bobs = HTTPConnection("127.0.0.1", running.port, timeout=5)
        for _ in range(20):
            assert call(bobs, "bob") == 200
        bobs.close()
    assert [found for found in server.callers.values() if len(found) > 1] == []
    assert len([found for found in server.callers.values() if "bob" in found]) == 1


def test_a_long_request_never_follows_another_one_to_the_server() -> None:
    """The lane's server holds 64 KiB of a request that comes while it puts the one before away; on
    more it closes the connection, and the caller's would be closed with it without a word."""
    server = Server()
    with server.listening() as address, edge(address) as running:
        wait_for(running.port)
        alices = HTTPConnection("127.0.0.1", running.port, timeout=5)
        for _ in range(5):
            assert call(alices, "alice", "/api/v1/wallets/alice/deposit", bytes(200)) == 200
            assert call(alices, "bulk", "/api/v1/transactions/bulk", bytes(200_000)) == 200
            assert call(alices, "long", "/api/v1/wallets/alice/deposit", bytes(60_000)) == 200
        alices.close()
    used = list(server.callers.values())
    assert used.count({"bulk"}) == 5
    assert used.count({"long"}) == 5
    assert used.count({"alice"}) == 1, "short ones keep theirs"
