"""Who calls, told by the connection, or by our own edge and nobody before it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from wallet_project.kit.callers import address_of, caller_of

FORGED = {"x-forwarded-for": "203.0.113.1, 192.0.2.7"}


@pytest.mark.parametrize(("behind", "caller"), [(True, "192.0.2.7"), (False, "10.0.0.1")])
def test_only_an_edge_of_ours_is_believed_and_only_its_own_word(
    settings: Any, behind: bool, caller: str
) -> None:
    settings.BEHIND_EDGE = behind
    assert caller_of("10.0.0.1", FORGED) == caller
    assert caller_of("10.0.0.1", {}) == "10.0.0.1"


@pytest.mark.parametrize(
    ("told", "kept"),
    [("192.0.2.7", "192.0.2.7"), ("2001:DB8::1", "2001:db8::1"), ("", None), ("unix:", None)],
)
def test_what_is_no_address_is_kept_as_none(told: str, kept: str | None) -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=told)) == kept
