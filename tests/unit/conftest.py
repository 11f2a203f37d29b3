"""Unit tests use no database and no network."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket

from wallets import key_use


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Fail any test that opens a socket."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
    key_use.USE.flush(drop=True)
