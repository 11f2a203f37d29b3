"""Money moves in one place, inside one transaction, and nothing acts behind its back."""

from __future__ import annotations

import ast
from typing import Final

from tests.architecture.source import APPS, Breach, Source, python, report, sample

THE_SPINE: Final = "wallets/operations/_movement.py"
THE_LOCKS: Final = "wallets/operations/_locking.py"
THE_WRITER: Final = "ledger/posting.py"
VIEWS: Final = "wallets/api/"
APPEND_ONLY: Final = "wallet_project/kit/append_only.py"
KEPT: Final = "wallet_project/kit/kept.py"
SIGNAL_MODULES: Final = ("django.db.models.signals", "django.dispatch", "django.core.signals")
SENDING: Final = frozenset({"delay", "apply_async", "send_task"})


def uses_of(name: str, sources: list[Source]) -> list[Breach]:
    """Find where a function is called, passed on or imported by name."""
    return [
        Breach(source.path, node.lineno, f"uses {name}")
        for source in sources
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.ImportFrom) and name in {a.name for a in node.names})
    ]


def importers_of(module: str, sources: list[Source]) -> set[str]:
    """List the files that import a module by its last name."""
    return {
        source.path
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and module in {name.rpartition(".")[2] for name in _named_by(node)}
    }


def _named_by(node: ast.Import | ast.ImportFrom) -> list[str]:
    own = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return own + [alias.name for alias in node.names]


def signals(sources: list[Source]) -> list[Breach]:
    """Find imports of Django's signals."""
    found = []
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                modules = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                modules = {module} | {f"{module}.{alias.name}" for alias in node.names}
            else:
                continue
            if modules & set(SIGNAL_MODULES):
                found.append(Breach(source.path, node.lineno, "listens to signals"))
    return found


def sent_tasks(sources: list[Source]) -> list[Breach]:
    """Find calls that send a Celery task."""
    return [
        Breach(source.path, node.lineno, f"sends a task by .{node.func.attr}()")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SENDING
    ]


def model_habits(sources: list[Source]) -> list[Breach]:
    """Find `save` and `delete` overrides and `Meta.ordering`."""
    found = []
    for source in sources:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for line in node.body:
                if _overrides_saving(line):
                    found.append(Breach(source.path, line.lineno, "overrides save() or delete()"))
                if node.name == "Meta" and _assigns(line, "ordering"):
                    found.append(Breach(source.path, line.lineno, "sorts every query"))
    return found


def skips_locked(sources: list[Source]) -> list[Breach]:
    """Find statements that pass over locked rows, in SQL or by the ORM's word for it."""
    return [
        Breach(source.path, node.lineno, "passes over locked rows")
        for source in sources
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.keyword) and node.arg == "skip_locked")
        or (isinstance(node, ast.Constant) and "UPDATE SKIP LOCKED" in str(node.value).upper())
    ]


def _overrides_saving(line: ast.stmt) -> bool:
    if not isinstance(line, ast.FunctionDef) or line.name not in {"save", "delete"}:
        return False
    # A view's answer to DELETE has that name, too; it takes a request.
    return "request" not in {argument.arg for argument in line.args.args}


def _assigns(line: ast.stmt, name: str) -> bool:
    targets: list[ast.expr] = []
    if isinstance(line, ast.Assign):
        targets = line.targets
    elif isinstance(line, ast.AnnAssign):
        targets = [line.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def test_only_the_spine_posts_to_the_books() -> None:
    """A second writer would have locks of its own, and its own idea of what was there before."""
    breaches = uses_of("post_entries", python(*APPS))
    outside = [breach for breach in breaches if breach.path not in (THE_SPINE, THE_WRITER)]
    assert not outside, report(outside)
    assert [breach.path for breach in breaches] == [THE_SPINE]


def test_only_the_door_runs_the_spine() -> None:
    """Whoever goes round the queue waits for locks that the queue would have shared. A bulk is a
    list already, and would keep everybody in the queue waiting."""
    assert importers_of("_movement", python(*APPS)) == {
        "wallets/operations/group_commit.py",
        "wallets/operations/_lists.py",
    }


def test_nothing_happens_behind_a_save() -> None:
    """A signal runs where nobody reads, inside a transaction that somebody else has opened."""
    breaches = signals(python(*APPS))
    assert not breaches, report(breaches)


def test_requests_send_no_tasks() -> None:
    """A task sent inside a transaction runs before it is committed, or although it never was; and
    a request must not need Celery's broker. The outbox is the way out."""
    breaches = sent_tasks(python(*APPS))
    assert not breaches, report(breaches)


def test_saving_is_just_saving() -> None:
    """Logic in `save()` is skipped by every bulk statement, and the money path has no other kind;
    an order that every query has costs a sort that nobody asked for."""
    excused = (APPEND_ONLY, KEPT, VIEWS)  # a view's `delete` answers DELETE
    breaches = [b for b in model_habits(python(*APPS)) if not b.path.startswith(excused)]
    assert not breaches, report(breaches)


def test_locked_rows_are_passed_over_in_one_place() -> None:
    """It finds out whom a list waits for. Anywhere else a row that is skipped is a command that is
    not executed, or an event that is overtaken."""
    breaches = skips_locked(python(*APPS))
    assert {breach.path for breach in breaches} == {THE_LOCKS}, report(breaches)


def test_the_rules_bite() -> None:
    for text in (
        "posting.post_entries([])",
        "from ledger.posting import post_entries",
        "run(posting.post_entries)",
    ):
        assert uses_of("post_entries", [sample(text)]), text
    for text in (
        "from wallets.operations import _movement",
        "from wallets.operations._movement import execute",
        "import wallets.operations._movement",
    ):
        assert importers_of("_movement", [sample(text)]), text
    for text in (
        "from django.db.models.signals import post_save",
        "from django.db.models import signals",
        "from django.dispatch import receiver",
        "import django.dispatch",
    ):
        assert signals([sample(text)]), text
    assert not signals([sample("from celery import signals")])
    for text in ("drain.delay()", "drain.apply_async(countdown=1)", "app.send_task('x')"):
        assert sent_tasks([sample(text)]), text
    for body in ("def save(self): ...", "def delete(self): ...", "class Meta: ordering = ['id']"):
        assert model_habits([sample(f"class A:\n    {body}\n")]), body
    for text in ("rows.select_for_update(skip_locked=True)", "'SELECT 1 FOR UPDATE SKIP LOCKED'"):
        assert skips_locked([sample(text)]), text
    assert not model_habits([sample("class View:\n    def delete(self, request): ...\n")])
    assert not model_habits([sample("class Admin:\n    ordering = ('-pk',)\n")])
