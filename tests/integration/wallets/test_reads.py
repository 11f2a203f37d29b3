"""Where reads come from, and what a caller may rely on while a part is late or gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connections, transaction

from tests import outages
from tests.http import Api
from tests.people import Company, fund
from wallet_project.kit import clock, replica, servers
from wallet_project.kit.database import PRIMARY, REPLICA
from wallet_project.kit.models import Heartbeat
from wallets import balance_cache, credentials, identity, queries
from wallets.identity import WalletIdentity

pytestmark = pytest.mark.full_stack

PATHS = ("", "/balance", "/transactions")


@pytest.fixture
def acme(client_acme: Company) -> Iterator[Api]:
    """Acme's programs, on a stack whose replica has a heartbeat."""
    yield Api(client_acme.key)
    replica.forget()
    outages.still_the_heart()


@contextmanager
def queries_on(alias: str) -> Iterator[list[str]]:
    """List the statements that this thread sends to a database."""
    sent: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    with connections[alias].execute_wrapper(note):
        yield sent


def redis_now() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL)


def flush_redis() -> None:
    redis_now().flushall()


def at_version(version: int) -> dict[str, str]:
    return {"X-Min-Version": str(version)}


class TestSettled:
    """Everything is well and the wallet has been left alone for a moment."""

    def test_no_read_touches_the_primary(self, acme: Api, alice: WalletIdentity) -> None:
        made = acme.deposit("alice", "5.00").json
        outages.settle()
        flush_redis()
        acme.get("/wallets/alice")  # the key is known for four seconds from here
        identity.forget_all()
        before = made["createdAt"]
        with queries_on(PRIMARY) as on_primary:
            shown = acme.get("/wallets/alice")
            balance = acme.get("/wallets/alice/balance")
            history = acme.get("/wallets/alice/transactions")
            past = acme.get("/wallets/alice/balance/historical", query={"timestamp": before})
            entry = acme.get(f"/transactions/{made['transactionId']}")
            page = acme.get("/wallets")

        assert on_primary == []
        assert shown.json["balance"] == balance.json["balance"] == past.json["balance"] == "5.00"
        assert [item["balance"] for item in history.json["items"]] == ["5.00"]
        assert entry.json["transactionId"] == made["transactionId"]
        assert [item["id"] for item in page.json["items"]] == [str(alice.id)]
        assert balance.json["stale"] is False
        assert "x-stale-as-of" not in history.headers

    def test_a_balance_comes_from_the_cache_alone(self, acme: Api, alice: WalletIdentity) -> None:
        acme.deposit("alice", "5.00")
        with queries_on(PRIMARY) as on_primary, queries_on(REPLICA) as on_replica:
            got = acme.get("/wallets/alice/balance").json

        assert (on_primary, on_replica) == ([], [])
        assert (got["balance"], got["version"], got["stale"]) == ("5.00", 2, False)

    def test_as_of_of_the_replica_is_its_heartbeat(self, acme: Api, alice: WalletIdentity) -> None:
        outages.settle()
        flush_redis()
        beat_at = Heartbeat.objects.using(PRIMARY).get().beat_at

        assert queries.balance(alice).as_of == beat_at

    def test_an_old_heartbeat_sends_readers_to_the_primary(
        self, acme: Api, alice: WalletIdentity
    ) -> None:
        acme.deposit("alice", "5.00")
        outages.settle()
        Heartbeat.objects.using(PRIMARY).update(beat_at=clock.now() - timedelta(seconds=11))
        outages.catch_up()
        replica.forget()
        for path in PATHS:
            flush_redis()
            with queries_on(PRIMARY) as on_primary:
                assert acme.get(f"/wallets/alice{path}").status == 200
            assert on_primary

    def test_inside_a_transaction_everything_is_read_on_the_primary(
        self, acme: Api, alice: WalletIdentity
    ) -> None:
        outages.settle()
        with transaction.atomic(), queries_on(REPLICA) as on_replica:
            assert balance_cache.get(alice.id) is None
            queries.wallet(alice)
            queries.balance(alice)
            queries.history(alice, before_sequence=None, limit=5)
        assert on_replica == []


class TestDelayedReplica:
    """The replica applies everything five seconds late."""

    @pytest.fixture(autouse=True)
    def _delayed(self, acme: Api, alice: WalletIdentity) -> Iterator[None]:
        outages.settle()
        with outages.replica_delayed(5):
            yield

    @pytest.mark.parametrize("with_cache", [True, False])
    def test_a_version_reads_your_own_writes(self, acme: Api, with_cache: bool) -> None:
        made = acme.deposit("alice", "5.00").json
        for path in PATHS:
            if not with_cache:
                flush_redis()
            got = acme.get(f"/wallets/alice{path}", headers=at_version(made["version"])).json
            assert (got["items"][0] if "items" in got else got)["balance"] == "5.00"

    def test_with_the_cache_they_are_seen_unasked(self, acme: Api) -> None:
        acme.deposit("alice", "5.00")
        opened = acme.post("/wallets", {}).json["id"]
        assert acme.get("/wallets/alice").json["balance"] == "5.00"
        assert acme.get("/wallets/alice/balance").json["balance"] == "5.00"
        assert len(acme.get("/wallets/alice/transactions").json["items"]) == 1
        assert opened in {item["id"] for item in acme.get("/wallets").json["items"]}

    def test_what_a_caller_sees_never_goes_back(self, acme: Api) -> None:
        """The highest version seen is sent along, whatever happens to the cache meanwhile."""
        seen, balances = 1, []
        for number in range(8):
            acme.deposit("alice", "1.00")
            if number % 2:
                flush_redis()
            got = acme.get("/wallets/alice/balance", headers=at_version(seen)).json
            assert got["version"] >= seen
            seen = got["version"]
            balances.append(float(got["balance"]))
        assert balances == sorted(balances)

    def test_no_route_ever_shows_less_than_another_has_shown(self, acme: Api) -> None:
        """One caller goes from route to route, with the highest version it has seen."""
        seen = 1
        for number in range(9):
            made = acme.deposit("alice", "1.00").json
            if number % 3:
                flush_redis()
            if number % 2:
                seen = made["version"]
            for path in PATHS:
                got = acme.get(f"/wallets/alice{path}", headers=at_version(seen)).json
                shown = got["items"][0]["postingSequence"] + 1 if "items" in got else got["version"]
                assert shown >= seen, path
                seen = shown

    def test_without_cache_and_version_it_is_late_and_says_as_of_when(
        self, acme: Api, alice: WalletIdentity
    ) -> None:
        deposited = acme.deposit("alice", "5.00").json["createdAt"]
        flush_redis()
        got = acme.get("/wallets/alice/balance").json
        assert (got["balance"], got["stale"]) == ("0.00", False)
        assert got["asOf"] < deposited

    def test_what_is_not_there_yet_is_asked_of_the_primary(self, acme: Api) -> None:
        opened = acme.post("/wallets", {"reference": "new"}).json
        identity.forget_all()
        made = acme.deposit("new", "5.00").json
        assert acme.get("/wallets/new", headers=at_version(1)).json["id"] == opened["id"]
        assert acme.get(f"/transactions/{made['transactionId']}").status == 200

    def test_a_past_balance_waits_for_the_heartbeat(self, acme: Api) -> None:
        made = acme.deposit("alice", "5.00").json
        flush_redis()
        past = acme.get("/wallets/alice/balance/historical", query={"timestamp": made["createdAt"]})
        assert past.json["balance"] == "5.00"

    def test_a_page_is_never_patched_together(self, acme: Api, alice: WalletIdentity) -> None:
        """Rows that commit between two statements of a page are not on it."""
        for _ in range(3):
            fund(alice, 100)
        items = queries.history(alice, before_sequence=None, limit=10, min_version=4).items
        assert [item.posting_sequence for item in items] == [3, 2, 1]


class TestReplicaLost:
    def test_a_replica_that_stands_still(
        self, acme: Api, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outages.settle()
        with outages.replication_stopped():
            acme.deposit("alice", "5.00")
            monkeypatch.setattr(replica, "FRESH", timedelta(seconds=0.5))
            time.sleep(0.6)
            flush_redis()
            replica.forget()
            got = acme.get("/wallets/alice/balance").json
            assert (got["balance"], got["stale"]) == ("5.00", False)
            assert acme.get("/wallets/alice/transactions").json["items"]

    def test_a_replica_that_is_gone_costs_one_try(self, acme: Api, alice: WalletIdentity) -> None:
        outages.settle()
        with outages.away(REPLICA):
            acme.deposit("alice", "5.00")
            flush_redis()
            for path in PATHS:
                assert acme.get(f"/wallets/alice{path}").status == 200
            flush_redis()
            started = time.monotonic()
            assert acme.get("/wallets/alice/balance").json["balance"] == "5.00"
            assert time.monotonic() - started < 0.5


class TestPrimaryLost:
    @pytest.fixture(autouse=True)
    def _prepared(self, acme: Api, alice: WalletIdentity) -> None:
        acme.deposit("alice", "5.00")
        outages.settle()
        flush_redis()

    def test_reads_go_on_and_say_that_they_are_old(
        self, acme: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replica, "FRESH", timedelta(seconds=0.5))
        time.sleep(0.6)
        with outages.away(PRIMARY):
            got = acme.get("/wallets/alice/balance").json
            assert (got["balance"], got["stale"]) == ("5.00", True)
            assert got["asOf"] < clock.rfc3339(clock.now())
            for path in ("/wallets/alice", "/wallets/alice/transactions", "/wallets"):
                reply = acme.get(path)
                assert reply.status == 200
                assert datetime.fromisoformat(reply.headers["x-stale-as-of"])
            # What nobody can know any more is not made up.
            unknown = acme.get("/wallets/alice", headers=at_version(3))
            assert (unknown.status, unknown.headers["retry-after"]) == (503, "1")
            assert acme.get("/wallets/nobody").status == 503
        replica.forget()
        assert acme.get("/wallets/alice/balance").json["stale"] is False

    def test_a_key_that_was_not_known_before_still_reads(self, acme: Api) -> None:
        credentials.forget_all()
        with outages.away(PRIMARY):
            assert acme.get("/wallets/alice/balance").status == 200

    def test_writes_are_turned_away_and_come_back_without_a_restart(self, acme: Api) -> None:
        with outages.away(PRIMARY):
            reply = acme.deposit("alice", "1.00", referenceId="again")
            assert (reply.status, "retry-after" in reply.headers) == (503, True)
            while not servers.is_read_only():  # its retries alone may have been too few
                assert acme.deposit("alice", "1.00", referenceId="again").status == 503
            for _ in range(3):
                started = time.monotonic()
                reply = acme.deposit("alice", "1.00", referenceId="again")
                assert (reply.status, reply.json["code"]) == (503, "read_only")
                assert time.monotonic() - started < 1
        deadline = time.monotonic() + 30
        while (reply := acme.deposit("alice", "1.00", referenceId="again")).status != 201:
            assert (reply.status, time.monotonic() < deadline) == (503, True)
            time.sleep(0.1)

    def test_one_that_hangs_is_waited_for_once(self, acme: Api) -> None:
        credentials.forget_all()
        with outages.primary_frozen():
            times = []
            for path in ("/wallets/alice/balance", "/wallets/alice", "/wallets/alice/transactions"):
                started = time.monotonic()
                assert acme.get(path).status == 200
                times.append(time.monotonic() - started)
        assert times[0] < 10.5
        assert max(times[1:]) < 2


class TestRedisLost:
    def test_flushing_it_changes_nothing(self, acme: Api, alice: WalletIdentity) -> None:
        acme.deposit("alice", "5.00")
        flush_redis()
        assert acme.get("/wallets/alice/balance").json["balance"] == "5.00"
        assert acme.deposit("alice", "1.00").json["balance"] == "6.00"
        assert acme.get("/wallets/alice/balance").json["balance"] == "6.00"

    @pytest.mark.parametrize("outage", [outages.redis_frozen, outages.redis_killed])
    def test_without_it_everything_works_from_the_database(
        self, acme: Api, alice: WalletIdentity, outage: Callable[[], Any]
    ) -> None:
        acme.deposit("alice", "5.00")
        with outage():
            started = time.monotonic()
            assert acme.deposit("alice", "1.00").json["balance"] == "6.00"
            for _ in range(10):
                assert acme.get("/wallets/alice/balance").json["balance"] == "6.00"
            # The wait of 50 ms is paid once a second, not once a call.
            assert time.monotonic() - started < 2
        balance_cache.forget_failures()
        got = acme.get("/wallets/alice/balance", headers=at_version(3)).json
        assert got["balance"] == "6.00"


class TestCache:
    def _balance(self, alice: WalletIdentity, version: int, as_of: datetime) -> Any:
        return balance_cache.CachedBalance(alice.id, version, version, 0, version, "ACTIVE", as_of)

    def test_a_late_writer_never_puts_an_older_version_back(self, alice: WalletIdentity) -> None:
        present = clock.now()
        for version in (5, 4, 5, 3):
            balance_cache.put([self._balance(alice, version, present)])
            found = balance_cache.get(alice.id)
            assert found == self._balance(alice, 5, present)

    def test_a_copy_ends_ten_seconds_after_its_moment(self, alice: WalletIdentity) -> None:
        flush_redis()
        balance_cache.put([self._balance(alice, 5, clock.now() - timedelta(seconds=7))])
        (key,) = redis_now().keys(f"*{alice.id.hex}")
        assert 2_000 < redis_now().pttl(key) <= 3_000

        balance_cache.put([self._balance(alice, 6, clock.now() - timedelta(seconds=11))])
        assert balance_cache.get(alice.id) is None

    def test_a_movement_leaves_both_wallets_there(
        self, acme: Api, alice: WalletIdentity, bob: WalletIdentity
    ) -> None:
        acme.deposit("alice", "5.00")
        acme.transfer("alice", "bob", "2.00")
        for wallet, version, minor in ((alice, 3, 300), (bob, 2, 200)):
            found = balance_cache.get(wallet.id)
            assert found is not None
            assert (found.version, found.balance, found.available) == (version, minor, minor)

    def test_a_refusal_leaves_what_is_true(self, acme: Api, alice: WalletIdentity) -> None:
        flush_redis()
        assert acme.withdraw("alice", "2.00").status == 422
        found = balance_cache.get(alice.id)
        assert found is not None
        assert (found.version, found.balance) == (1, 0)


def test_sessions_survive_redis() -> None:
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
