"""The primary goes away while webhooks are sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from events.consumers.webhooks import claims
from events.consumers.webhooks.rules import Rules
from tests.people import Company, fund
from tests.receiver import receiver
from tests.webhooks import delivering, endpoint_of, eventually, fan_out, log, statuses
from wallets.identity import WalletIdentity


@pytest.mark.parametrize("step", ["claim", "settle"])
def test_what_has_been_sent_is_written_down_when_it_is_back(
    client_acme: Company,
    alice: WalletIdentity,
    rules: Rules,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    real, tries = getattr(claims, step), []

    def away_at_first(*words: Any, **named: Any) -> Any:
        tries.append(step)
        if len(tries) < 3:
            raise OperationalError(2013, "Lost connection to server during query")
        return real(*words, **named)

    with receiver() as hook:
        endpoint_of(client_acme, hook.url)
        for _ in range(3):
            fund(alice, 100)
        fan_out()
        monkeypatch.setattr(claims, step, away_at_first)
        with delivering(rules):
            eventually(lambda: set(statuses()) == {"SUCCEEDED"})
        assert len(hook.calls) == len(set(hook.ids)) == 3
    assert log() == [(1, 200, "")] * 3
    assert len(tries) >= 3
