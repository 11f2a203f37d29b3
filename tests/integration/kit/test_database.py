"""What the write path needs of a database, on the database of this run."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, connections, models, transaction
from django.db.models import F

from tests import databases
from tests.people import balance, fund
from wallet_project.kit import database as kit
from wallets.identity import WalletIdentity
from wallets.models import Wallet


class TestRunRetrying:
    @pytest.mark.parametrize(
        "error",
        [
            OperationalError(1213, "deadlock"),
            OperationalError(1205, "lock wait"),
            OperationalError(1020, "Record has changed since last read"),
            OperationalError(2006, "gone away"),
            OperationalError(2013, "lost connection"),
            OperationalError(1290, "read only"),
            IntegrityError(1062, "duplicate"),
            OperationalError("database is locked"),
        ],
        ids=str,
    )
    def test_runs_the_whole_body_again_when_that_can_help(
        self, database: None, error: Exception
    ) -> None:
        tries = []

        def body() -> str:
            tries.append(1)
            if len(tries) < 3:
                raise error
            return "done"

        policy = kit.RetryPolicy(contention_delay_ms=1, transient_delay_ms=1, transient_jitter_ms=0)
        assert kit.run_retrying(body, policy) == "done"
        assert len(tries) == 3

    @pytest.mark.parametrize(
        "error",
        [
            DataError(1264, "out of range"),
            IntegrityError(1048, "null"),
            OperationalError(1142, "no"),
        ],
        ids=str,
    )
    def test_lets_other_errors_pass(self, database: None, error: Exception) -> None:
        tries = []

        def body() -> None:
            tries.append(1)
            raise error

        with pytest.raises(type(error)):
            kit.run_retrying(body, kit.INTERACTIVE)
        assert len(tries) == 1

    def test_gives_up_after_so_many_tries(self, database: None) -> None:
        tries = []

        def body() -> None:
            tries.append(1)
            raise OperationalError(1213, "deadlock")

        with pytest.raises(OperationalError):
            kit.run_retrying(body, kit.RetryPolicy(contention_delay_ms=1, contention_jitter_ms=0))
        assert len(tries) == 6

    def test_never_retries_half_a_transaction(self, database: None) -> None:
        tries = []

        def body() -> None:
            tries.append(1)
            raise OperationalError(1213, "deadlock")

        with pytest.raises(OperationalError), transaction.atomic():
            kit.run_retrying(body, kit.INTERACTIVE)
        assert len(tries) == 1


class TestUpdateByPrimaryKey:
    def test_adds_to_each_row_its_own_number_in_one_statement(
        self,
        alice: WalletIdentity,
        bob: WalletIdentity,
        charlie: WalletIdentity,
        django_assert_num_queries: Any,
    ) -> None:
        for wallet in (alice, bob, charlie):
            fund(wallet, 100)
        numbers = kit.ByPrimaryKey({alice.id: 5, bob.id: -7}, models.BigIntegerField())

        with django_assert_num_queries(1):
            matched = kit.update_by_primary_key(
                Wallet.objects.filter(pk__in=[alice.id, bob.id]), balance=F("balance") + numbers
            )

        assert matched == 2
        assert [balance(w) for w in (alice, bob, charlie)] == [105, 93, 100]

    @pytest.mark.full_stack
    def test_reads_only_the_rows_it_names(self, alice: WalletIdentity, bob: WalletIdentity) -> None:
        """On a small table MySQL prefers a scan, which would lock Bob's wallet too."""
        with transaction.atomic():
            kit.update_by_primary_key(
                Wallet.objects.filter(pk__in=[alice.id]), balance=F("balance")
            )
            with connections["owner"].cursor() as cursor:
                cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
                cursor.execute(
                    f"SELECT 1 FROM {databases.TEST_DATABASE}.wallets_wallet "
                    "WHERE id = %s FOR UPDATE",
                    [bob.id.bytes],
                )
                assert cursor.fetchall() == ((1,),)


def test_sessions_are_strict_and_in_utc(database: None) -> None:
    if not databases.is_mysql():
        with connections["default"].cursor() as cursor:
            pragmas = {}
            for name in ("journal_mode", "synchronous", "recursive_triggers"):
                cursor.execute(f"PRAGMA {name}")
                pragmas[name] = cursor.fetchone()[0]
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "recursive_triggers": 1}
        return
    with connections["default"].cursor() as cursor:
        name = "tx_isolation" if databases.is_mariadb() else "transaction_isolation"
        cursor.execute(f"SELECT @@{name}, @@sql_mode, @@time_zone")
        isolation, mode, zone = cursor.fetchone()
    assert (isolation, zone) == ("READ-COMMITTED", "+00:00")
    assert "STRICT_TRANS_TABLES" in mode


def test_writers_take_turns(alice: WalletIdentity) -> None:
    """SQLite's `BEGIN IMMEDIATE` alone starves: others got two turns in eight seconds."""
    turns = [0, 0, 0, 0]
    until = time.monotonic() + 2

    def write(number: int) -> None:
        while time.monotonic() < until:
            with transaction.atomic():
                Wallet.objects.filter(pk=alice.id).update(held=0)
                time.sleep(0.01)
            turns[number] += 1
        connections["default"].close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert min(turns) >= 10, turns
