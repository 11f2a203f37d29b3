"""From withdrawals over HTTP to a frozen wallet and back, through every real part."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from deploy.starter.code import code_of
from tests import databases
from tests.e2e.services import Service, full_process
from tests.embedded import starting
from tests.http import Api, Live

pytestmark = pytest.mark.full_stack

SET_RULE = """
from events.consumers.fraud.models import FraudRule
FraudRule.objects.filter(rule="RAPID_WITHDRAWALS").update(
    action="FREEZE", thresholds={"withdrawals": 4, "window_seconds": 60}
)
"""


@dataclass(frozen=True)
class Office:
    """The service, and the folder that mails are put into."""

    service: Service
    mails: Path
    home: Path

    def mailed(self) -> str:
        """Read all mails that have gone out."""
        return "".join(file.read_text() for file in self.mails.glob("*.log"))


@pytest.fixture(scope="module")
def office(django_db_setup: None, django_db_blocker: Any) -> Iterator[Office]:
    """The full service, on a database and topics of its own."""
    database = f"{databases.TEST_DATABASE}_fraud"
    with django_db_blocker.unblock():
        databases.make_empty_database(database)
    with tempfile.TemporaryDirectory(prefix="wallet-fraud-") as home:
        mails = Path(home) / "mail"
        environment = databases.environment(database) | {
            "WALLET_HOME": home,
            "PORT": str(starting.free_port()),
            "KAFKA_TOPIC_PREFIX": f"{Path(home).name}.",
            "EMAIL_URL": f"filemail:///{mails}",
            "FRAUD_ALERT_ADDRESSES": "fraud@example.org",
        }
        with full_process(environment, Path(home)) as started:
            service = Service(started.base, started.key, "full", environment)
            service._manage("shell", "-c", SET_RULE)
            yield Office(service, mails, Path(home))


class Admin:
    """A browser that staff have logged in with."""

    def __init__(self, office: Office) -> None:
        self._base = office.service.base
        self._cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self._cookies))
        demo = (office.home / "demo.env").read_text()
        name, password, secret = (
            re.findall(rf"DEMO_ADMIN_{word}=['\"]?([^'\"\n]+)", demo)[0]
            for word in ("USER", "PASSWORD", "SECRET")
        )
        self.get("/admin/login/")
        self.post("/admin/login/", username=name, password=password, next="/admin/")
        self.post("/admin/code/", code=code_of(secret, time.time()), next="/admin/")

    def get(self, path: str) -> str:
        """Open a page."""
        with self._opener.open(self._base + path, timeout=20) as reply:
            return str(reply.read().decode())

    def post(self, path: str, **fields: str) -> str:
        """Send a form of ours; follow where it leads."""
        token = next(c.value for c in self._cookies if c.name == "csrftoken")
        form = urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        request = Request(self._base + path, form, {"Referer": self._base + path})
        with self._opener.open(request, timeout=20) as reply:
            return str(reply.read().decode())


def until(look: Callable[[], object], *, seconds: float = 60) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "It did not come in time."
        time.sleep(0.2)


def test_rapid_withdrawals_freeze_the_wallet_until_staff_unfreeze_it(office: Office) -> None:
    api = Api(office.service.key or "", Live(office.service.base))
    alice = api.post("/wallets", {"reference": "alice-fraud"}).json["id"]
    contact = {"email": "alice@example.org", "kinds": ["FROZEN", "MONEY_IN"]}
    assert api.call("PUT", f"/wallets/{alice}/contact", contact).status == 200
    assert api.deposit(alice, "100.00").status == 201
    for _ in range(4):
        assert api.withdraw(alice, "5.00").status == 201

    def status() -> str:
        return str(api.get(f"/wallets/{alice}").json["status"])

    until(lambda: status() == "FROZEN")
    refused = api.withdraw(alice, "5.00")
    assert (refused.status, refused.json["code"]) == (422, "wallet_frozen")
    assert api.balance(alice) == "80.00"

    admin = Admin(office)
    queue = admin.get("/admin/fraud/fraudalert/")
    (alert,) = set(re.findall(r"/admin/fraud/fraudalert/(\d+)/change/", queue))
    evidence = admin.get(f"/admin/fraud/fraudalert/{alert}/change/")
    assert alice in evidence
    assert evidence.count("Withdrawal 5.00") == 4
    page = admin.post(f"/admin/fraud/fraudalert/{alert}/act/UNFREEZE/", text="it was she herself")
    assert "it was she herself" in page
    until(lambda: status() == "ACTIVE")
    admin.post(f"/admin/fraud/fraudalert/{alert}/act/CLEAR/", text="")
    assert alice not in admin.get("/admin/fraud/fraudalert/")
    assert api.withdraw(alice, "5.00").status == 201

    until(lambda: "Your wallet is frozen" in office.mailed())
    until(lambda: "To: fraud@example.org" in office.mailed())
    mailed = office.mailed()
    assert mailed.count("Subject: Fraud alert") == 1
    assert mailed.count("Subject: Your wallet is frozen") == 1
    assert mailed.count("Subject: Money in: 100.00 USD") == 1
    # The wallet was unfrozen for good: nothing that comes late freezes it again.
    time.sleep(2)
    assert status() == "ACTIVE"
    office.service.prove()
