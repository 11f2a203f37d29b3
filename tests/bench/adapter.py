"""What the kit asks of the module that knows a service's calls."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, cast

from tests.bench.messages import Request

OURS: Final = Path(__file__).parent / "adapters" / "wallet_service.py"
_NEEDED: Final = ("NAME", "EXPECTED", "create_wallet", "read_id", "deposit")


class Adapter(Protocol):
    """The functions of an adapter; only those named in `_NEEDED` must be there.

    It may also have `verify() -> str`: what is wrong with the books, or nothing.
    """

    NAME: str
    EXPECTED: Mapping[str, int]

    def create_wallet(self, number: int, key: str) -> Request:
        """Open a wallet."""

    def read_id(self, body: bytes) -> str:
        """Read the new wallet's id from the answer."""

    def deposit(self, wallet: str, amount: int, key: str) -> Request:
        """Pay in."""

    def withdraw(self, wallet: str, amount: int, key: str) -> Request:
        """Pay out."""

    def transfer(self, source: str, destination: str, amount: int, key: str) -> Request:
        """Pay from one wallet to another."""

    def balance(self, wallet: str) -> Request:
        """Ask for the balance now."""

    def balance_at(self, wallet: str, moment: datetime) -> Request:
        """Ask for a past balance."""

    def history(self, wallet: str) -> Request:
        """Ask for the first page of the statement."""

    def bulk(self, wallets: Sequence[str], amount: int, key: str) -> Request:
        """Pay into several wallets in one call."""

    def empty(self) -> Request:
        """Ask for an answer without any work behind it."""


class NotAnAdapter(Exception):
    """The file lacks what every adapter needs."""


def load(path: Path = OURS) -> Adapter:
    """Load an adapter from its file.

    :raises NotAnAdapter: when there is no such file, or it lacks something.
    """
    spec = importlib.util.spec_from_file_location(f"bench_adapter_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise NotAnAdapter(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    missing = [name for name in _NEEDED if not hasattr(module, name)]
    if missing:
        raise NotAnAdapter(f"{path} has no {', '.join(missing)}")
    return cast(Adapter, module)
