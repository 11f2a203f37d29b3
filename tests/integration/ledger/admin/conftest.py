"""Carol of the finance desk, and what she reads."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import staff


@pytest.fixture
def carol(database: None) -> Client:
    """Carol's browser: she may look at the books and at nothing else."""
    return staff.member(
        "carol", "ledger.view_account", "ledger.view_journalentry", "ledger.view_posting"
    )
