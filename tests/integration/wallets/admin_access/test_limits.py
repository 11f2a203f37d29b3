"""Carol of the staff sets what may leave wallets; Victor may only look."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from tests.acting import REASON, act, act_url, audited, list_act, queries_of
from tests.people import Company, asks, fund
from tests.staff import member
from wallet_project.kit.audit import Actor
from wallet_project.kit.models import AuditRecord
from wallets import limit_queries
from wallets.errors import LimitExceeded
from wallets.identity import WalletIdentity
from wallets.operations.set_limits import set_limits
from wallets.operations.withdraw import withdraw
from wallets.safeguards.limits import Bounds, default_scope
from wallets.safeguards.models import Limit

VIEWS = ("safeguards.view_limit", "wallets.view_wallet", "wallets.view_client")
LIST = "admin:safeguards_limit_changelist"
NONE = {"per_operation": "", "per_day": "", "per_month": "", "count_per_day": ""}


@pytest.fixture
def carol(database: None) -> Browser:
    return member("carol", *VIEWS, "safeguards.set_limit")


@pytest.fixture
def victor(database: None) -> Browser:
    return member("victor", *VIEWS)


def set_for(browser: Browser, **form: Any) -> Any:
    return list_act(browser, "safeguards.limit", "set", **{"client": "acme"} | NONE | form)


def bounds() -> list[tuple[Any, Bounds]]:
    return [(row.wallet, limit_queries.bounds_of(row)) for row in Limit.objects.order_by("pk")]


def test_a_wallets_limits_bite_from_then_on(alice: WalletIdentity, carol: Browser) -> None:
    fund(alice, 100_00)

    answer = set_for(carol, wallet=alice.reference, per_day="25.50", count_per_day="3")

    assert answer.status_code == 302
    assert bounds() == [(alice.id, Bounds(per_day=25_50, count_per_day=3))]
    assert audited() == [("limits.set", str(alice.id), REASON)]
    withdraw(wallet=alice, request=asks(25_00, wallet=alice))
    with pytest.raises(LimitExceeded):
        withdraw(wallet=alice, request=asks(1_00, wallet=alice))


def test_a_client_has_a_default_for_each_currency(client_acme: Company, carol: Browser) -> None:
    assert set_for(carol, currency="eur", per_operation="500").status_code == 302

    row = Limit.objects.get(pk=default_scope(client_acme.id, "EUR"))
    assert (row.wallet, row.currency, row.per_operation) == (None, "EUR", 500_00)
    (record,) = AuditRecord.objects.filter(action="limits.set")
    assert (record.subject, record.reason) == (str(client_acme.id), REASON)
    assert record.detail["after"]["per_operation"] == 500_00


def test_limits_are_changed_from_what_they_are_and_taken_away(
    alice: WalletIdentity, carol: Browser
) -> None:
    set_for(carol, wallet=str(alice.id), per_operation="10", per_month="1000")
    page = carol.get(reverse("admin:safeguards_limit_change", args=[alice.id])).content.decode()
    assert 'value="10.00"' in page
    assert 'value="1000.00"' in page

    form = NONE | {"per_operation": "20", "count_per_day": "0"}
    assert (
        "They are changed."
        in act(carol, "safeguards.limit", alice.id, "change", **form).content.decode()
    )

    assert bounds() == [(alice.id, Bounds(per_operation=20_00, count_per_day=0))]
    assert (
        "The limits are so already."
        in act(carol, "safeguards.limit", alice.id, "change", **form).content.decode()
    )
    act(carol, "safeguards.limit", alice.id, "remove")
    assert bounds() == []
    assert [one[0] for one in audited()] == ["limits.set"] * 3
    before = AuditRecord.objects.filter(action="limits.set").order_by("pk").last()
    assert before is not None
    assert before.detail["before"]["per_operation"] == 20_00


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"client": "nobody"}, "There is no client nobody."),
        ({"wallet": "charlie"}, "does not exist"),
        ({"wallet": "alice", "currency": "EUR"}, "It is a wallet in USD."),
        ({"wallet": "alice"}, "Name a limit at least."),
        ({}, "A default is of one currency."),
        ({"currency": "XXZ", "per_day": "1"}, "must be an ISO 4217 code"),
        ({"wallet": "alice", "per_day": "1.005"}, "USD has 2 decimals, the amount has 3."),
        ({"wallet": "alice", "per_day": "-1"}, "must be above zero"),
        ({"wallet": "alice", "per_day": "99999999999999999999"}, "is larger than"),
        ({"wallet": "alice", "count_per_day": "-1"}, "greater than or equal to 0"),
        ({"wallet": "alice", "count_per_day": "9" * 24}, "It must lie between"),
        ({"wallet": "alice", "per_day": "1", "reason": " "}, "This field is required."),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_is_set(
    alice: WalletIdentity,
    charlie: WalletIdentity,
    carol: Browser,
    form: dict[str, str],
    sentence: str,
) -> None:
    answer = set_for(carol, **form)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert bounds() == []
    assert audited() == []


def test_who_may_only_look_changes_nothing(
    alice: WalletIdentity, carol: Browser, victor: Browser
) -> None:
    set_for(carol, wallet="alice", per_day="5")
    before = bounds()
    page = victor.get(reverse("admin:safeguards_limit_change", args=[alice.id])).content.decode()

    assert "5.00" in page
    assert "/act/" not in page
    assert set_for(victor, wallet="alice", per_day="9").status_code == 403
    for name in ("change", "remove"):
        url = act_url("safeguards.limit", alice.id, name)
        assert victor.post(url, NONE | {"reason": REASON}).status_code == 403
    assert bounds() == before
    assert len(audited()) == 1


def test_limits_are_found_by_wallet_and_by_client(
    alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity, victor: Browser
) -> None:
    for one in (alice, bob, charlie):
        _limit(one)

    def found(term: str) -> set[str | None]:
        page = victor.get(reverse(LIST), {"q": term}).content.decode()
        return {one.reference for one in (alice, bob, charlie) if str(one.id) in page}

    assert found("") == {"alice", "bob", "charlie"}
    assert found(str(bob.id)) == {"bob"}
    assert found("globex") == {"charlie"}
    assert found("nobody") == set()


def test_the_list_costs_the_same_for_one_and_for_many(
    alice: WalletIdentity, bob: WalletIdentity, charlie: WalletIdentity, victor: Browser
) -> None:
    _limit(alice)
    few = queries_of(victor, reverse(LIST))
    for one in (bob, charlie):
        _limit(one)
    assert queries_of(victor, reverse(LIST)) == few


def _limit(wallet: WalletIdentity) -> None:
    set_limits(
        client=wallet.client,
        wallet=wallet.id,
        currency=wallet.currency,
        bounds=Bounds(per_day=5_00),
        by=Actor("command:test"),
        reason="fixture",
    )
