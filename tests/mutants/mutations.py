"""The mutations: what is replaced by what, and which tests are to notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


class DoesNotApply(Exception):
    """The code has changed, and a mutation no longer finds its place exactly once."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in one file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake: its edits, the tests that must fail, and words one of which they must say."""

    name: str
    says: str
    """The mistake in a sentence."""
    edits: tuple[Edit, ...]
    killers: tuple[str, ...]
    red_by: str
    """The invariant or defence that notices."""
    signs: tuple[str, ...]
    """One of these stands in the output when it is red for the right reason."""
    needs_stack: bool = True
    """Off: its tests find it on SQLite, which is made in a second."""


_LOCKING: Final = "wallets/operations/_locking.py"
_SPINE: Final = "wallets/operations/_movement.py"
_TRAPS: Final = "tests/stress/test_traps.py::"
_POINTS: Final = "tests/stress/test_breaking_points.py::"
_FOUR: Final = _TRAPS + "test_lists_on_sixty_wallets_from_four_processes_never_deadlock"

_WITHOUT_LOCK: Final = Edit(
    _LOCKING,
    'f"WHERE id IN ({marks}) ORDER BY id FOR UPDATE"\n        )\n    else:',
    'f"WHERE id IN ({marks}) ORDER BY id"\n        )\n    else:',
)

MUTATIONS: Final = (
    Mutation(
        name="no-for-update",
        says="wallets are read without FOR UPDATE",
        edits=(_WITHOUT_LOCK,),
        killers=(_FOUR,),
        red_by="the guard of the balances' UPDATE (no row has the version that was read)",
        signs=("BalanceGuardFailed",),
    ),
    Mutation(
        name="check-then-f",
        says="funds are checked on an unlocked row, then F() subtracts without a condition",
        edits=(
            _WITHOUT_LOCK,
            Edit(
                "wallets/operations/_balances.py",
                'return f"id IN ({ids}) AND (id, version) IN ({values}{pairs})"',
                'return f"id IN ({ids}) OR (id, version) IN ({values}{pairs})"',
            ),
            Edit(
                "wallets/operations/_balances.py",
                "_statement(guards_floor=takes_away, ",
                "_statement(guards_floor=takes_away and False, ",
            ),
        ),
        killers=(_FOUR,),
        red_by="I5 and I3: the floor's trigger, or the unique place of a posting in its chain",
        signs=("IntegrityError", "OperationalError", "AssertionError"),
    ),
    Mutation(
        name="events-after-commit",
        says="the outbox is written after the transaction of the movement",
        edits=(
            Edit(
                _SPINE,
                "            outbox.record([*made, *drafts.events])\n            _spending.write(",
                "            _spending.write(",
            ),
            Edit(
                _SPINE,
                "    # A wallet that was to be opened and was refused does not exist.",
                "    with transaction.atomic(using=PRIMARY):\n"
                "        outbox.record([*made, *drafts.events])\n"
                "    # A wallet that was to be opened and was refused does not exist.",
            ),
        ),
        killers=(_POINTS + "test_an_entry_whose_events_were_not_written_is_not_in_the_books",),
        red_by="I6: an entry without its event after a kill between the two",
        signs=("I6: money moved",),
    ),
    Mutation(
        name="answer-before-commit",
        says="callers are answered before COMMIT (which the next BEGIN then does)",
        edits=(
            Edit(
                _SPINE,
                "        _marks.record_acts(commands, outcomes)\n",
                "        _marks.record_acts(commands, outcomes)\n"
                '        transaction.get_connection(PRIMARY).__dict__["_commit"] = lambda: None\n',
            ),
        ),
        killers=(_POINTS + "test_what_was_told_is_in_the_books_when_the_teller_is_gone",),
        red_by="I11: what was acknowledged is lost with the process",
        signs=("I11: it was told",),
    ),
    Mutation(
        name="mark-before-ack",
        says="the relay marks events as published before Kafka has them",
        edits=(
            Edit(
                "events/relay.py",
                "    records = [one.record for one in work]\n    if not unmarked:",
                "    records = [one.record for one in work]\n"
                "    marking.mark_published([one.id for one in work])\n    if not unmarked:",
            ),
        ),
        killers=(
            "tests/integration/events/test_relay.py::"
            "test_a_broker_that_fails_leaves_everything_waiting",
        ),
        red_by="I9: marked as published and not in Kafka",
        signs=("AssertionError",),
        needs_stack=False,
    ),
    Mutation(
        name="deadlock-swallowed",
        says="error 1213 is caught within the transaction, which goes on",
        edits=(
            Edit(
                "wallet_project/kit/one_trip.py",
                "            if place:\n                cursor.nextset()",
                "            if place:\n"
                "                try:\n"
                "                    cursor.nextset()\n"
                "                except DatabaseError as error:\n"
                "                    if error.args[0] == 1213:\n"
                "                        return\n"
                "                    raise",
            ),
            Edit(
                "wallet_project/kit/one_trip.py",
                "from django.db import connections\n",
                "from django.db import DatabaseError, connections\n",
            ),
        ),
        killers=(_POINTS + "test_a_deadlock_behind_the_first_written_row_is_nobodys_business",),
        red_by="I11: the deadlock has undone what was told",
        signs=("I11: it was told", "TransactionManagementError"),
    ),
    Mutation(
        name="keys-on-replica",
        says="idempotency keys are looked up on the replica",
        edits=(
            Edit(
                "wallets/operations/_replay.py",
                "books.entries_by_key(keys)",
                'books.entries_by_key(keys, using="replica")',
            ),
        ),
        killers=(_POINTS + "test_a_repeat_is_known_while_the_replica_learns_nothing",),
        red_by="I10 and the unique index of keys: a repeat meets its own entry",
        signs=("IntegrityError", "1062"),
    ),
    Mutation(
        name="offsets-before-effect",
        says="a consumer commits its place before the effect",
        edits=(
            Edit(
                "events/consuming.py",
                "                    settle(consumer, records, stop)\n"
                "                    source.commit()",
                "                    source.commit()\n"
                "                    settle(consumer, records, stop)",
            ),
        ),
        killers=(
            "tests/integration/events/test_consuming.py::"
            "test_a_process_killed_before_it_commits_its_offsets_repeats_without_effect",
        ),
        red_by="I20: the place is committed and the effect is not there",
        signs=("assert 0 < 0", "AssertionError", "assert (0 <"),
    ),
    Mutation(
        name="keys-without-case",
        says="`Key-A` and `key-a` are one key, as in a column with a case-insensitive collation",
        edits=(
            Edit(
                "wallets/idempotency.py",
                'return Key(_digest(b"header", client, key), key)',
                'return Key(_digest(b"header", client, key.casefold()), key)',
            ),
        ),
        killers=(
            "tests/integration/wallets/test_idempotency.py::"
            "test_keys_that_differ_in_one_byte_are_different_keys",
        ),
        red_by="I10: another command's key, refused or replayed",
        signs=("KeyReused", "AssertionError", "assert"),
        needs_stack=False,
    ),
    Mutation(
        name="float-amount",
        says="an amount is read by way of float",
        edits=(
            Edit(
                "wallet_project/kit/money.py",
                'minor = int(whole + fraction.ljust(exponent, "0"))',
                "minor = int(float(text) * 10**exponent)",
            ),
        ),
        killers=("tests/unit/kit/test_money.py",),
        red_by="I24: what is written does not read back to the same amount",
        signs=("test_what_is_written_reads_back", "test_reads_a_decimal_exactly"),
        needs_stack=False,
    ),
)


def changed_files(mutation: Mutation, tree: Path) -> dict[str, str]:
    """Return the texts of the files that a mutation changes, as they are afterwards.

    :raises DoesNotApply: if an edit does not find its text exactly once.
    """
    texts: dict[str, str] = {}
    for edit in mutation.edits:
        text = texts.get(edit.path) or (tree / edit.path).read_text(encoding="utf-8")
        found = text.count(edit.old)
        if found != 1:
            raise DoesNotApply(
                f"{mutation.name}: {edit.path} has this {found} times, not once:\n{edit.old}"
            )
        texts[edit.path] = text.replace(edit.old, edit.new)
    return texts


def missing_killers(mutation: Mutation, tree: Path) -> Sequence[str]:
    """List the killers that name no test of the tree."""
    missing = []
    for killer in mutation.killers:
        path, _, function = killer.partition("::")
        file = tree / path
        if not file.exists() or (function and f"def {function}(" not in file.read_text()):
            missing.append(killer)
    return missing
