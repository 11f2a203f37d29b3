"""Many movements in one call: each by itself, or all of them or none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from wallet_project.kit.errors import DomainError
from wallets.operations import _lists
from wallets.operations._commands import MovementCommand, Outcome

Asked = MovementCommand | DomainError
"""A command, or why what was asked for cannot become one."""


def run_each(asked: Sequence[Asked]) -> list[Outcome]:
    """Execute commands in order, each with its own outcome; those after a failed one go on.

    Runs in the caller's thread and not in the leader's: a list of a thousand would keep everybody
    else's commands waiting. Each transaction takes as many commands as one of the leader's.

    :raises django.db.Error: if the database fails beyond what retrying heals. What was done
        before stays done, and is replayed when the same list is sent again.
    """
    deadline = time.monotonic() + settings.COMMAND_DEADLINE_SECONDS
    outcomes = [Outcome(error=one if isinstance(one, DomainError) else None) for one in asked]
    places = [place for place, one in enumerate(asked) if isinstance(one, MovementCommand)]
    length: int = settings.GROUP_COMMIT.list_length
    for start in range(0, len(places), length):
        chunk = places[start : start + length]
        commands = [asked[place] for place in chunk]
        for place, outcome in zip(chunk, _execute(commands, deadline), strict=True):
            outcomes[place] = outcome
    return outcomes


def run_together(asked: Sequence[Asked]) -> list[Outcome]:
    """Execute all commands in one transaction, or none of them.

    If one fails, its error is the outcome of all, with its place in the list as `index`.

    :raises DomainError: the first one among `asked`, likewise with its `index`; no key is burnt.
    :raises django.db.Error: if the database fails beyond what retrying heals.
    """
    deadline = time.monotonic() + settings.COMMAND_DEADLINE_SECONDS
    for index, one in enumerate(asked):
        if isinstance(one, DomainError):
            raise one.add_facts(index=index)
    return _execute(asked, deadline, linked=True)


def _execute(asked: Sequence[Asked], deadline: float, *, linked: bool = False) -> list[Outcome]:
    commands = [
        replace(one, deadline=deadline) for one in asked if isinstance(one, MovementCommand)
    ]
    return _lists.execute(commands, linked=linked)
