"""Debit and credit of all accounts, now and at any moment, on the page and as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from ledger.admin import balances
from ledger.admin.reports import as_csv
from ledger.models import JournalEntry, Posting
from ledger.rolling import roll_up
from tests import staff
from tests.integration.ledger.admin.pages import queries_of, source_of, text_of
from tests.people import Company, asks, fund, wallet_of
from wallet_project.kit.clock import now
from wallet_project.kit.models import AuditRecord
from wallet_project.kit.time_limit import TooSlow
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.transfer import transfer

PAGE = "admin:ledger_account_trial_balance"


def moment_of(kind: str) -> datetime:
    """Tell when the last entry of a kind was posted."""
    latest: JournalEntry = JournalEntry.objects.filter(kind=kind).latest("posted_at")
    return latest.posted_at


def lines_of(answer: object) -> list[dict[str, str]]:
    text = answer.content.decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def difference_is(page: object) -> str:
    """Tell the colour of the difference."""
    (found,) = re.findall(r"Difference</th> <td [^>]*text-(green|red)-700", source_of(page))
    return str(found)


def test_both_sides_are_equal_and_the_page_says_so(
    carol: Client, client_acme: Company, alice: WalletIdentity
) -> None:
    fund(alice, 1000)

    page = carol.get(reverse(PAGE), {"client": client_acme.id})

    text = text_of(page)
    assert "acme:external:default:USD | 10.00 USD | |" in text
    assert "wallets:USD, all customers together | | 10.00 USD |" in text
    assert "Total | 10.00 USD | 10.00 USD |" in text
    assert "Difference | 0.00 USD (balances) |" in text
    assert difference_is(page) == "green"


def test_a_line_too_many_is_a_difference_in_red(
    carol: Client, client_acme: Company, alice: WalletIdentity
) -> None:
    fund(alice, 1000)
    line = Posting.objects.get(account=alice.id)
    Posting.objects.create(
        entry=line.entry, account=line.account, amount=1, sequence=2, posted_at=now()
    )

    page = carol.get(reverse(PAGE), {"client": client_acme.id})

    assert "Difference | -0.01 USD (does not balance) |" in text_of(page)
    assert difference_is(page) == "red"


def test_all_clients_stand_in_a_line_each_and_lead_to_their_own_books(
    carol: Client, client_acme: Company, client_globex: Company,
    alice: WalletIdentity, charlie: WalletIdentity,
) -> None:  # fmt: skip
    fund(alice, 1000)
    fund(charlie, 300)

    page = carol.get(reverse(PAGE))

    text = text_of(page)
    assert f"acme ({client_acme.id}) | 10.00 USD | 10.00 USD |" in text
    assert f"globex ({client_globex.id}) | 3.00 USD | 3.00 USD |" in text
    assert "Total | 13.00 USD | 13.00 USD |" in text
    assert f"?client={client_globex.id}" in source_of(page)


def test_a_past_moment_shows_the_books_as_they_were(
    carol: Client, client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
) -> None:
    fund(alice, 1000)
    first = moment_of("deposit")
    transfer(source=alice, destination=bob, request=asks(400, wallet=alice))
    fund(bob, 500)
    before_first = first - timedelta(microseconds=1)

    def asked(moment: datetime) -> str:
        text = moment.isoformat()
        return text_of(carol.get(reverse(PAGE), {"client": str(client_acme.id), "at": text}))

    assert "Total | 10.00 USD | 10.00 USD |" in asked(first)
    assert "Total | 10.00 USD | 10.00 USD |" in asked(moment_of("transfer"))
    assert "Total | 15.00 USD | 15.00 USD |" in asked(moment_of("deposit"))
    assert "Total | 0.00 USD | 0.00 USD |" in asked(before_first)


@pytest.mark.parametrize("rolled", [0, 1, 5, 100])
def test_every_moment_agrees_with_the_sum_of_the_postings_before(
    alice: WalletIdentity, rolled: int
) -> None:
    """Whichever way a posting is found, by its day, its hour or behind the mark, it counts once."""
    fund(alice, 1000)
    house = Posting.objects.exclude(account=alice.id).get()
    midnight = datetime.fromisoformat("2026-03-06T00:00:00+00:00")
    steps = [timedelta(days=days, hours=hours) for days in (-2, -1, 0, 1) for hours in (0, 11, 23)]
    for number, step in enumerate(steps):
        Posting.objects.create(
            entry=house.entry, account=house.account, amount=-(2**number), posted_at=midnight + step
        )

    roll_up(upto=house.pk + rolled)

    for step in steps:
        moment = midnight + step
        (minor,) = [one.minor for one in balances.at(moment) if one.account == house.account_id]
        before = Posting.objects.filter(account=house.account, posted_at__lte=moment)
        assert minor == sum(before.values_list("amount", flat=True))
    assert [one.minor for one in balances.now() if one.account == house.account_id] == [
        -1000 - sum(2**number for number in range(len(steps)))
    ]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"at": "2999-01-01T00:00"}, "That moment has not come yet."),
        ({"at": "yesterday"}, "yesterday is no moment. Write it like 2026-01-31T23:59."),
        ({"client": "acme"}, "There is no client acme."),
        ({"client": "-1"}, "There is no client -1."),
    ],
)
def test_a_question_that_cannot_be_is_answered_by_what_is_wrong(
    carol: Client, query: dict[str, str], answer: str
) -> None:
    page = carol.get(reverse(PAGE), query)
    assert page.status_code == 422
    assert answer in text_of(page)


def test_a_client_is_chosen_by_name_and_stands_by_name_in_the_address(
    carol: Client, client_acme: Company
) -> None:
    fund(wallet_of(client_acme, "alice"), 5_00)
    roll_up()
    for page in (PAGE, "admin:ledger_account_balance_sheet"):
        empty, shown = carol.get(reverse(page)), carol.get(reverse(page), {"client": "acme"})
        assert f'<option value="{client_acme.id}">acme</option>' in empty.content.decode()
        assert shown.status_code == 200
        assert f'<option value="{client_acme.id}" selected>' in shown.content.decode()
        assert "5.00" in text_of(shown)


def test_an_account_of_the_balance_sheet_is_a_part_of_its_item(
    carol: Client, client_acme: Company
) -> None:
    fund(wallet_of(client_acme, "alice"), 5_00)
    roll_up()
    page = reverse("admin:ledger_account_balance_sheet")

    shown = " ".join(text_of(carol.get(page, {"client": "acme"})).split())
    file = carol.get(page, {"client": "acme", "format": "csv"}).content.decode()

    assert shown.count("Payment rails") == 1
    assert "of which default" in shown
    assert "Payment rails,default,USD,5.00" in file


def test_a_moment_before_everything_says_to_choose_a_later_one(
    carol: Client, database: None
) -> None:
    text = text_of(carol.get(reverse(PAGE), {"at": "2020-01-01T00:00"}))
    assert "Nothing was posted up to then." in text


def test_what_takes_too_long_is_given_up_and_says_what_to_do(
    carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> list[balances.Balance]:
        raise TooSlow

    monkeypatch.setattr(balances, "at", slow)
    page = carol.get(reverse(PAGE), {"at": "2026-01-01T00:00"})

    assert page.status_code == 422
    assert "choose a client, or run manage.py trial_balance" in text_of(page)


def test_more_accounts_than_fit_a_page_say_so(
    carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(alice, 100)
    monkeypatch.setattr(balances, "HOUSE_ACCOUNTS_MAX", 0)
    page = carol.get(reverse(PAGE))
    assert page.status_code == 422
    assert "Choose a client." in text_of(page)


def test_the_file_has_every_account_and_sums_to_zero(
    carol: Client, client_acme: Company, alice: WalletIdentity, charlie: WalletIdentity
) -> None:
    fund(alice, 1000)
    fund(wallet_of(client_acme, "yen", currency="JPY"), 70)
    fund(charlie, 300)

    answer = carol.get(reverse(PAGE), {"format": "csv"})

    lines = lines_of(answer)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'attachment; filename="trial-balance-all-' in answer["Content-Disposition"]
    shown = ("account", "currency", "debit", "credit")
    assert [tuple(line[name] for name in shown) for line in lines] == [
        ("wallets:JPY", "JPY", "0", "70"),
        ("acme:external:default:JPY", "JPY", "70", "0"),
        ("wallets:USD", "USD", "0.00", "10.00"),
        ("acme:external:default:USD", "USD", "10.00", "0.00"),
        ("wallets:USD", "USD", "0.00", "3.00"),
        ("globex:external:default:USD", "USD", "3.00", "0.00"),
    ]  # fmt: skip
    assert {line["client_name"] for line in lines} == {"acme", "globex"}


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_in_the_file_is_a_formula(evil: str) -> None:
    line = balances.Balance(1, "USD", None, evil, -5)
    text = as_csv([line], {1: evil}, now())
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["account"] == row["client_name"] == f"'{evil}"
    assert row["debit"] == "0.05"


def test_who_looked_and_who_took_a_file_is_noted(
    carol: Client, client_acme: Company, alice: WalletIdentity
) -> None:
    carol.get(reverse(PAGE), {"client": str(client_acme.id), "format": "csv"})
    kept = AuditRecord.objects.get()
    assert kept.action == "account.trial_balance"
    assert kept.detail == {"client": client_acme.id, "file": True}
    assert staff.member("dave", "wallets.view_wallet").get(reverse(PAGE)).status_code == 403


@pytest.mark.parametrize("at", ["", "2026-11-01T00:00"])
def test_the_number_of_queries_does_not_grow(
    carol: Client, client_acme: Company, alice: WalletIdentity, at: str
) -> None:
    fund(alice, 100)
    url = f"{reverse(PAGE)}?at={at}"
    few = queries_of(carol, url)
    for number in range(20):
        wallet = wallet_of(client_acme, f"w-{number}")
        deposit(wallet=wallet, request=asks(1, wallet=wallet, channel=f"rail{number}"))
    assert queries_of(carol, url) == few
