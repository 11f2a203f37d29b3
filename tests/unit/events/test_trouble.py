"""How an outage is told, and how patiently it is waited for."""

from __future__ import annotations

import logging

import pytest

from events import trouble as trouble_module
from events.errors import BrokerUnavailable
from events.trouble import Trouble
from wallet_project.kit.retry_metrics import KAFKA_PUBLISH

logger = logging.getLogger("events.relay")


@pytest.fixture
def trouble() -> Trouble:
    return Trouble(logger, "relay", "publish_events")


def test_trouble_is_logged_once_and_its_end_once(
    trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="events.relay"):
        for _ in range(5):
            trouble.with_(KAFKA_PUBLISH, BrokerUnavailable("gone"))
        trouble.over()
        trouble.over()

    assert [entry.message for entry in caplog.records] == ["relay.interrupted", "relay.resumed"]


def test_waits_grow_and_stay_below_five_seconds(trouble: Trouble) -> None:
    waits = [trouble.with_(KAFKA_PUBLISH, BrokerUnavailable("gone")) for _ in range(20)]

    assert 0.5 <= waits[0] <= trouble_module.BACK_OFF_SECONDS
    assert max(waits) <= trouble_module.BACK_OFF_SECONDS_MAX
    assert min(waits[5:]) >= trouble_module.BACK_OFF_SECONDS_MAX / 2
