"""What the documents name must be there, and what callers use must be in the documents."""

from __future__ import annotations

import re
from pathlib import Path

from django.core.management import get_commands
from django.urls import URLResolver, get_resolver

from events import contracts
from tests.architecture.source import APPS, ROOT, Breach, Source, report, sample
from wallets.models import Scope

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VERB = re.compile(r"(?:^|`|[A-Z]=\S+ )make ([a-z][a-z0-9-]*)", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)


def broken_links(documents: list[Source]) -> list[Breach]:
    """Find links to files and headings that do not exist."""
    found = []
    for document in documents:
        for number, line in enumerate(document.text.splitlines(), start=1):
            for link in _LINK.findall(line):
                if not link.startswith(("http:", "https:")) and not _leads(document, link):
                    found.append(Breach(document.path, number, f"leads to {link}"))
    return found


def unknown_verbs(documents: list[Source], makefile: str) -> list[Breach]:
    """Find verbs of make, in code, that the Makefile does not have."""
    verbs = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    return [
        Breach(document.path, 1, f"names `make {verb}`")
        for document in documents
        for code in _CODE.findall(document.text)
        for verb in _VERB.findall(code)
        if verb not in verbs
    ]


def _leads(document: Source, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (ROOT / document.path).parent / path if path else ROOT / document.path
    if not path:
        return heading in _headings(document.text)
    if not target.exists():
        return False
    return not heading or heading in _headings(target.read_text(encoding="utf-8"))


def _headings(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def _documents() -> list[Source]:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [Source(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in paths]


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _routes() -> set[str]:
    """List the paths of the API as the documents write them: below its base, or whole."""
    found = set()
    for base, shown in (("api/v1/", "/"), ("v1/wallet/", "/v1/wallet/")):
        api = next(p for p in get_resolver().url_patterns if str(p.pattern) == base)
        assert isinstance(api, URLResolver)
        found |= {shown + str(pattern.pattern) for pattern in api.url_patterns}
    return {re.sub(r"<str:(name)>|<str:\w+>", _as_written, route) for route in found}


def _as_written(parameter: re.Match[str]) -> str:
    return "{" + (parameter.group(1) or "id") + "}"


def test_every_link_leads_somewhere() -> None:
    """A reader who meets a dead link trusts the next one less."""
    breaches = broken_links(_documents())
    assert not breaches, report(breaches)


def test_every_verb_exists() -> None:
    """Commands are copied, not read."""
    breaches = unknown_verbs(_documents(), _read("Makefile"))
    assert not breaches, report(breaches)


def test_the_readme_starts_with_run_and_test() -> None:
    """The first thing people look for is how to see it work."""
    first = _CODE.findall(_read("README.md"))[0]
    assert _VERB.findall(first) == ["run", "test"]


def test_every_route_is_described_for_callers() -> None:
    """A route that nobody describes is one that nobody may change either."""
    page = _read("docs/api.md")
    described = {re.sub(r"\?.*", "", path) for path in re.findall(r"`[A-Z]+ (/[^`]+)`", page)}
    assert described == _routes()


def test_every_event_is_described_for_readers() -> None:
    page = _read("docs/api.md")
    assert [name for name in contracts.TYPES if f"`{name}`" not in page] == []


def test_every_scope_in_use_is_described() -> None:
    """Whoever makes a key has to know what to give it."""
    api = (ROOT / "wallets" / "api").rglob("views.py")
    views = "".join(path.read_text(encoding="utf-8") for path in api)
    used = {scope.value for scope in Scope if f"Scope.{scope.name}" in views}
    assert set(re.findall(r"^\| `([a-z]+:[a-z]+)` \|", _read("docs/api.md"), re.MULTILINE)) == used


def test_every_command_is_described_for_operators() -> None:
    """A command that is not in the runbook is not found at night."""
    own = {name for name, app in get_commands().items() if app.split(".")[0] in APPS}
    page = _read("docs/operations.md")
    assert own
    assert [name for name in sorted(own) if f"`{name}" not in page] == []


def test_every_setting_described_exists() -> None:
    """A setting that is read by nobody is worse than none: it is believed."""
    known = set(re.findall(r"^#?([A-Z_]+)=", _read(".env.example"), re.MULTILINE))
    table = _read("docs/operations.md").partition("## Settings")[2].partition("## Deploying")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z_]{3,})`", row)}
    assert len(named) > 10
    assert named - known == set()


def test_every_decision_is_in_the_index_and_has_its_parts() -> None:
    """A decision without the rejected options is an order, and one without a check is a wish."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    assert pages == re.findall(r"\((0\d{3}-[a-z0-9-]+\.md)\)", _read("docs/decisions/README.md"))
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    parts = ["Context", "Decision", "Consequences", "Rejected", "Kept true by"]
    for name in pages:
        assert re.findall(r"^## (.+)$", (folder / name).read_text(encoding="utf-8"), re.M) == parts


def test_files_that_documents_name_exist() -> None:
    """A path in backticks is a promise as well."""
    tops = tuple(path.name + "/" for path in ROOT.iterdir() if path.is_dir())
    missing = [
        f"{document.path}: {name}"
        for document in _documents()
        for name in re.findall(r"`([\w./-]+/[\w./-]*)`", document.text)
        if name.startswith(tops) and not name.startswith(("var/", "htmlcov/"))
        if not Path(ROOT, name).exists()
    ]
    assert missing == []


def test_the_rules_bite() -> None:
    page = sample("# A page\n[x](nowhere.md) [y](#a-page) [z](#b) `make cake` make sense", "x.md")
    assert [breach.what for breach in broken_links([page])] == [
        "leads to nowhere.md",
        "leads to #b",
    ]
    assert [b.what for b in unknown_verbs([page], "run: x\n")] == ["names `make cake`"]
    assert not broken_links([sample("[x](README.md) [y](https://example.org)", "x.md")])
