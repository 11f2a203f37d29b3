"""How the issuer's keys are fetched, kept and given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.tokens import Issuer, key_set
from wallets.errors import IssuerUnavailable
from wallets.tokens import issuer_keys
from wallets.tokens.issuer_keys import IssuerKeys

OLD = Issuer()
NEW = OLD.rotated("key-2")
RULES = OLD.rules(jwks="", jwks_url="https://issuer.example.com/jwks", kept_seconds=3600)


class Source:
    """An issuer's server without a network."""

    def __init__(self) -> None:
        self.body = key_set(OLD)
        self.error: Exception | None = None
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, url: str) -> bytes:
        assert url == RULES.jwks_url
        self.asked += 1
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return self.body.encode()


Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let time pass."""
    at = [1_000.0]

    def forward(seconds: float) -> None:
        at[0] += seconds

    monkeypatch.setattr(issuer_keys, "time", SimpleNamespace(monotonic=lambda: at[0]))
    return forward


def settle(keys: IssuerKeys) -> None:
    """Wait for a fetch that goes on in the background."""
    with keys._changed:
        assert keys._changed.wait_for(lambda: not keys._is_fetching, 10)


def test_the_first_token_waits_for_the_keys_and_the_next_does_not(later: Later) -> None:
    source = Source()
    keys = IssuerKeys(RULES, source)
    assert keys.find("key-1") is not None
    assert keys.known("key-1") is keys.find("key-1")
    assert source.asked == 1


def test_a_new_key_is_found_when_it_is_shown(later: Later) -> None:
    source = Source()
    keys = IssuerKeys(RULES, source)
    keys.find("key-1")
    source.body = key_set(OLD, NEW)
    later(issuer_keys.AGAIN_SECONDS)
    assert keys.known("key-2") is None
    assert keys.find("key-2") is not None


def test_invented_ids_cost_the_issuer_nothing(later: Later) -> None:
    source = Source()
    keys = IssuerKeys(RULES, source)
    keys.find("key-1")
    for number in range(1_000):
        assert keys.find(f"invented-{number}") is None
    assert source.asked == 1
    later(issuer_keys.AGAIN_SECONDS)
    for number in range(1_000):
        assert keys.find(f"invented-{number}") is None
    assert source.asked == 2


def test_a_key_that_the_issuer_took_back_ends_here_too(later: Later) -> None:
    source = Source()
    source.body = key_set(OLD, NEW)
    keys = IssuerKeys(RULES, source)
    assert keys.find("key-1") is not None
    source.body = key_set(NEW)
    later(issuer_keys.FRESH_SECONDS + 1)
    assert keys.known("key-1") is not None  # nobody waits; the fetch goes on behind
    settle(keys)
    assert keys.known("key-1") is None


def test_known_keys_outlive_an_outage_for_a_while(later: Later) -> None:
    source = Source()
    keys = IssuerKeys(RULES, source)
    keys.find("key-1")
    source.error = ConnectionRefusedError()
    later(RULES.kept_seconds - 1)
    assert keys.known("key-1") is not None
    settle(keys)
    assert keys.find("key-1") is not None
    with pytest.raises(IssuerUnavailable):
        keys.find("key-2")  # it may be a new one: a 401 would make the caller throw it away
    later(2)
    with pytest.raises(IssuerUnavailable):
        keys.find("key-1")
    source.error = None
    later(issuer_keys.AGAIN_AFTER_FAILURE_SECONDS)
    assert keys.find("key-1") is not None


@pytest.mark.parametrize("body", ["", "[]", '{"keys": []}', "<html>"])
def test_an_answer_that_is_no_key_set_replaces_nothing(body: str, later: Later) -> None:
    source = Source()
    keys = IssuerKeys(RULES, source)
    keys.find("key-1")
    source.body = body
    later(issuer_keys.FRESH_SECONDS + 1)
    keys.known("key-1")
    settle(keys)
    assert source.asked == 2
    assert keys.known("key-1") is not None


def test_a_failing_issuer_is_asked_again_only_after_a_pause(later: Later) -> None:
    source = Source()
    source.error = TimeoutError()
    keys = IssuerKeys(RULES, source)
    for _ in range(100):
        with pytest.raises(IssuerUnavailable):
            keys.find("key-1")
    assert source.asked == 1
    later(issuer_keys.AGAIN_AFTER_FAILURE_SECONDS)
    with pytest.raises(IssuerUnavailable):
        keys.find("key-1")
    assert source.asked == 2


def test_many_who_wait_share_one_fetch() -> None:
    source = Source()
    source.gate.clear()
    keys = IssuerKeys(RULES, source)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(keys.find("key-1"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    source.gate.set()
    for thread in threads:
        thread.join(10)
    assert len(found) == 20
    assert None not in found
    assert source.asked == 1
