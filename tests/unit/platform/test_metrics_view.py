"""/metrics exists for its own network only."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client, RequestFactory

from wallet_project.metrics_view import may_read


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.1", False), ("", False)],
)
def test_only_the_machine_itself_may_read(peer: str, allowed: bool) -> None:
    assert may_read(RequestFactory().get("/metrics", REMOTE_ADDR=peer)) is allowed


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_speaks_for_others(header: str) -> None:
    request = RequestFactory().get("/metrics", headers={header: "127.0.0.1"})
    assert not may_read(request)


def test_networks_are_a_setting(settings: LazySettings) -> None:
    settings.METRICS_NETWORKS = ["172.28.0.10/32"]
    assert may_read(RequestFactory().get("/metrics", REMOTE_ADDR="172.28.0.10"))
    assert not may_read(RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1"))


def test_the_page_holds_the_money_counters_and_to_strangers_it_is_not_there() -> None:
    page = Client(headers={"host": "localhost"}).get("/metrics")
    assert page.status_code == 200
    for name in ("wallet_operations_total", "wallet_operation_duration_seconds"):
        assert name in page.content.decode()
    stranger = Client(headers={"host": "localhost"}, REMOTE_ADDR="10.0.0.1")
    assert stranger.get("/metrics").status_code == 404
