"""Who may catch what. A swallowed error on the way of money is a loss that nobody sees."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Final

from tests.architecture.source import APPS, EVERYTHING, Breach, Source, python, report, sample

BROAD: Final = frozenset({"Exception", "BaseException"})
MAY_CATCH_EVERYTHING: Final = {
    "wallet_project/kit/group_commit.py": "whatever happens to a list, its callers must be told",
    "events/replaying.py": "whatever a handler raises is written on the letter it failed at",
    "events/settling.py": "whatever a handler raises, the events of other wallets flow",
    "wallets/api/express/application.py": "a caller is answered whatever failed, as by Django",
}

DATABASE_MODULES: Final = ("django.db", "MySQLdb", "sqlite3")
MAY_CATCH_DATABASE_ERRORS: Final = {
    "wallet_project/kit/database.py": "decides which errors heal by running again",
    "wallet_project/kit/group_commit.py": "splits a list, so that one bad command fails alone",
    "wallet_project/kit/sqlite/base.py": "frees the writers' lock when BEGIN fails, and re-raises",
    "wallet_project/kit/mysql/base.py": "names a broken CHECK as Django does, and re-raises",
    "wallet_project/kit/heartbeat.py": "outlives an outage of the primary, as the relay does",
    "wallet_project/kit/time_limit.py": "tells a read that was given up, and re-raises the rest",
    "wallet_project/kit/servers.py": "tells whether a server answers",
    "wallet_project/kit/replica.py": "asks the other database when one does not answer",
    "wallets/operations/recover_operations.py": "one wallet's failure keeps no other waiting",
    "ledger/sealing.py": "tells that another sealer was first, and re-raises the rest",
    "wallets/key_use.py": "when a key was used last is not worth more than one try",
    "wallets/auditing.py": "a wallet too spoilt to be frozen is told of all the same",
    "events/consuming.py": "outlives an outage of the primary, and re-raises the rest",
    "wallets/payouts/worker.py": "one payout's failure keeps no other waiting",
    "wallet_project/kit/turns.py": "outlives an outage of the primary, as the relay does",
    "events/relay.py": "outlives an outage of the primary, and re-raises what time cannot heal",
    "events/settling.py": "outlives an outage of the primary, and re-raises what time cannot heal",
    "events/consumers/webhooks/deliverer.py": "as the relay",
    "wallet_project/back_office/home.py": "shows a part that cannot be read as unknown",
}


def broad_excepts(sources: list[Source]) -> list[Breach]:
    """Find handlers that catch everything."""
    return [
        Breach(source.path, node.lineno, "catches everything")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or BROAD & {n.id for n in _names(node.type)})
    ]


def database_excepts(sources: list[Source]) -> list[Breach]:
    """Find handlers of database errors, however those were imported."""
    found = []
    for source in sources:
        tree = source.tree
        from_database = _imported_from_database(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler) or node.type is None:
                continue
            caught = {name.id for name in _names(node.type)} & from_database
            if caught:
                what = f"catches what it knows as {', '.join(sorted(caught))}"
                found.append(Breach(source.path, node.lineno, what))
    return found


def _names(node: ast.expr) -> list[ast.Name]:
    return [name for name in ast.walk(node) if isinstance(name, ast.Name)]


def _imported_from_database(tree: ast.Module) -> set[str]:
    """List the local names of database modules and of what comes from them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _is_database(node.module or ""):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "django":
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "db"}
        elif isinstance(node, ast.Import):
            names |= {
                alias.asname or alias.name.partition(".")[0]
                for alias in node.names
                if _is_database(alias.name)
            }
    return names


def _is_database(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in DATABASE_MODULES)


def test_two_handlers_catch_everything() -> None:
    """The leader of the group commit must outlive any failure, and a caller of the lane gets an
    answer; everybody else names what he expects, so that a bug stays a bug."""
    counted = Counter(breach.path for breach in broad_excepts(python(*APPS, "deploy")))
    assert counted == dict.fromkeys(MAY_CATCH_EVERYTHING, 1)


def test_database_errors_are_understood_in_one_place() -> None:
    """Whether a failed transaction may have committed is a subtle question; `kit/database.py` has
    the answer, and code beside it would have another one."""
    breaches = [
        breach
        for breach in database_excepts(python(*APPS))
        if breach.path not in MAY_CATCH_DATABASE_ERRORS
    ]
    assert not breaches, report(breaches)


def test_the_list_of_exceptions_to_the_rule_is_not_longer_than_needed() -> None:
    """An entry that nobody needs any more would let a new handler in unseen."""
    assert {breach.path for breach in database_excepts(python(*APPS))} == set(
        MAY_CATCH_DATABASE_ERRORS
    )


def test_tests_catch_what_they_expect() -> None:
    """A test that catches everything passes for the wrong reason."""
    breaches = [b for b in broad_excepts(python(*EVERYTHING)) if b.path not in MAY_CATCH_EVERYTHING]
    assert not breaches, report(breaches)


def test_the_rules_bite() -> None:
    for head in ("except:", "except Exception:", "except (ValueError, BaseException) as e:"):
        assert broad_excepts([sample(f"try:\n    f()\n{head}\n    pass\n")]), head
    assert not broad_excepts([sample("try:\n    f()\nexcept ValueError:\n    pass\n")])
    for imports, caught in (
        ("from django.db import OperationalError", "OperationalError"),
        ("from django.db import Error as Oops", "(ValueError, Oops)"),
        ("from django import db", "db.DatabaseError"),
        ("from django.db import utils", "utils.DataError"),
        ("import django.db.utils", "django.db.utils.DataError"),
        ("import MySQLdb", "MySQLdb.Error"),
    ):
        text = f"{imports}\ntry:\n    f()\nexcept {caught}:\n    pass\n"
        assert database_excepts([sample(text)]), imports
    text = "import binascii\ntry:\n    f()\nexcept binascii.Error:\n    pass\n"
    assert not database_excepts([sample(text)])
