"""Nothing that matters hangs on Redis: a lock there is gone with a flush or a failover."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from events.models import ShardLease
from tests.architecture.source import APPS, Breach, Source, python, report, sample

_CALLS: Final = frozenset({"lock", "setnx", "msetnx", "acquire_lock", "add"})
_CACHES: Final = frozenset({"cache", "redis", "client", "connection", "server"})
_WORDS: Final = re.compile(r"\b(redlock|redbeat|redis_lock|SETNX)\b|\bSET\b.*\bNX\b", re.I)


def locks_in_redis(sources: list[Source]) -> list[Breach]:
    """Find what makes a lock of a key: `.lock()`, `SET … NX`, `cache.add()`, libraries for it."""
    return [
        Breach(source.path, line, what)
        for source in sources
        for line, what in (*_calls(source.tree), *_texts(source.text))
    ]


def _calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value).lower()
        is_cache = any(name in owner for name in _CACHES)
        if is_cache and node.func.attr in _CALLS:
            yield node.lineno, f"{ast.unparse(node.func)}() makes a lock of a key"
        if any(word.arg == "nx" for word in node.keywords):
            yield node.lineno, f"{ast.unparse(node.func)}(nx=…) makes a lock of a key"


def _texts(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        found = _WORDS.search(line)
        if found:
            yield number, f"says {found.group()}"


def test_nothing_is_locked_in_redis() -> None:
    """Two holders of one lock are what the lock was to prevent."""
    breaches = locks_in_redis(python(*APPS))
    assert not breaches, report(breaches)


def test_leases_are_rows_with_an_end_on_the_databases_clock() -> None:
    assert {field.name for field in ShardLease._meta.fields} == {"shard", "holder", "expires_at"}
    (leases,) = (source for source in python("events") if source.path == "events/leases.py")
    assert "expires_at=Now() + LEASE" in leases.text
    assert "redis" not in leases.text.lower()


def test_sessions_are_rows_and_nothing_else() -> None:
    """A flush logs nobody out, and no copy outlives a logout."""
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
    assert "django.contrib.sessions" in settings.INSTALLED_APPS


def test_the_rules_bite() -> None:
    for text in (
        'redis.lock("relay")',
        "cache.add(key, 1)",
        "self._client.set(key, 1, nx=True)",
        "x = \"redis.call('SET', KEYS[1], 1, 'NX')\"",
        "import redlock",
    ):
        assert locks_in_redis([sample(text)]), text
    for text in ("threading.Lock()", "home.lock()", "seen.add(1)", "redis.call('SET', KEYS[1], 2)"):
        assert not locks_in_redis([sample(text)]), text
