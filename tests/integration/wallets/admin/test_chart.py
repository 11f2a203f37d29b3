"""The curve of a balance tells what the wallet has seen, however young it is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.people import asks, fund
from wallets import staff_queries
from wallets.admin import chart as charts
from wallets.admin.chart import SPANS, Chart, Span
from wallets.identity import WalletIdentity
from wallets.operations.withdraw import withdraw

_USUAL = charts.MOVES_MAX


def drawn(wallet: WalletIdentity, span: Span) -> tuple[Chart, list[Any]]:
    facts = staff_queries.facts(wallet.id)
    assert facts is not None
    made = charts.chart(facts, span)
    assert made is not None
    data = msgspec.json.decode(made.data)
    assert len(data["labels"]) == len(data["datasets"][0]["data"])
    return made, data["datasets"][0]["data"]


@pytest.mark.parametrize("span", SPANS, ids=lambda span: span.name)
@pytest.mark.parametrize("most", [_USUAL, 3])
def test_a_wallet_of_some_minutes_shows_where_its_balance_was(
    monkeypatch: pytest.MonkeyPatch, alice: WalletIdentity, span: Span, most: int
) -> None:
    monkeypatch.setattr(charts, "MOVES_MAX", most)
    fund(alice, 100_00)
    withdraw(wallet=alice, request=asks(30_00, wallet=alice))
    fund(alice, 100_00)
    fund(alice, 100_00)

    made, points = drawn(alice, span)

    assert (points[0], points[-1]) == (0, 270)
    assert len(points) >= charts.STEPS_MIN
    assert "from 0.00\xa0USD to 270.00\xa0USD, lowest 0.00" in made.summary
    assert "highest 270.00" in made.summary
    assert "Balance since" in made.summary
    if most == _USUAL:
        moved = [one for at, one in enumerate(points) if at and one != points[at - 1]]
        assert moved == [100, 70, 170, 270]


def test_a_wallet_without_a_movement_has_no_curve(alice: WalletIdentity) -> None:
    facts = staff_queries.facts(alice.id)
    assert facts is not None
    assert charts.chart(facts, SPANS[0]) is None
