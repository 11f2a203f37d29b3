"""What a page may load and run, told by a header on every answer."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import staff
from tests.http import Api

STRICT = {"default-src": "'none'", "frame-ancestors": "'none'"}


def policy(header: str) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in header.split(";"))
    return {name: words for name, _, words in pairs}


def of(browser: Client, path: str) -> dict[str, str]:
    return policy(browser.get(path).headers["Content-Security-Policy"])


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/admin/auth/user/", "/admin/auth/user/add/",
             "/admin/security/", "/admin/password_change/", "/admin/wallets/wallet/"],
)  # fmt: skip
def test_the_admin_runs_our_scripts_only_and_none_in_the_page(alice: User, path: str) -> None:
    browser = staff.sign_in(alice)
    page = browser.get(path, follow=True)
    told = policy(page.headers["Content-Security-Policy"])
    assert told["default-src"] == "'none'"
    assert told["script-src"] == "'self' 'unsafe-eval'"
    assert told["frame-ancestors"] == "'none'"
    text = page.content.decode()
    scripts = re.findall(r"<script([^>]*)>", text)
    assert scripts
    for script in scripts:
        assert "src=" in script or 'type="application/json"' in script, script
    assert not re.search(r"<[^>]+\son[a-z]+=\"", text), "a handler in the page"
    assert "javascript:" not in text
    assert not re.search(r'(?:src|href)="https?://(?!testserver)', text.replace("unfoldadmin", ""))


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/static/unfold/css/styles.css"])
def test_everything_else_loads_nothing(database: None, path: str) -> None:
    assert of(Client(), path) == STRICT


def test_both_bindings_of_the_api_say_the_same(database: None) -> None:
    answer = Api().get("/wallets/00000000-0000-7000-8000-000000000000")
    assert policy(answer.headers["content-security-policy"]) == STRICT
    assert of(Client(), "/api/v1/nothing") == STRICT


def test_pages_with_their_own_policy_keep_it(alice: User) -> None:
    assert of(Client(), "/api/docs/")["script-src"] == "'self'"
    assert "script-src" not in of(Client(), "/")
    assert "script-src" not in of(staff.sign_in(alice), "/admin/nothing/")  # an error page


def test_a_form_without_our_token_is_refused_on_a_page_with_the_request_id(alice: User) -> None:
    browser = staff.sign_in(alice, csrf=True)
    page = browser.post("/admin/security/", {"code": "1"}, headers={"X-Request-ID": "mine-7"})
    assert page.status_code == 403
    assert b"mine-7" in page.content
