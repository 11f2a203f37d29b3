"""The home page: what it says, whom it tells it, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events import lateness
from events.consumers.fraud.models import Action, FraudAlert, RuleName
from events.models import OutboxEvent, OutboxStatus
from ledger import proofs
from ledger.models import Posting, RollUp
from tests import databases
from tests.integration.ledger.books import roll
from tests.people import Company, asks, fund, wallet_of
from tests.staff import member, superuser
from wallet_project import health
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallet_project.kit.monitor import Finding
from wallets.identity import WalletIdentity
from wallets.operations.withdraw import withdraw

QUERIES_MAX = 40


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """What the background checks are supposed to have found; they outlive a test."""
    findings = {"database": Finding(up=True, response_ms=1)}

    class Known:
        def findings(self, *, wait_seconds: float) -> dict[str, Finding]:
            return dict(findings)

    monkeypatch.setattr(health, "monitor", Known)
    return findings


@pytest.fixture(autouse=True)
def nothing_remembered(database: None) -> Iterator[None]:
    """Let each test read for itself what is kept for some seconds."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(client_acme: Company) -> WalletIdentity:
    """A customer here, where the folder's own Alice works at the finance desk."""
    return wallet_of(client_acme, "alice")


def home(staff: Client, query: str = "") -> str:
    """Open the page and return its text without tags, blanks made one."""
    answer = staff.get(f"/admin/{query}")
    assert answer.status_code == 200
    return text_of(answer.content.decode())


def text_of(page: str) -> str:
    content = page.partition('id="content"')[2] or page
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", content)).split())


def test_a_new_service_says_what_to_do() -> None:
    text = home(superuser())

    assert "Nothing has been posted yet" in text
    assert "manage.py create_client" in text
    assert "Never" in text
    assert "Run verify_ledger" in text
    assert "Alarm" not in text


def test_money_of_two_currencies_stands_by_itself(client_acme: Company) -> None:
    alice = wallet_of(client_acme, "alice")
    bob = wallet_of(client_acme, "bob", currency="EUR")
    fund(alice, 100_00)
    withdraw(wallet=alice, request=asks(30_00, wallet=alice))
    fund(bob, 7_00)
    roll()
    staff = superuser()

    dollars = home(staff)
    euros = home(staff, "?currency=EUR")

    assert "In 100.00 USD" in dollars
    assert "Out 30.00 USD" in dollars
    assert "In 7.00 EUR" in euros
    for text in (dollars, euros):
        assert "Trial balance OK Balanced No difference in 2 currencies." in text
        assert "USD 70.00 USD 70.00 USD 0.00 USD 0.00 USD 0.00 USD" in text
        assert "EUR 7.00 EUR 7.00 EUR 0.00 EUR 0.00 EUR 0.00 EUR" in text


def test_the_chart_has_exact_figures_and_every_day(alice: WalletIdentity) -> None:
    fund(alice, 12_34)
    roll()

    page = unescape(superuser().get("/admin/").content.decode())

    found = re.search(r'data-value="(\{.*?\})"\s', page)
    assert found is not None
    assert found.group(1).count('"12.34"') == 1
    assert found.group(1).count('"0.00"') == 59


def test_an_unknown_currency_shows_the_usual_one(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()

    assert "In 1.00 USD" in home(superuser(), "?currency=%3Cscript%3E")


def test_a_difference_in_the_books_is_an_alarm(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()
    one = Posting.objects.get(account_id=alice.id)
    Posting.objects.create(
        entry_id=one.entry_id,
        account_id=alice.id,
        amount=5,
        balance_after=1_05,
        sequence=2,
        version=3,
        posted_at=one.posted_at,
    )

    text = home(superuser())

    assert "Trial balance Alarm 0.05 USD" in text
    assert "Safeguarding Alarm 0.05 USD" in text


def test_late_postings_are_an_alarm(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()
    RollUp.objects.update(late=2)

    assert "Trial balance Alarm 2 late" in home(superuser())


def test_proofs_alerts_and_old_events_are_told(alice: WalletIdentity) -> None:
    proofs.note("command:verify_ledger", upto=12, findings=3, seconds=1)
    FraudAlert.objects.create(
        rule=RuleName.HIGH_VALUE,
        wallet=alice.id,
        client=alice.client,
        currency="USD",
        trigger_id=uuid7(),
        triggered_at=now(),
        action=Action.REVIEW,
        evidence={},
        raised_at=now() - timedelta(hours=2),
    )
    OutboxEvent.objects.update(occurred_at=now() - timedelta(minutes=3))

    text = home(superuser())

    assert "Last ledger proof Alarm 3 findings verify_ledger, " in text
    assert " ago, up to posting 12." in text
    assert "Open fraud alerts Look 1 The first waits for 2 h." in text
    assert "Outbox Alarm 1 The oldest waits for 3 min." in text


def test_the_auditor_hides_no_red_proof_and_stands_beside_it(alice: WalletIdentity) -> None:
    proofs.note("command:verify_ledger", upto=12, findings=3, seconds=1)
    proofs.note("task:auditor", upto=12, findings=0, seconds=1)

    text = home(superuser())

    assert "Last ledger proof Alarm 3 findings verify_ledger, " in text
    assert "up to posting 12. Auditor: sound, " in text


def test_wallets_that_the_auditor_finds_wrong_are_an_alarm_beside_a_sound_proof(
    alice: WalletIdentity,
) -> None:
    proofs.note("command:verify_ledger", upto=12, findings=0, seconds=1)
    proofs.note("task:auditor", upto=12, findings=1, seconds=1)

    text = home(superuser())

    assert "Last ledger proof Alarm Sound verify_ledger, " in text
    assert "Auditor: 1 finding, " in text


def test_a_viewer_sees_what_he_may_open(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()

    events = home(member("events", "events.view_outboxevent"))
    books = home(member("books", "ledger.view_account"))

    assert "You have no role yet" not in events
    assert "Outbox" in events
    assert "Trial balance" not in events
    assert "USD" not in events
    assert "Trial balance" in books
    assert "In 1.00 USD" in books
    assert "Outbox" not in books
    assert "Open payouts" not in books


def test_who_has_no_right_sees_no_figure(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()

    text = home(member("nobody"))

    assert "You have no role yet" in text
    assert "Dependencies" in text
    for word in ("USD", "Outbox", "Trial balance", "fraud", "payouts", "proof"):
        assert word not in text


def test_a_part_that_cannot_be_read_is_unknown_and_the_others_are_there(
    alice: WalletIdentity,
) -> None:
    fund(alice, 1_00)
    roll()
    staff = superuser()
    with connections[databases.owner()].cursor() as cursor:
        cursor.execute("ALTER TABLE events_deadletter RENAME TO events_elsewhere")
    try:
        text = home(staff)
    finally:
        with connections[databases.owner()].cursor() as cursor:
            cursor.execute("ALTER TABLE events_elsewhere RENAME TO events_deadletter")

    assert "Dead letters Unknown" in text
    assert "Balanced" in text


def test_a_dependency_that_is_down_is_told(found: dict[str, Finding]) -> None:
    found["kafka"] = Finding(up=False, response_ms=2000)

    assert "Dependencies Alarm Degraded Down: kafka." in home(superuser())


def test_more_rows_cost_no_more_queries(client_acme: Company) -> None:
    staff = superuser()
    few = queries_of(staff)
    for number in range(5):
        for currency in ("USD", "EUR", "JPY"):
            fund(wallet_of(client_acme, f"alice-{number}-{currency}", currency=currency), 100)
    roll()

    many = queries_of(staff)

    assert many <= few + 2, "the looks that depend on there being anything"
    assert many <= QUERIES_MAX


def test_a_second_look_within_seconds_asks_the_tables_of_money_nothing(
    alice: WalletIdentity,
) -> None:
    fund(alice, 1_00)
    roll()
    staff = superuser()
    home(staff)

    with CaptureQueriesContext(connections["default"]) as captured:
        home(staff)

    asked = " ".join(query["sql"] for query in captured)
    for table in ("ledger_", "events_", "wallets_", "fraud_"):
        assert table not in asked


def test_no_script_and_no_handler_stands_in_the_page(alice: WalletIdentity) -> None:
    fund(alice, 1_00)
    roll()

    page = superuser().get("/admin/").content.decode()

    content = page.partition('id="content"')[2].partition("Read at")[0]
    assert "canvas" in content
    assert "<script" not in content
    assert not re.search(r"\son[a-z]+=", content)
    assert "style=" not in content


def queries_of(staff: Client) -> int:
    cache.clear()
    with CaptureQueriesContext(connections["default"]) as captured:
        home(staff)
    return len(captured)


def test_every_page_says_how_late_events_are(alice: WalletIdentity) -> None:
    fund(alice, 100)
    staff = superuser()
    assert "Events are late" not in staff.get("/admin/wallets/wallet/").content.decode()
    OutboxEvent.objects.update(occurred_at=now() - timedelta(minutes=3, seconds=20))
    lateness.forget()

    page = staff.get("/admin/wallets/wallet/").content.decode()

    assert "they wait in the outbox, the oldest for 3 min, and leave in order" in page
    OutboxEvent.objects.update(status=OutboxStatus.PUBLISHED, published_at=now())
    lateness.forget()
    assert "Events are late" not in staff.get("/admin/wallets/wallet/").content.decode()


def test_the_shortcut_to_a_row_elsewhere_leads_nowhere(alice: WalletIdentity) -> None:
    browser = superuser("dora")
    for row in ("1", str(alice.id)):
        for kind in range(1, 60):
            assert browser.get(f"/admin/r/{kind}/{row}/").status_code == 404
