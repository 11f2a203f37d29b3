"""Lets the service's own processes die between two of their steps, without a line in their code.

Python imports this module at its start where its folder is on PYTHONPATH, which only the fault
harness sees to. A point is armed by a file of its name in the folder CHAOS_POINTS; the process that
removes the file dies there, so that each armed file kills one process once.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def die_if(point: str) -> None:
    """Die here if the point is armed."""
    try:
        os.unlink(os.path.join(os.environ["CHAOS_POINTS"], point))  # noqa: PTH108, PTH118 - at start
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _dies_after(point: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def acting(*args: Any, **named: Any) -> Any:
        found = function(*args, **named)
        die_if(point)
        return found

    return acting


def _dies_before(
    point: str, function: Callable[..., Any], *, when: Callable[..., bool]
) -> Callable[..., Any]:
    def acting(*args: Any, **named: Any) -> Any:
        if when(*args, **named):
            die_if(point)
        return function(*args, **named)

    return acting


def _movement(module: Any) -> None:
    module.attempt = _dies_after("movement-after-commit", module.attempt)


def _marks(module: Any) -> None:
    # The last step within the transaction of a movement.
    module.record_acts = _dies_after("movement-before-commit", module.record_acts)


def _marking(module: Any) -> None:
    module.mark_published = _dies_before("relay-before-mark", module.mark_published, when=bool)


def _consuming(module: Any) -> None:
    module.settle = _dies_after("consumer-before-commit", module.settle)


def _gateway(module: Any) -> None:
    module.HttpGateway.pay = _dies_after("payout-after-send", module.HttpGateway.pay)


_HOOKS: dict[str, Callable[[Any], None]] = {
    "wallets.operations._movement": _movement,
    "wallets.operations._marks": _marks,
    "events.marking": _marking,
    "events.consuming": _consuming,
    "wallets.payouts.http_gateway": _gateway,
}


class _Hooked(importlib.abc.MetaPathFinder):
    """Finds the few modules that have a point, and changes them when they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find one of them where Python would, with a loader that calls its hook."""
        hook = _HOOKS.get(name)
        if hook is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        loader = spec.loader if spec else None
        if loader is None:
            return None
        execute = loader.exec_module

        def executing(module: ModuleType) -> None:
            execute(module)
            hook(module)

        loader.exec_module = executing  # type: ignore[method-assign]
        return spec


if "CHAOS_POINTS" in os.environ:
    sys.meta_path.insert(0, _Hooked())
