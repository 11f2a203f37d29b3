"""What a customer is told of which event, by a table; and that every kind has its words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from events import contracts
from events.consumers.notifications import choosing, sender
from events.consumers.notifications.choosing import Told
from events.consumers.notifications.models import Contact, Kind, Notification
from events.errors import Undecodable
from wallet_project.kit.ids import uuid7

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
EVERYTHING = list(Kind.values)
IN, OUT, LOW, LARGE = Kind.MONEY_IN, Kind.MONEY_OUT, Kind.LOW_BALANCE, Kind.LARGE_WITHDRAWAL


def contact(
    kinds: list[str], *, low_balance: int | None = None, large_withdrawal: int | None = None
) -> Contact:
    return Contact(
        wallet=uuid7(), kinds=kinds, low_balance=low_balance, large_withdrawal=large_withdrawal
    )


@pytest.mark.parametrize(
    ("type_", "amount", "balance", "asked", "told"),
    [
        (contracts.DEPOSITED, "5.00", "5.00", EVERYTHING, [IN]),
        (contracts.TRANSFER_RECEIVED, "5.00", "5.00", EVERYTHING, [IN]),
        (contracts.TRANSFER_SENT, "5.00", "90.00", EVERYTHING, [OUT]),
        (contracts.WITHDRAWN, "5.00", "90.00", EVERYTHING, [OUT]),
        (contracts.WITHDRAWN, "50.00", "90.00", EVERYTHING, [LARGE]),
        (contracts.WITHDRAWN, "50.00", "90.00", [OUT], [OUT]),
        (contracts.CAPTURED, "50.00", "90.00", EVERYTHING, [LARGE]),
        (contracts.CAPTURED, "5.00", "90.00", EVERYTHING, [OUT]),
        (contracts.WITHDRAWN, "49.99", "90.00", [LARGE], []),
        (contracts.TRANSFER_SENT, "50.00", "90.00", EVERYTHING, [OUT]),
        (contracts.WITHDRAWN, "5.00", "9.99", EVERYTHING, [OUT, LOW]),
        (contracts.WITHDRAWN, "5.00", "10.00", EVERYTHING, [OUT]),
        (contracts.TRANSFER_SENT, "5.00", "5.00", [LOW], [LOW]),
        (contracts.WITHDRAWN, "1.00", "8.99", [LOW], []),
        (contracts.WITHDRAWN, "20.00", "-5.00", [LOW], [LOW]),
        (contracts.DEPOSITED, "5.00", "5.00", [LOW, OUT], []),
        (contracts.FROZEN, None, "5.00", EVERYTHING, [Kind.FROZEN]),
        (contracts.PAYOUT_DELAYED, "5.00", None, EVERYTHING, [Kind.PAYOUT_DELAYED]),
        (contracts.PAYOUT_REFUSED, "5.00", None, EVERYTHING, [Kind.PAYOUT_REFUSED]),
        (contracts.DEPOSITED, "5.00", "5.00", [], []),
    ],
)
def test_what_is_told(
    type_: str, amount: str | None, balance: str | None, asked: list[str], told: list[Kind]
) -> None:
    event = Told(currency="USD", occurred_at="x", amount=amount, balance=balance)
    alice = contact(asked, low_balance=10_00, large_withdrawal=50_00)
    assert choosing.kinds_of(type_, event, alice) == told


def test_without_thresholds_nothing_is_low_or_large() -> None:
    event = Told(currency="USD", occurred_at="x", amount="500.00", balance="0.00")
    assert choosing.kinds_of(contracts.WITHDRAWN, event, contact(EVERYTHING)) == [OUT]


def test_what_says_neither_currency_nor_time_cannot_be_told() -> None:
    for value in (b"{}", b"not json", b'{"currency": "USD"}', b"\xff"):
        with pytest.raises(Undecodable):
            choosing.read(value)


@pytest.mark.parametrize("kind", Kind.values)
def test_every_kind_has_a_subject_a_text_and_a_page(kind: str) -> None:
    message = sender.message_of(
        Notification(
            pk=7,
            kind=kind,
            wallet=uuid7(),
            channel="mail",
            created_at=NOON,
            numbers={
                "amount": "12.50",
                "balance": "7.25",
                "currency": "<b>",
                "occurredAt": "2026-01-15T12:00:00.000000Z",
                "nextAttemptAt": None,
            },
        )
    )
    assert message.subject
    assert "\n" not in message.subject
    assert str(message.wallet) in message.text
    assert message.text.partition("\n")[0] != message.subject
    for page in (message.text, message.html):
        assert "12.50" in page or "7.25" in page
        assert "{" not in page.replace("{ ", "")
    assert "<b>" in message.text
    assert "<b>" not in message.html
