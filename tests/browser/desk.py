"""A member of staff at a browser: signing in by every step, and what the browser complains of."""

from __future__ import annotations

import base64
import hmac
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy.stack import packages

_STEP_SECONDS: Final = 30
# Tests run as root in containers, where Chromium's own sandbox cannot be built.
_ARGUMENTS: Final = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
PATIENCE_MS: Final = 60_000
"""How long a page may take on a machine that does other things as well."""


def code(secret: str, *, at: float | None = None) -> str:
    """Tell what an authenticator shows: RFC 6238, six digits, thirty seconds, SHA-1."""
    padded = secret.replace(" ", "").upper() + "=" * (-len(secret.replace(" ", "")) % 8)
    counter = struct.pack(">Q", int(time.time() if at is None else at) // _STEP_SECONDS)
    digest = hmac.digest(base64.b32decode(padded), counter, "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def secret_in(notes: Mapping[str, str]) -> str:
    """Find the secret of the demo's authenticator in what the first start noted; empty: none."""
    return notes.get("DEMO_ADMIN_SECRET", "")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium; `python -m deploy.stack install --only browser` installs it."""
    program = packages.find_chromium()
    assert program, "There is no Chromium: python -m deploy.stack install --only browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Desk:
    """A browser window of somebody, and everything it has complained of."""

    base: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    secret: str = ""
    """Of the authenticator; learnt at enrolment where it is not known before."""

    @classmethod
    def open(cls, browser: Browser, base: str, **settings: Any) -> Desk:
        """Open a window that nobody is signed in at."""
        context = browser.new_context(base_url=base, **settings)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        desk = cls(base, context, page)
        page.on("console", lambda line: desk._note(line.type, line.text))
        page.on("pageerror", lambda error: desk.complaints.append(f"script: {error}"))
        page.on("response", lambda answer: desk._look_at(answer.status, answer.url))
        return desk

    def _note(self, kind: str, text: str) -> None:
        # What a page answers is judged by the test that asks for it.
        if kind == "error" and not text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {text}")

    def _look_at(self, status: int, url: str) -> None:
        if status >= 400 and "/static/" in url:
            self.complaints.append(f"{status}: {url}")

    def go(self, path: str) -> int:
        """Open a page; return the status of the answer."""
        answer = self.page.goto(path)
        assert answer is not None
        return answer.status

    def sign_in(self, name: str, password: str, secret: str = "") -> None:
        """Pass every step of the login: password, then the authenticator, or its enrolment."""
        self.secret = secret or self.secret
        self.go("/admin/")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_load_state()
        self._pass_second_step()
        assert "/admin/login" not in self.page.url, self.page.inner_text("body")

    def _pass_second_step(self) -> None:
        asked = self.page.locator("input[name=code]")
        if not asked.count():
            return
        is_new = "/enrol" in self.page.url
        if is_new:
            self.secret = self.page.inner_text("code").strip()
        self._type_code(code(self.secret))
        if asked.count() and "/enrol" not in self.page.url:
            # A code is good once, and somebody may have used the one of now: take the next.
            wait = _STEP_SECONDS - time.time() % _STEP_SECONDS
            self.page.wait_for_timeout(wait * 1000 + 500)
            self._type_code(code(self.secret))
        if is_new:
            self.page.click("text=I have kept them")
            self.page.wait_for_load_state()

    def _type_code(self, digits: str) -> None:
        self.page.fill("input[name=code]", digits)
        self.page.press("input[name=code]", "Enter")
        self.page.wait_for_load_state()

    def search(self, listed: str, term: str) -> None:
        """Look for something in a list, as people do: by the keyboard."""
        self.go(f"/admin/{listed}/")
        self.page.focus("#searchbar")
        self.page.keyboard.type(term)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**q=**")

    def text(self) -> str:
        """Return what can be read on the page."""
        return self.page.inner_text("body")
