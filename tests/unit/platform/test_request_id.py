"""Every answer carries a request id: the caller's if it is harmless, else ours."""

from __future__ import annotations

import uuid

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from wallet_project.kit import logs
from wallet_project.kit.request_id import RequestIdMiddleware, choose_request_id


@pytest.mark.parametrize("offered", ["a", "A-b_c.9", "x" * 64])
def test_a_harmless_id_is_kept(offered: str) -> None:
    assert choose_request_id(offered) == offered


@pytest.mark.parametrize(
    "offered", [None, "", "x" * 65, "a b", "a\n", "a\r\nX: y", "ä", "a/b", "<a>", "٣"]
)
def test_any_other_is_replaced_by_ours(offered: str | None) -> None:
    assert uuid.UUID(choose_request_id(offered)).version == 7


def test_view_logs_and_answer_share_the_id() -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.extend([request.request_id, logs.request_id.get()])  # type: ignore[attr-defined]
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-ID": "mine-1"})
    answer = RequestIdMiddleware(view)(request)
    assert [*seen, answer.headers["X-Request-ID"]] == ["mine-1"] * 3
    assert logs.request_id.get() == ""


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/", "localhost", 200), ("/no", "localhost", 404), ("/", "evil", 400)],
)
def test_errors_carry_it_too(path: str, host: str, status: int) -> None:
    answer = Client().get(path, headers={"X-Request-ID": "mine-2", "host": host})
    assert answer.status_code == status
    assert answer.headers["X-Request-ID"] == "mine-2"
    if status != 200:
        assert b"<code>mine-2</code>" in answer.content
