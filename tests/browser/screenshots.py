"""Draws the pictures of docs/screenshots: `make screenshots`.

Fills a service of its own with `seed_demo`, waits until consumers have read what happened, and
takes the main pages, light and dark.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser

from tests.browser.desk import Desk, chromium, secret_in
from tests.embedded.starting import REPOSITORY, Started, free_port, running

FOLDER: Final = REPOSITORY / "docs" / "screenshots"
SIZE: Final = {"width": 1440, "height": 900}
BYTES_MAX: Final = 150_000
_SETTLING_SECONDS: Final = 600
PAGES: Final = {
    "home": "/admin/",
    "wallets": "/admin/wallets/wallet/",
    "wallet": "wallet",
    "statement": "wallet/statement/",
    "explain": "wallet/explain/",
    "entries": "/admin/ledger/journalentry/",
    "entry": "entry",
    "accounts": "/admin/ledger/account/tree/",
    "trial-balance": "/admin/ledger/account/trial-balance/",
    "events": "/admin/events/outboxevent/",
    "alerts": "/admin/fraud/fraudalert/",
    "payouts": "/admin/wallets/payout/",
    "clients": "/admin/wallets/client/",
    "audit-log": "/admin/kit/auditrecord/",
}
"""Addresses, or what a row is a page of: a wallet with a past, the entry of a movement of it."""

_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR")


def manage(started: Started, *words: str) -> str:
    """Run a command with the service's settings and data."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        | {
            "WALLET_HOME": str(started.home),
            "SECRET_KEY": (started.home / "secret-key").read_text().strip(),
            "LOG_LEVEL": "WARNING",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def settle(started: Started) -> None:
    """Wait until all events have left and no consumer is behind."""
    waiting = (
        "from events.models import ConsumedEvent, OutboxEvent, OutboxStatus;"
        "print(OutboxEvent.objects.filter(status=OutboxStatus.PENDING).count(),"
        " ConsumedEvent.objects.count())"
    )
    deadline, before = time.monotonic() + _SETTLING_SECONDS, ""
    while time.monotonic() < deadline:
        found = manage(started, "shell", "--no-imports", "-c", waiting).strip()
        if found.startswith("0 ") and found == before:
            return
        before = found
        time.sleep(5)
    sys.stderr.write("Not everything was read in time; the pictures show what was.\n")


def addresses(desk: Desk) -> Iterator[tuple[str, str]]:
    """Name the pages that there are; say which are left out."""
    desk.search("wallets/wallet", "customer-0002")
    wallet = str(desk.page.get_attribute("#result_list tbody th a", "href")).partition("?")[0]
    root = re.sub("change/$", "", wallet)
    desk.go(wallet)
    link = desk.page.locator("a[href*='/ledger/journalentry/'][href*='/change/']")
    entry = str(link.first.get_attribute("href")) if link.count() else ""
    for name, place in PAGES.items():
        address = place
        if place.startswith("wallet"):
            address = wallet if place == "wallet" else root + place.removeprefix("wallet/")
        elif place == "entry":
            address = entry
        if address and desk.go(address) == 200:
            yield name, address
        else:
            sys.stderr.write(f"no such page: {name}\n")


def small(picture: bytes) -> bytes:
    """Make a picture small: a palette is enough for pages, fewer colours where it is not."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (256, 128, 64, 32):
        kept = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        if kept.tell() <= BYTES_MAX:
            break
    return kept.getvalue()


def draw(browser: Browser, started: Started, folder: Path) -> int:
    """Take every page, light and dark; return how many pictures there are."""
    notes = dict(
        line.split("=", 1)
        for line in (started.home / "demo.env").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    door = Desk.open(browser, started.base)
    door.sign_in(
        notes["DEMO_ADMIN_USER"].strip("'\""),
        notes["DEMO_ADMIN_PASSWORD"].strip("'\""),
        secret_in(notes),
    )
    cookies: Any = door.context.storage_state()
    places = list(addresses(door))
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        desk = Desk.open(
            browser, started.base, storage_state=cookies, viewport=SIZE, color_scheme=theme
        )
        # The theme that somebody chose is kept by the browser, as text in JSON.
        desk.context.add_init_script(f"localStorage.setItem('_x_adminTheme', '\"{theme}\"')")
        for name, address in places:
            desk.go(address)
            desk.page.wait_for_load_state("load")
            desk.page.wait_for_timeout(700)  # charts draw themselves
            (folder / f"{name}-{theme}.png").write_bytes(small(desk.page.screenshot()))
        sys.stderr.write(f"{theme}: {', '.join(desk.complaints) or 'no complaints'}\n")
        desk.context.close()
    return 2 * len(places)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, fill, wait, draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--days", default="365")
    parser.add_argument("--wallets", default="200")
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="wallet-pictures-") as home,
        running(Path(home), free_port()) as started,
        chromium() as browser,
    ):
        size = ("--days", asked.days, "--wallets", asked.wallets)
        manage(started, "seed_demo", "--this-is-no-production", *size)
        settle(started)
        count = draw(browser, started, asked.folder)
    sys.stderr.write(f"{count} pictures in {asked.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
