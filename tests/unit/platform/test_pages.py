"""Pages for people: the front page and the ones nobody wants to see."""

from __future__ import annotations

import re

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from wallet_project import landing


def test_the_front_page_leads_everywhere() -> None:
    answer = Client(headers={"host": "localhost"}).get("/")
    assert answer.status_code == 200
    links = set(re.findall(r'href="(/[^"]*)"', answer.content.decode()))
    assert {"/api/docs/", "/api/redoc/", "/api/schema/", "/admin/", "/health/ready"} <= links


def _request() -> HttpRequest:
    request = RequestFactory().get("/x")
    request.request_id = "mine-3"  # type: ignore[attr-defined]
    return request


@pytest.mark.parametrize(
    ("page", "status"),
    [
        (landing.bad_request, 400),
        (landing.forbidden, 403),
        (landing.not_found, 404),
        (landing.server_error, 500),
    ],
)
def test_error_pages_say_what_and_under_which_id(page: landing.ErrorPage, status: int) -> None:
    answer = page(_request())
    assert answer.status_code == status
    assert f'<p class="status">{status}</p>' in answer.content.decode()
    assert b"mine-3" in answer.content


def test_pages_load_nothing_and_run_nothing() -> None:
    pages = [landing.landing(_request()), landing.not_found(_request())]
    for page in pages:
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        text = page.content.decode()
        assert "<script" not in text
        assert not re.search(r'(src|href)="https?:', text)
        assert text.count("<style>") == 1


def test_admin_without_its_slash_leads_there() -> None:
    answer = Client(headers={"host": "localhost"}).get("/admin")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
