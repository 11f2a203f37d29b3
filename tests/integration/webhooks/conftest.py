"""Rules that let receivers be on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from events.consumers.webhooks.rules import Rules
from tests.webhooks import local_rules


@pytest.fixture(autouse=True)
def rules(database: None, settings: Any) -> Rules:
    """Let receivers listen on loopback."""
    settings.WEBHOOKS = local_rules()
    found: Rules = settings.WEBHOOKS
    return found
