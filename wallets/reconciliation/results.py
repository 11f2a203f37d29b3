"""What a run came to, in figures that add up. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from wallets.reconciliation.models import RuleName
from wallets.reconciliation.queries import Sheet
from wallets.reconciliation.rules import Doubt, Proposal

DOUBTS_LISTED: Final = 200


def matched(
    proposals: Mapping[str, Sequence[Proposal]], sheets: Mapping[str, Sheet]
) -> dict[str, Any]:
    """Sum matches by rule and currency; amounts in minor units as texts."""
    told: dict[str, Any] = {}
    for rule in RuleName:
        by_currency: dict[str, Any] = {}
        for currency, found in sorted(proposals.items()):
            of_rule = [one for one in found if one.rule == rule]
            if not of_rule:
                continue
            sheet = sheets[currency]
            amounts = {one.id: one.amount for one in (*sheet.lines, *sheet.postings)}
            by_currency[currency] = {
                "matches": len(of_rule),
                "lines": sum(len(one.lines) for one in of_rule),
                "postings": sum(len(one.postings) for one in of_rule),
                "amount": str(sum(amounts[id_] for one in of_rule for id_ in one.lines)),
            }
        if by_currency:
            told[rule.value] = by_currency
    return told


def left(
    proposals: Mapping[str, Sequence[Proposal]], sheets: Mapping[str, Sheet]
) -> dict[str, Any]:
    """Sum what has no counterpart by currency: how far bank and books are apart."""
    told: dict[str, Any] = {}
    for currency, sheet in sorted(sheets.items()):
        gone = {id_ for one in proposals.get(currency, ()) for id_ in (*one.lines, *one.postings)}
        lines = [one.amount for one in sheet.lines if one.id not in gone]
        postings = [one.amount for one in sheet.postings if one.id not in gone]
        told[currency] = {
            "lines": len(lines),
            "lines_sum": str(sum(lines)),
            "postings": len(postings),
            "postings_sum": str(sum(postings)),
            "difference": str(sum(lines) - sum(postings)),
        }
    return told


def count_left(told: Mapping[str, Mapping[str, Any]]) -> int:
    """Count what has no counterpart, both sides and all currencies."""
    return sum(one["lines"] + one["postings"] for one in told.values())


def doubts(found: Iterable[tuple[str, Doubt]]) -> list[dict[str, Any]]:
    """List what the rules hesitate about, each item under its first doubt only."""
    told: list[dict[str, Any]] = []
    seen: dict[str, set[Any]] = defaultdict(set)
    for currency, doubt in found:
        ids = {*doubt.lines, *doubt.postings}
        if ids <= seen[currency] or len(told) == DOUBTS_LISTED:
            continue
        seen[currency] |= ids
        told.append(
            {
                "rule": doubt.rule.value,
                "currency": currency,
                "why": doubt.why,
                "lines": [str(id_) for id_ in doubt.lines],
                "postings": [str(id_) for id_ in doubt.postings],
            }
        )
    return told
