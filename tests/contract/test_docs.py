"""The pages for people, and the document for machines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

from tests.contract.test_http import ROUTES
from tests.http import Api, Reply
from wallets.api import problems
from wallets.api.short.failures import is_short_path

pytestmark = pytest.mark.usefixtures("database")


def page(path: str, **headers: str) -> Reply:
    return Api().get(path, from_root=True, headers=headers)


def test_the_committed_document_is_the_current_one(tmp_path: Path) -> None:
    """If this fails: `make schema`, and look at what changed for callers."""
    written = tmp_path / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", file=str(written))
    committed = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
    assert committed.read_text() == written.read_text()


def test_the_document_in_both_formats() -> None:
    as_yaml = page("/api/schema/")
    as_json = page("/api/schema/?format=json")
    assert yaml.safe_load(as_yaml.body) == json.loads(as_json.body)
    assert "yaml" in as_yaml.headers["content-type"] or "openapi" in as_yaml.headers["content-type"]
    assert page("/api/schema/", Accept="application/json").json["openapi"].startswith("3.1")
    assert page("/api/schema/", Accept="image/png").status == 200


def test_the_document_has_every_route_with_its_errors() -> None:
    document = page("/api/schema/?format=json").json
    told = {
        (re.sub(r"\{.*?\}", "*", path), method.upper())
        for path, methods in document["paths"].items()
        for method in methods
    }
    for route, allowed in ROUTES.items():
        path = "/api/v1" + re.sub(r"/(alice|x)\b", "/*", route)
        for method in set(allowed.split(", ")) - {"HEAD", "OPTIONS"}:
            assert (path, method) in told
    for path, methods in document["paths"].items():
        for described in methods.values():
            assert described["security"] == [{"bearer": []}, {"apiKey": []}]
            for status, answer in described["responses"].items():
                assert {"X-RateLimit-Remaining", "RateLimit"} <= set(answer["headers"])
                if status >= "400" and is_short_path(path):
                    error = answer["content"]["application/json"]
                    assert error["schema"]["$ref"].endswith("/ShortError")
                    example = next(iter(error["examples"].values()))["value"]
                    assert example["statusCode"] == int(status)
                elif status >= "400":
                    problem = answer["content"]["application/problem+json"]
                    assert problem["schema"]["$ref"].endswith("/Problem")
                    example = next(iter(problem["examples"].values()))["value"]
                    assert example["status"] == int(status)
                    assert example["code"] in problems.catalogue()
            assert {"401", "403", "429", "503"} <= set(described["responses"])


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/"])
def test_the_tools_load_nothing_from_elsewhere_and_run_no_inline_script(path: str) -> None:
    reply = page(path, Accept="text/html")
    text = reply.body.decode()
    assert reply.status == 200
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(source.startswith("/") for source in sources)
    for source in sources:
        if source.startswith("/static/"):
            assert finders.find(source.removeprefix("/static/")), source
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "<style" not in text


def test_the_script_that_starts_swagger() -> None:
    script = page("/api/docs/?script=")
    assert script.headers["content-type"].startswith("application/javascript")
    assert b"/api/schema/" in script.body


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/docs",
        "/swagger",
        "/swagger/index.html",
        "/q/swagger-ui/",
        "/q/swagger-ui",
        "/q/dev/",
        "/q/dev",
    ],
)
def test_habits_lead_to_the_documentation(path: str) -> None:
    reply = page(path)
    assert (reply.status, reply.headers["location"]) == (302, "/api/docs/")


def test_every_problem_has_its_page() -> None:
    index = page("/problems").body.decode()
    for code, explained in problems.catalogue().items():
        reply = page(f"/problems/{code}")
        assert reply.status == 200
        assert reply.headers["content-type"].startswith("text/html")
        assert f'href="/problems/{code}"' in index
        assert explained.title.replace("'", "&#x27;") in reply.body.decode()
    assert page("/problems/nothing").status == 404
