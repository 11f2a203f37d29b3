"""What comes after what: in real time over HTTP, and while Redis forgets everything."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from events.models import OutboxEvent
from tests.http import Api
from tests.integration.wallets.test_reads import flush_redis
from tests.people import Company
from wallet_project.kit import replica
from wallet_project.kit.database import PRIMARY
from wallets import balance_cache, verification
from wallets.identity import WalletIdentity
from wallets.models import Wallet

CALLERS = 6
EACH = 15


def test_what_was_asked_after_an_answer_comes_after_it(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    """If B was asked after A was answered, B's place on the wallet is after A's."""
    Api(client_acme.key).deposit("alice", "1000.00")

    def move(number: int) -> list[tuple[float, float, int]]:
        api, told = Api(client_acme.key), []
        try:
            for turn in range(EACH):
                asked = time.monotonic()
                if (number + turn) % 3 == 0:
                    reply = api.transfer("alice", "bob", "0.01")
                elif (number + turn) % 3 == 1:
                    reply = api.withdraw("alice", "0.01")
                else:
                    reply = api.deposit("alice", "0.01")
                assert reply.status == 201, str(reply)
                told.append((asked, time.monotonic(), reply.json["version"]))
        finally:
            connections.close_all()
        return told

    with ThreadPoolExecutor(CALLERS) as pool:
        told = [one for caller in pool.map(move, range(CALLERS)) for one in caller]

    assert sorted(version for _, _, version in told) == list(range(3, 3 + CALLERS * EACH))
    by_version = sorted(told, key=lambda one: one[2])
    latest_asked = 0.0
    for asked, answered, version in by_version:
        # Nothing with a smaller version was asked after this one had been answered.
        assert latest_asked <= answered, f"version {version} was overtaken"
        latest_asked = max(latest_asked, asked)
    sequences = OutboxEvent.objects.filter(stream=alice.id).order_by("id")
    assert list(sequences.values_list("sequence", flat=True)) == list(range(1, 3 + CALLERS * EACH))
    assert verification.verify().findings == []


@pytest.mark.full_stack
def test_flushing_redis_again_and_again_changes_nothing(
    client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    Api(client_acme.key).deposit("alice", "1000.00")
    is_over = threading.Event()

    def forget() -> None:
        while not is_over.wait(0.05):
            flush_redis()

    def move(number: int) -> list[str]:
        api, keys = Api(client_acme.key), []
        try:
            for turn in range(EACH):
                key = f"{number}-{turn}"
                for _ in range(2):  # a repeat finds its key in the books, not in Redis
                    reply = api.transfer("alice", "bob", "1.00", headers={"Idempotency-Key": key})
                    assert reply.status == 201, str(reply)
                assert reply.headers["idempotent-replayed"] == "true"
                assert api.get("/wallets/bob/balance").status == 200
                keys.append(key)
        finally:
            connections.close_all()
        return keys

    flusher = threading.Thread(target=forget)
    flusher.start()
    try:
        with ThreadPoolExecutor(CALLERS) as pool:
            keys = [key for caller in pool.map(move, range(CALLERS)) for key in caller]
    finally:
        is_over.set()
        flusher.join()

    assert len(set(keys)) == CALLERS * EACH
    assert verification.verify().findings == []
    _cached_as_in_the_database(client_acme, alice, bob)


def _cached_as_in_the_database(company: Company, *wallets: WalletIdentity) -> None:
    """Wait for what is cached as long as a copy may live; then it must be what the rows say."""
    deadline = time.monotonic() + replica.FRESH.total_seconds() + 1
    api = Api(company.key)
    for wallet in wallets:
        row = Wallet.objects.using(PRIMARY).get(pk=wallet.id)
        wanted = f"{row.balance // 100}.{row.balance % 100:02}"
        while api.balance(wallet.id) != wanted:
            assert time.monotonic() < deadline, "An old balance outlived its time."
            time.sleep(0.2)
        copy = balance_cache.get(wallet.id)
        assert copy is None or (copy.version, copy.balance) == (row.version, row.balance)
