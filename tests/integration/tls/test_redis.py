"""Redis by TLS and with a certificate of our own: every client of ours, and nobody else."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import redis
from celery import Celery
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from deploy.stack.layout import LOOPBACK
from tests.integration.tls.authority import Authority
from tests.integration.tls.conftest import ALSO_LOOPBACK, Settings
from wallet_project import health
from wallet_project.kit import servers
from wallet_project.kit.group_fetch import GroupFetch
from wallet_project.kit.rate_limit import Bucket, LocalWindows, RateLimiter
from wallet_project.kit.versioned_cache import Copy, VersionedCache

pytestmark = pytest.mark.full_stack
KEPT = timedelta(seconds=10)


@pytest.fixture
def files(authority: Authority) -> dict[str, Any]:
    certificate, key = authority.issue("service")
    return {
        "REDIS_TLS_CA": authority.certificate,
        "REDIS_TLS_CERT": certificate,
        "REDIS_TLS_KEY": key,
    }


@pytest.fixture
def url(settings_of: Settings, redis_address: str, files: dict[str, Any]) -> str:
    return str(settings_of(REDIS_URL=f"rediss://{redis_address}", **files)["REDIS_URL"])


def refused(url: str) -> str:
    with redis.Redis.from_url(url) as connection, pytest.raises(redis.RedisError) as error:
        connection.ping()
    return str(error.value)


def copy(key: str, version: int) -> Copy:
    return Copy(key, version, datetime.now(UTC), "10.00")


def test_balances_are_kept_and_found(url: str) -> None:
    cache = VersionedCache(url, kept=KEPT)
    for _ in range(50):  # its first connection may take longer than a caller may wait
        servers.forget()
        cache.put([copy("alice", 1)])
        if cache.get("alice") is not None:
            break
    assert cache.get("alice") == (1, "10.00")


def test_throttles_are_shared(url: str) -> None:
    limiter = RateLimiter(url, on_fallback=lambda _: None)
    bucket = Bucket("requests", "tls-acme", limit=100)
    with redis.Redis.from_url(url) as connection:
        for _ in range(50):  # its first connection may take longer than a caller may wait
            servers.forget()
            limiter.take([bucket])
            if connection.exists("tls-acme"):
                break
        used = int(cast("bytes", connection.hget("tls-acme", "used")))
    assert limiter.take([bucket]).tightest.used == used + 1
    limiter.close()


def test_the_lane_asks_for_both_at_once(url: str) -> None:
    async def ask() -> object:
        fetch = GroupFetch(url, local=LocalWindows(), kept=KEPT, on_fallback=lambda _: None)
        for _ in range(50):
            servers.forget()
            await fetch.put([copy("bob", 7)])
            found = await fetch.get("bob")
            if found is not None:
                break
        await fetch.close()
        return found

    assert asyncio.run(ask()) == (7, "10.00")
    assert not servers.redis.is_open


def test_djangos_cache_comes_by_tls_too(
    settings_of: Settings, redis_address: str, files: Any
) -> None:
    found = settings_of(REDIS_URL=f"rediss://{redis_address}", **files)["CACHES"]["default"]
    cache: BaseCache = import_string(found["BACKEND"])(
        found["LOCATION"], {"OPTIONS": found["OPTIONS"] | {"IGNORE_EXCEPTIONS": False}}
    )
    cache.set("tls", "kept")
    assert cache.get("tls") == "kept"


def test_health_asks_by_tls(url: str, settings: Any) -> None:
    settings.REDIS_URL = url
    health.ask_redis()


def test_tasks_travel_by_tls(settings_of: Settings, redis_address: str, files: Any) -> None:
    found = settings_of(REDIS_URL=f"rediss://{redis_address}", **files)
    with _broker(found) as connection:
        queue = connection.SimpleQueue("tls")
        queue.put("look now")
        assert queue.get(timeout=5).payload == "look now"
        queue.close()


def _broker(found: dict[str, Any]) -> Any:
    app = Celery("tls", broker=found["CELERY_BROKER_URL"])
    app.conf.broker_transport_options = found["CELERY_BROKER_TRANSPORT_OPTIONS"]
    return app.connection_for_write()


def test_without_tls_nobody_answers(redis_address: str) -> None:
    assert refused(f"redis://{redis_address}")


def test_without_a_certificate_of_ours_redis_sends_us_away(
    settings_of: Settings, redis_address: str, authority: Authority
) -> None:
    address = f"rediss://{redis_address}"
    found = settings_of(REDIS_URL=address, REDIS_TLS_CA=authority.certificate)
    assert "ssl" in refused(found["REDIS_URL"]).lower()


def test_a_server_of_another_ca_is_not_spoken_to(
    settings_of: Settings, redis_address: str, files: dict[str, Any], stranger: Authority
) -> None:
    files["REDIS_TLS_CA"] = stranger.certificate
    for mode in ("verify", "verify-ca"):
        found = settings_of(REDIS_URL=f"rediss://{redis_address}", REDIS_TLS=mode, **files)
        assert "CERTIFICATE_VERIFY_FAILED" in refused(found["REDIS_URL"])
        with _broker(found) as connection, pytest.raises(OperationalError) as error:
            connection.SimpleQueue("tls").put("look now")
        assert "CERTIFICATE_VERIFY_FAILED" in str(error.value)


def test_a_server_under_another_name_only_where_names_do_not_count(
    settings_of: Settings, redis_address: str, files: dict[str, Any]
) -> None:
    address = f"rediss://{redis_address.replace(LOOPBACK, ALSO_LOOPBACK)}"
    strict = settings_of(REDIS_URL=address, **files)["REDIS_URL"]
    assert "Hostname mismatch" in refused(strict)
    for mode in ("verify-ca", "encrypt"):
        found = settings_of(REDIS_URL=address, REDIS_TLS=mode, **files)
        with redis.Redis.from_url(found["REDIS_URL"]) as connection:
            assert connection.ping()
        with _broker(found) as broker:
            broker.SimpleQueue("tls").put("look now")


def test_the_throttle_counts_for_itself_where_redis_is_not_who_it_should_be(
    settings_of: Settings, redis_address: str, files: dict[str, Any], stranger: Authority
) -> None:
    files["REDIS_TLS_CA"] = stranger.certificate
    url = settings_of(REDIS_URL=f"rediss://{redis_address}", **files)["REDIS_URL"]
    limiter = RateLimiter(url, on_fallback=lambda _: None)
    bucket = Bucket("requests", "tls-bob", limit=5)
    assert [limiter.take([bucket]).tightest.remaining for _ in range(2)] == [4, 3]
    assert limiter.local.take([bucket]).tightest.remaining == 2
    limiter.close()
