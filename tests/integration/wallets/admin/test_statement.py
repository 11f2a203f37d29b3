"""The statement of a wallet, page by page and as a file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from events.models import OutboxEvent
from ledger import account_lines
from ledger.models import Posting
from tests.integration.wallets.admin.pages import address, queries, text
from tests.people import asks, fund
from wallet_project.kit.models import AuditRecord
from wallets import statements
from wallets.admin import statement as page_of_statement
from wallets.admin.statement import plain
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer
from wallets.operations.withdraw import withdraw


def asked(wallet: WalletIdentity, page: str = "statement", **filters: Any) -> str:
    return f"{address(wallet, page)}?{urlencode(filters)}"


def lines(browser: Client, url: str) -> list[int]:
    """Tell the sequences of the lines that a page shows."""
    answer = browser.get(url)
    assert answer.status_code == 200
    return [int(row[0].text) for row in answer.context["lines"].rows]


def file(browser: Client, url: str) -> list[list[str]]:
    answer = browser.get(url)
    assert answer.status_code == 200
    sent = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(sent.decode())))


def at(wallet: WalletIdentity, sequence: int) -> str:
    """Tell when a posting was made, as a person would write it."""
    moment = Posting.objects.get(account_id=wallet.id, sequence=sequence).posted_at
    return moment.replace(tzinfo=None).isoformat()


def test_every_line_has_the_balance_after_it_newest_first(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_000)
    withdraw(wallet=alice, request=asks(1_000, wallet=alice, reference="till 4"))
    transfer(source=alice, destination=bob, request=asks(2_500, wallet=alice, reference="rent"))

    page = text(carol, address(alice, "statement"))

    assert "Opening balance of this time 0.00 USD" in page
    assert "Postings in it 3 Closing balance 65.00 USD" in page
    newest, older = page.index("-25.00 USD 65.00 USD"), page.index("-10.00 USD 90.00 USD")
    assert newest < older < page.index("+100.00 USD 100.00 USD")
    assert "TRANSFER_OUT rent" in page
    assert "WITHDRAWAL till 4 acme:external:default:USD" in page
    assert "TRANSFER_IN rent" in text(carol, address(bob, "statement"))


def test_a_line_leads_to_its_entry_its_event_and_the_other_wallet(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_000)
    moved = transfer(source=alice, destination=bob, request=asks(2_500, wallet=alice))
    event = OutboxEvent.objects.get(stream=alice.id, entry=moved.transaction_id)
    html = carol.get(address(alice, "statement")).content.decode()
    for url in (
        address(bob),
        reverse("admin:ledger_journalentry_change", args=[moved.transaction_id]),
        reverse("admin:events_outboxevent_change", args=[event.pk]),
    ):
        assert f'href="{url}"' in html


def test_a_time_has_its_own_opening_and_closing_balance(
    carol: Client, alice: WalletIdentity
) -> None:
    for amount in (100, 200, 400, 800):
        fund(alice, amount)
    url = asked(alice, since=at(alice, 2), before=at(alice, 4))
    page = text(carol, url)
    assert lines(carol, url) == [3, 2]
    assert "Opening balance of this time 1.00 USD Postings in it 2 Closing balance 7.00 USD" in page
    assert lines(carol, asked(alice, since=at(alice, 4))) == [4]
    assert lines(carol, asked(alice, before=at(alice, 1))) == []


def test_types_and_amounts_choose_lines_and_leave_balances(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 10_000)
    fund(bob, 10_000)
    withdraw(wallet=alice, request=asks(1_000, wallet=alice))
    transfer(source=alice, destination=bob, request=asks(2_000, wallet=alice))
    transfer(source=bob, destination=alice, request=asks(3_000, wallet=bob))

    assert lines(carol, asked(alice, type="WITHDRAWAL")) == [2]
    assert lines(carol, asked(alice, type="TRANSFER_OUT")) == [3]
    assert lines(carol, asked(alice, type="TRANSFER_IN")) == [4]
    assert lines(carol, asked(alice, least="20", most="30")) == [4, 3]
    assert lines(carol, asked(alice, least="20.01")) == [4, 1]
    assert lines(carol, asked(alice, type="DEPOSIT", most="99.99")) == []
    assert lines(carol, asked(alice, most="9.99")) == []
    assert "+30.00 USD 100.00 USD" in text(carol, asked(alice, type="TRANSFER_IN"))


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"least": "1.234"}, "USD has 2 decimals"),
        ({"least": "ten"}, "must be a decimal"),
        ({"since": "yesterday"}, "Enter a valid date/time."),
        ({"type": "THEFT"}, "Select a valid choice"),
        ({"since": "2026-02-01T00:00", "before": "2026-01-01T00:00"}, "not after the beginning"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_shown(
    carol: Client, alice: WalletIdentity, filters: dict[str, str], said: str
) -> None:
    fund(alice, 100)
    page = text(carol, asked(alice, **filters))
    assert said in page
    assert "DEPOSIT order" not in page
    assert "Closing balance" not in page
    assert carol.get(asked(alice, "statement_file", **filters)).status_code == 400


def test_pages_go_on_below_the_last_line(
    carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_statement, "LINES", 2)
    for _ in range(5):
        fund(alice, 100)

    url, seen = address(alice, "statement"), []
    while True:
        context = carol.get(url).context
        seen.append([row[0].text for row in context["lines"].rows])
        if context["page"].next_before is None:
            break
        url = f"{address(alice, 'statement')}?{context['older']}"

    assert seen == [["5", "4"], ["3", "2"], ["1"]]


def test_a_page_looks_at_a_bounded_number_of_postings(
    carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_lines, "LOOKED_AT_MAX", 3)
    withdrawn = 0
    for number in range(8):
        fund(alice, 100)
        if number == 1:
            withdraw(wallet=alice, request=asks(1, wallet=alice))
            withdrawn = 3
    url = asked(alice, type="WITHDRAWAL")
    context = carol.get(url).context
    assert (context["lines"].rows, context["page"].is_short) == ([], True)
    context = carol.get(asked(alice, type="WITHDRAWAL", older_than=7)).context
    assert context["page"].next_before == 4
    assert lines(carol, asked(alice, type="WITHDRAWAL", older_than=4)) == [withdrawn]


def test_the_file_has_every_line_of_the_time_oldest_first(
    carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_lines, "CHUNK", 2)
    for amount in (100, 200, 400, 800):
        fund(alice, amount)
    withdraw(wallet=alice, request=asks(50, wallet=alice))
    head, *rows = file(carol, asked(alice, "statement_file", since=at(alice, 2)))
    shown = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["sequence"] for row in shown] == ["2", "3", "4", "5"]
    assert [row["balance"] for row in shown] == ["3.00", "7.00", "15.00", "14.50"]
    assert (shown[-1]["credit"], shown[-1]["debit"]) == ("", "0.50")
    assert shown[0]["posted_at_utc"].endswith("Z")
    assert AuditRecord.objects.filter(action="wallet.export", subject=str(alice.id)).exists()


def test_a_file_is_not_begun_that_would_be_cut(
    carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "IN_A_FILE_MAX", 2)
    for _ in range(3):
        fund(alice, 100)
    answer = carol.get(address(alice, "statement_file"))
    assert answer.status_code == 400
    assert "This time has 3 postings, a file has 2 at most." in answer.content.decode()
    assert len(file(carol, asked(alice, "statement_file", since=at(alice, 2)))) == 3


def test_no_text_of_a_caller_becomes_a_formula(carol: Client, alice: WalletIdentity) -> None:
    evil = '=HYPERLINK("http://x.example","x")'
    deposit(wallet=alice, request=asks(100, wallet=alice, reference=evil))
    head, row = file(carol, address(alice, "statement_file"))
    assert row[head.index("reference")] == f"'{evil}"
    for text_ in ("=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1"):
        assert plain(text_) == f"'{text_}"
    assert plain("order 7 = paid") == "order 7 = paid"


def test_an_empty_statement_says_what_would_fill_it(carol: Client, alice: WalletIdentity) -> None:
    assert "The first deposit will be the first line." in text(carol, address(alice, "statement"))
    fund(alice, 100)
    assert "Choose a longer time" in text(carol, asked(alice, type="WITHDRAWAL"))


def test_a_page_costs_the_same_for_one_line_and_for_fifty(
    carol: Client, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 100_000)
    transfer(source=alice, destination=bob, request=asks(10, wallet=alice))
    since = (Posting.objects.order_by("pk")[0].posted_at - timedelta(days=1)).isoformat()
    plain_url, filtered = address(alice, "statement"), asked(alice, since=since, type="DEPOSIT")
    few = queries(carol, plain_url), queries(carol, filtered)
    for _ in range(50):
        transfer(source=alice, destination=bob, request=asks(10, wallet=alice))
        fund(alice, 10)
    assert (queries(carol, plain_url), queries(carol, filtered)) == few


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "1969-12-31T23:59", "9999-12-31T23:59"])
def test_a_year_that_no_calendar_of_ours_has_is_told_so(
    carol: Client, alice: WalletIdentity, moment: str
) -> None:
    fund(alice, 100)
    for name in ("statement", "explain"):
        page = text(carol, f"{address(alice, name)}?since={moment}")
        assert "Choose a year from 1970 to 2200." in page
    assert carol.get(f"{address(alice, 'statement_file')}?since={moment}").status_code == 400
