"""Carol keeps the books; Alice and Bob have money."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import staff


@pytest.fixture
def carol(database: None) -> Client:
    """Carol of the finance desk, who may see and do everything."""
    return staff.superuser("carol")
