"""What belongs together, from the strictest rule to the weakest. Pure: no database, no clock.

A rule proposes only what can be nothing else. Where two answers are possible it proposes none of
them and says what it hesitates between: that is for a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec

from wallets.reconciliation import subsets
from wallets.reconciliation.errors import SetupInvalid
from wallets.reconciliation.models import RuleName

BY_STRICTNESS: Final = (
    RuleName.REFERENCE,
    RuleName.WINDOW,
    RuleName.ONE_TO_MANY,
    RuleName.MANY_TO_ONE,
)
_WINDOW_MAX: Final = 31


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rules are applied to a channel, and how far they go."""

    apply: tuple[str, ...] = tuple(str(rule) for rule in BY_STRICTNESS)
    window_days: int = 3
    """How many days line and posting may lie apart where the reference does not tell."""
    references_may_differ: bool = False
    """Whether an amount alone may match what has two different references."""
    parts_max: int = 6
    """How many items may make up one on the other side, where no reference names them."""
    candidates_max: int = 12
    """Among how many such parts are looked for: among more, sums agree by chance."""


def read_rules(stored: Mapping[str, Any]) -> Rules:
    """Read rules as they are stored, and check them.

    :raises SetupInvalid: if they cannot be applied.
    """
    try:
        found = msgspec.convert(dict(stored), Rules)
    except msgspec.ValidationError as error:
        raise SetupInvalid(f"The rules are not right: {error}.", field="rules") from error
    unknown = sorted(set(found.apply) - set(map(str, BY_STRICTNESS)))
    if unknown:
        known = ", ".join(BY_STRICTNESS)
        raise SetupInvalid(
            f"There is no rule {', '.join(unknown)}; choose from {known}.", field="rules"
        )
    for value, least, most, what in (
        (found.window_days, 0, _WINDOW_MAX, "The window in days"),
        (found.parts_max, 2, subsets.PARTS_MAX, "The number of parts"),
        (found.candidates_max, 2, subsets.CANDIDATES_MAX, "The number of candidates"),
    ):
        if not least <= value <= most:
            raise SetupInvalid(f"{what} is from {least} to {most}.", field="rules")
    return found


def stored(rules: Rules) -> dict[str, Any]:
    """Write rules as they are stored."""
    plain: dict[str, Any] = msgspec.to_builtins(rules)
    return plain


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line or a posting as the rules see it; all of one comparison are in one currency."""

    id: UUID
    amount: int
    """Minor units, as the bank sees it."""
    day: date
    reference: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Lines and postings that belong together; their sums are equal."""

    rule: RuleName
    lines: tuple[UUID, ...]
    postings: tuple[UUID, ...]
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What may belong together in more than one way."""

    rule: RuleName
    lines: tuple[UUID, ...]
    postings: tuple[UUID, ...]
    why: str


@dataclass(slots=True)
class Found:
    """What the rules came to."""

    proposals: list[Proposal] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    """What is still to be matched; each rule takes away what it has found."""

    rules: Rules
    lines: dict[UUID, Candidate]
    postings: dict[UUID, Candidate]
    found: Found = field(default_factory=Found)

    def take(self, rule: RuleName, lines: _Some, postings: _Some, **evidence: Any) -> None:
        """Propose these, and look at them no more."""
        ids = tuple(one.id for one in lines), tuple(one.id for one in postings)
        self.found.proposals.append(Proposal(rule, *ids, evidence))
        for id_ in ids[0]:
            del self.lines[id_]
        for id_ in ids[1]:
            del self.postings[id_]

    def doubt(self, rule: RuleName, lines: _Some, postings: _Some, why: str) -> None:
        """Leave these to a person, and say why."""
        ids = tuple(one.id for one in lines), tuple(one.id for one in postings)
        self.found.doubts.append(Doubt(rule, *ids, why))


_Some = Sequence[Candidate]


def compare(lines: Iterable[Candidate], postings: Iterable[Candidate], rules: Rules) -> Found:
    """Apply the rules to what is open on both sides; the same input gives the same answer."""
    table = _Table(
        rules,
        {one.id: one for one in sorted(lines, key=_by_day)},
        {one.id: one for one in sorted(postings, key=_by_day)},
    )
    for rule in BY_STRICTNESS:
        if rule in rules.apply:
            _APPLY[rule](table)
    return table.found


def cancel_out(postings: Iterable[Candidate]) -> Found:
    """Find postings on suspense that have one reference and sum to zero."""
    found = Found()
    for reference, group in _by_reference(postings).items():
        if len(group) > 1 and not sum(one.amount for one in group):
            ids = tuple(one.id for one in group)
            evidence = {"reference": reference}
            found.proposals.append(Proposal(RuleName.CLEARED, (), ids, evidence))
    return found


def _reference_and_amount(table: _Table) -> None:
    """Match what has the same reference and amount; twins by their order, if both sides have as
    many, else those of the same day."""
    lines, postings = _by_key(table.lines.values()), _by_key(table.postings.values())
    for key, ours in lines.items():
        theirs = postings.get(key, [])
        if not theirs:
            continue
        if len(ours) != len(theirs):
            pairs = _of_one_day(ours, theirs)
        else:
            pairs = list(zip(ours, theirs, strict=True))
        for line, posting in pairs:
            table.take(
                RuleName.REFERENCE,
                [line],
                [posting],
                reference=line.reference,
                days_apart=(line.day - posting.day).days,
            )
        rest = [one for one in ours if one.id in table.lines]
        others = [one for one in theirs if one.id in table.postings]
        if rest and others:
            table.doubt(RuleName.REFERENCE, rest, others, "They have one reference and amount.")


def _of_one_day(lines: _Some, postings: _Some) -> list[tuple[Candidate, Candidate]]:
    days = Counter(one.day for one in lines), Counter(one.day for one in postings)
    sure = [day for day, count in days[0].items() if days[1][day] == count]
    return [
        pair
        for day in sure
        for pair in zip(
            [one for one in lines if one.day == day],
            [one for one in postings if one.day == day],
            strict=True,
        )
    ]


def _amount_in_window(table: _Table) -> None:
    """Match what has the same amount and lies near, where nothing else could be meant: first what
    is of the same day, then within the window."""
    for days in sorted({0, table.rules.window_days}):
        near = _near(table, days)
        meant: Counter[UUID] = Counter(one.id for some in near.values() for one in some)
        for id_, some in near.items():
            if len(some) == 1 and meant[some[0].id] == 1:
                line = table.lines[id_]
                table.take(RuleName.WINDOW, [line], some, days_apart=(line.day - some[0].day).days)
    for id_, some in _near(table, table.rules.window_days).items():
        if some:
            table.doubt(
                RuleName.WINDOW, [table.lines[id_]], some, "The amount fits more than one pair."
            )


def _near(table: _Table, days: int) -> dict[UUID, list[Candidate]]:
    """List for each line the postings of its amount within so many days."""
    spoken_for = _spoken_for(table)
    by_amount: dict[int, list[Candidate]] = defaultdict(list)
    for posting in table.postings.values():
        if posting.reference not in spoken_for:
            by_amount[posting.amount].append(posting)
    return {
        line.id: [
            one
            for one in by_amount.get(line.amount, ())
            if abs((one.day - line.day).days) <= days and _may_go(line, one, table.rules)
        ]
        for line in table.lines.values()
        if line.reference not in spoken_for
    }


def _spoken_for(table: _Table) -> frozenset[str]:
    """List references that both sides have: with another amount they are no coincidence."""
    ours = {one.reference for one in table.lines.values()}
    return frozenset(ours & {one.reference for one in table.postings.values()} - {""})


def _may_go(one: Candidate, other: Candidate, rules: Rules) -> bool:
    return rules.references_may_differ or not (one.reference and other.reference)


def _one_line_many_postings(table: _Table) -> None:
    _one_to_many(table, RuleName.ONE_TO_MANY, table.lines, table.postings, table.take, table.doubt)


def _many_lines_one_posting(table: _Table) -> None:
    def take(rule: RuleName, ones: _Some, many: _Some, **evidence: Any) -> None:
        table.take(rule, many, ones, **evidence)

    def doubt(rule: RuleName, ones: _Some, many: _Some, why: str) -> None:
        table.doubt(rule, many, ones, why)

    _one_to_many(table, RuleName.MANY_TO_ONE, table.postings, table.lines, take, doubt)


def _one_to_many(
    table: _Table,
    rule: RuleName,
    ones: Mapping[UUID, Candidate],
    many: Mapping[UUID, Candidate],
    take: Callable[..., None],
    doubt: Callable[..., None],
) -> None:
    """Find what sums to one item of the other side: by its reference, else by a bounded search."""
    parts = _by_reference(many.values())
    for reference, whole in _by_reference(ones.values()).items():
        named = parts.get(reference, [])
        if len(whole) == 1 < len(named) and whole[0].amount == sum(one.amount for one in named):
            take(rule, whole, named, reference=reference, parts=len(named))
    spoken_for = _spoken_for(table)
    free = [one for one in many.values() if one.reference not in spoken_for]
    answers = {
        one.id: _search(one, free, table.rules)
        for one in ones.values()
        if one.reference not in spoken_for
    }
    used = Counter(part.id for answer in answers.values() for part in answer.touched())
    for id_, answer in answers.items():
        parts_found = answer.only()
        if parts_found and all(used[part.id] == 1 for part in parts_found):
            take(rule, [ones[id_]], parts_found, parts=len(parts_found))
        elif answer.touched():
            doubt(rule, [ones[id_]], answer.touched(), "Parts may sum to it in several ways.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """The ways in which parts sum to an item: none, one, or at least two."""

    ways: tuple[tuple[Candidate, ...], ...]

    def only(self) -> tuple[Candidate, ...]:
        """Return the parts if there is one way; else none."""
        return self.ways[0] if len(self.ways) == 1 else ()

    def touched(self) -> list[Candidate]:
        """List every part of every way that was found."""
        return list({part.id: part for way in self.ways for part in way}.values())


def _search(whole: Candidate, free: _Some, rules: Rules) -> _Answer:
    near = [
        one
        for one in free
        if (one.amount > 0) == (whole.amount > 0)
        and abs(one.amount) < abs(whole.amount)
        and abs((one.day - whole.day).days) <= rules.window_days
    ]
    if len(near) > rules.candidates_max:
        return _Answer(())
    near.sort(key=lambda one: (-abs(one.amount), one.day, one.id))
    ways = subsets.summing_to(
        abs(whole.amount), [abs(one.amount) for one in near], parts_max=rules.parts_max
    )
    return _Answer(tuple(tuple(near[place] for place in way) for way in ways))


def _by_day(one: Candidate) -> tuple[date, UUID]:
    return one.day, one.id


def _by_key(some: Iterable[Candidate]) -> dict[tuple[str, int], list[Candidate]]:
    groups: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for one in some:
        if one.reference:
            groups[one.reference, one.amount].append(one)
    return groups


def _by_reference(some: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for one in some:
        if one.reference:
            groups[one.reference].append(one)
    return groups


_APPLY: Final[Mapping[RuleName, Callable[[_Table], None]]] = {
    RuleName.REFERENCE: _reference_and_amount,
    RuleName.WINDOW: _amount_in_window,
    RuleName.ONE_TO_MANY: _one_line_many_postings,
    RuleName.MANY_TO_ONE: _many_lines_one_posting,
}
