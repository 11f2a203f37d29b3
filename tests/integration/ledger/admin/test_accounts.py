"""The chart of accounts: what each stands at, and the way down to its postings."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from ledger.models import Account, DayTotal, NormalSide, Posting
from tests import staff
from tests.integration.ledger.admin.pages import queries_of, source_of, text_of
from tests.people import Company, asks, fund, wallet_of
from wallet_project.kit.clock import now
from wallet_project.kit.ids import uuid7
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity
from wallets.operations.deposit import deposit
from wallets.operations.withdraw import withdraw

TREE = "admin:ledger_account_tree"
PAGE = "admin:ledger_account_change"
LIST = "admin:ledger_account_changelist"


def rail(company: Company, channel: str = "default", currency: str = "USD") -> Account:
    return Account.objects.get(code=f"{company.name}:external:{channel}:{currency}")


def pay_in(wallet: WalletIdentity, amount: int, channel: str) -> None:
    deposit(wallet=wallet, request=asks(amount, wallet=wallet, channel=channel))


class TestTree:
    """Client, currency, group, account."""

    def test_wallets_stand_in_one_line_and_house_accounts_by_channel(
        self, carol: Client, client_acme: Company, alice: WalletIdentity, bob: WalletIdentity
    ) -> None:
        pay_in(alice, 1000, "card")
        pay_in(bob, 500, "bank")
        withdraw(wallet=alice, request=asks(250, wallet=alice, channel="bank"))

        page = carol.get(reverse(TREE))

        text = text_of(page)
        assert f"acme ({client_acme.id})" in text
        assert "Wallets | | 12.50 USD |" in text
        assert "External | 12.50 USD | |" in text
        assert "bank | 2.50 USD | |" in text
        assert "card | 10.00 USD | |" in text
        assert "Total | 12.50 USD | 12.50 USD |" in text
        assert "Difference | 0.00 USD (balances) |" in text
        for channel in ("bank", "card"):
            assert reverse(PAGE, args=[rail(client_acme, channel).pk]) in source_of(page)

    def test_fees_suspense_payouts_and_receivables_have_groups_of_their_own(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 100)
        house = ("fees", "suspense", "receivables", "payouts:sepa", "something:new")
        for name in house:
            account = Account.objects.create(
                id=uuid7(),
                code=f"acme:{name}:USD",
                client=client_acme.id,
                currency="USD",
                normal_side=NormalSide.CREDIT,
                created_at=now(),
            )
            entry = Posting.objects.order_by("pk")[0].entry
            Posting.objects.create(entry=entry, account=account, amount=7, posted_at=now())

        text = text_of(carol.get(reverse(TREE)))

        for group in ("Fees", "Suspense", "Receivables", "Payouts", "Other"):
            assert f"{group} | | 0.07 USD |" in text
        assert "sepa | | 0.07 USD |" in text
        assert "acme:something:new:USD | | 0.07 USD |" in text
        assert "Difference | -0.35 USD (does not balance) |" in text

    def test_currencies_are_never_added_up(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        fund(wallet_of(client_acme, "alice-in-yen", currency="JPY"), 700)

        text = text_of(carol.get(reverse(TREE)))

        assert "Wallets | | 10.00 USD |" in text
        assert "Wallets | | 700 JPY |" in text

    def test_one_client_is_shown_without_the_others(
        self,
        carol: Client,
        client_acme: Company,
        client_globex: Company,
        alice: WalletIdentity,
        charlie: WalletIdentity,
    ) -> None:
        fund(alice, 1000)
        fund(charlie, 300)

        both = text_of(carol.get(reverse(TREE)))
        globex = text_of(carol.get(reverse(TREE), {"client": client_globex.id}))

        assert "acme (" in both
        assert "globex (" in both
        assert "acme (" not in globex
        assert "Wallets | | 3.00 USD |" in globex

    def test_more_clients_than_fit_a_page_follow_on_the_next(
        self, carol: Client, alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch,
        client_acme: Company, client_globex: Company, charlie: WalletIdentity,
    ) -> None:  # fmt: skip
        monkeypatch.setattr("ledger.admin.accounts._CLIENTS_ON_A_PAGE", 1)
        fund(alice, 1000)
        fund(charlie, 300)

        first = carol.get(reverse(TREE))
        second = carol.get(reverse(TREE), {"after": client_acme.id})

        assert f'href="?after={client_acme.id}"' in source_of(first)
        assert "globex (" not in text_of(first)
        assert "globex (" in text_of(second)
        assert 'rel="next"' not in source_of(second)

    def test_empty_books_say_what_fills_them(self, carol: Client) -> None:
        assert "The first deposit puts a wallet and a payment rail here." in text_of(
            carol.get(reverse(TREE))
        )

    def test_the_number_of_queries_does_not_grow(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        pay_in(alice, 1000, "card")
        few = queries_of(carol, reverse(TREE))
        for number in range(20):
            pay_in(wallet_of(client_acme, f"w-{number}"), 100, f"rail{number}")
        assert queries_of(carol, reverse(TREE)) == few

    def test_who_looked_is_noted_and_who_may_not_look_sees_nothing(
        self, carol: Client, alice: WalletIdentity
    ) -> None:
        assert carol.get(reverse(TREE)).status_code == 200
        assert AuditRecord.objects.get().action == "account.tree"

        dave = staff.member("dave", "wallets.view_wallet")
        assert dave.get(reverse(TREE)).status_code == 403
        assert Client().get(reverse(TREE)).status_code == 302


class TestPage:
    """One account."""

    def test_a_wallets_account_shows_its_last_postings_and_leads_to_the_wallet(
        self, carol: Client, alice: WalletIdentity
    ) -> None:
        fund(alice, 1000)
        withdraw(wallet=alice, request=asks(250, wallet=alice))

        page = carol.get(reverse(PAGE, args=[alice.id]))

        text = text_of(page)
        assert "| -2.50 USD | 7.50 USD |" in text
        assert "| +10.00 USD | 10.00 USD |" in text
        assert reverse("admin:wallets_wallet_change", args=[alice.id]) in source_of(page)

    def test_a_rail_shows_its_balance_and_leads_to_each_entry(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        pay_in(alice, 1000, "card")
        account = rail(client_acme, "card")

        page = carol.get(reverse(PAGE, args=[account.pk]))

        assert "10.00 USD debit" in text_of(page)
        assert "External: card" in text_of(page)
        entry = Posting.objects.get(account=account).entry_id
        assert reverse("admin:ledger_journalentry_change", args=[entry]) in source_of(page)

    def test_all_postings_of_a_rail_are_there_page_by_page(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 1)
        account = rail(client_acme)
        entry = Posting.objects.get(account=account).entry
        moment = now()
        Posting.objects.bulk_create(
            # Many of one moment: the place of a page lies among them.
            Posting(entry=entry, account=account, amount=-1, posted_at=moment)
            for _ in range(120)
        )
        address, seen = reverse(PAGE, args=[account.pk]), []
        while address:
            page = carol.get(address)
            seen += [line.id for line in page.context["lines"]]
            found = page.context["older_url"]
            address = f"{reverse(PAGE, args=[account.pk])}{found}" if found else ""

        wanted = Posting.objects.filter(account=account).order_by("-posted_at", "-pk")
        assert seen == list(wanted.values_list("pk", flat=True))

    def test_a_day_shows_the_postings_of_that_day(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 100)
        account = rail(client_acme)
        entry = Posting.objects.get(account=account).entry
        old = datetime.fromisoformat("2026-03-05T23:59:59.999999+00:00")
        for moment, amount in ((old, -3), (old + timedelta(microseconds=1), -4)):
            Posting.objects.create(entry=entry, account=account, amount=amount, posted_at=moment)
        DayTotal.objects.create(
            account=account, day=old.date(), client=client_acme.id, currency="USD",
            debits=3, credits=0, postings=1, upto=0,
        )  # fmt: skip

        whole = carol.get(reverse(PAGE, args=[account.pk]))
        day = carol.get(reverse(PAGE, args=[account.pk]), {"day": "2026-03-05"})

        assert "2026-03-05 | 0.03 USD | 0.00 USD | 1 |" in text_of(whole)
        assert 'href="?day=2026-03-05"' in source_of(whole)
        assert "-0.03 USD" in text_of(day)
        assert "-0.04 USD" not in text_of(day)

    @pytest.mark.parametrize(
        "query",
        ["day=nonsense", "after=nonsense", "day=2026-13-45", "day=9999-12-31", "day=0001-01-01"],
    )
    def test_nonsense_in_the_address_shows_the_newest_postings(
        self, carol: Client, client_acme: Company, alice: WalletIdentity, query: str
    ) -> None:
        fund(alice, 100)
        page = carol.get(f"{reverse(PAGE, args=[rail(client_acme).pk])}?{query}")
        assert page.status_code == 200
        assert "-1.00 USD" in text_of(page)

    def test_fifty_postings_take_as_many_queries_as_two(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 100)
        fund(alice, 100)
        pages = [reverse(PAGE, args=[pk]) for pk in (alice.id, rail(client_acme).pk)]
        few = [queries_of(carol, page) for page in pages]
        for _ in range(50):
            fund(alice, 1)
        assert [queries_of(carol, page) for page in pages] == few

    def test_an_account_is_found_by_its_code(
        self, carol: Client, client_acme: Company, alice: WalletIdentity
    ) -> None:
        fund(alice, 100)
        found = source_of(carol.get(reverse(LIST), {"q": "acme:external:default:USD"}))
        assert reverse(PAGE, args=[rail(client_acme).pk]) in found
        assert reverse(PAGE, args=[alice.id]) not in found
