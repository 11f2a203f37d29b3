"""Carol freezes a wallet and lets it go on; nobody does so by mistake or without the right."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from events import outbox
from events.models import OutboxEvent
from tests import staff
from tests.integration.wallets.admin.pages import address, text, words
from tests.people import asks, books_now, fund
from wallet_project.kit import audit
from wallet_project.kit.models import AuditRecord
from wallets import errors, queries
from wallets.identity import WalletIdentity
from wallets.models import Wallet
from wallets.operations._status import StatusRequest
from wallets.operations.close_wallet import close_wallet
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.place_hold import Expiry, place_hold
from wallets.operations.unfreeze_wallet import unfreeze_wallet
from wallets.operations.withdraw import withdraw

CAROL = audit.Actor("staff:7", "carol")


def version(wallet: WalletIdentity) -> int:
    return queries.wallet(wallet).version


def sends(browser: Client, wallet: WalletIdentity, act: str, **form: Any) -> Any:
    return browser.post(address(wallet, act), {"version": version(wallet), **form}, follow=True)


def acts() -> list[tuple[str, str, str]]:
    """List what was done, by whom and why; looks are left out."""
    kept = AuditRecord.objects.filter(action__in=["wallet.freeze", "wallet.unfreeze"])
    return list(kept.order_by("pk").values_list("action", "actor_name", "reason"))


def test_a_wallet_is_frozen_for_a_reason_and_lives_again(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 1_000)

    page = words(sends(carol, alice, "freeze", reason="letter 17").content.decode())

    assert "The wallet is frozen." in page
    assert "FROZEN" in page
    with pytest.raises(errors.WalletFrozen):
        withdraw(wallet=alice, request=asks(1, wallet=alice))
    page = words(sends(carol, alice, "unfreeze", reason="never mind").content.decode())
    assert "The wallet moves money again." not in page, "Who froze it does not unfreeze it."
    dave = staff.superuser("dave")
    page = words(sends(dave, alice, "unfreeze", reason="court said no").content.decode())
    assert "The wallet moves money again." in page
    withdraw(wallet=alice, request=asks(1, wallet=alice))
    assert acts() == [
        ("wallet.freeze", "carol", "letter 17"),
        ("wallet.unfreeze", "dave", "court said no"),
    ]
    told = OutboxEvent.objects.get(stream=alice.id, type="wallet.frozen.v1")
    assert b"letter 17" not in bytes(told.payload)
    kept = AuditRecord.objects.get(action="wallet.freeze")
    assert (kept.subject, kept.detail) == (str(alice.id), {"version": told.sequence})


def test_without_a_reason_nothing_happens(carol: Client, alice: WalletIdentity) -> None:
    before = books_now()
    for reason in ("", "   "):
        answer = sends(carol, alice, "freeze", reason=reason)
        assert answer.status_code == 400
        assert "Say why" in words(answer.content.decode())
    assert books_now() == before
    assert acts() == []


def test_a_page_from_before_the_last_movement_is_refused(
    carol: Client, alice: WalletIdentity
) -> None:
    freeze_wallet(wallet=alice, request=StatusRequest(actor="key:test", by_client=True))
    seen = version(alice)
    unfreeze_wallet(wallet=alice, request=StatusRequest(actor="key:test", by_client=True))
    freeze_wallet(wallet=alice, request=StatusRequest(actor="key:test", by_client=True))
    before = books_now()

    answer = carol.post(address(alice, "unfreeze"), {"reason": "empty anyway", "version": seen})

    assert answer.status_code == 409
    page = words(answer.content.decode())
    assert f"Nothing was done: something was first. The wallet is at version {seen + 2}" in page
    assert books_now() == before
    assert acts() == []
    assert f'name="version" value="{seen + 2}"' in answer.content.decode()
    form = {"reason": "no version"}
    assert carol.post(address(alice, "unfreeze"), form).status_code == 400
    assert books_now() == before


def test_a_movement_in_between_keeps_nobody_from_freezing(
    carol: Client, alice: WalletIdentity
) -> None:
    assert 'name="version"' not in carol.get(address(alice, "freeze")).content.decode()
    seen = version(alice)
    fund(alice, 1_000)
    sent = {"reason": "letter 17", "version": seen}
    assert carol.post(address(alice, "freeze"), sent).status_code == 302
    assert Wallet.objects.get(pk=alice.id).status == "FROZEN"
    assert acts() == [("wallet.freeze", "carol", "letter 17")]


def test_carol_takes_over_what_the_client_has_frozen(carol: Client, alice: WalletIdentity) -> None:
    by_client = StatusRequest(actor="key:test", by_client=True)
    freeze_wallet(wallet=alice, request=by_client)
    assert f'href="{address(alice, "freeze")}"' in carol.get(address(alice)).content.decode()
    assert "nothing to freeze" not in text(carol, address(alice, "freeze"))

    answer = carol.post(address(alice, "freeze"), {"reason": "letter 17"}, follow=True)

    assert "The wallet is frozen." in words(answer.content.decode())
    assert acts() == [("wallet.freeze", "carol", "letter 17")]
    assert f'href="{address(alice, "freeze")}"' not in carol.get(address(alice)).content.decode()
    before = books_now()
    with pytest.raises(errors.FrozenByOperator):
        unfreeze_wallet(wallet=alice, request=by_client)
    assert books_now() == before


def test_a_hold_whose_time_has_passed_keeps_nobody_from_freezing(
    carol: Client, alice: WalletIdentity
) -> None:
    fund(alice, 1_000)
    expiry = Expiry(after=timedelta(seconds=0.2))
    place_hold(wallet=alice, request=asks(100, wallet=alice), expiry=expiry)
    time.sleep(0.3)
    assert sends(carol, alice, "freeze", reason="x").status_code == 200
    assert Wallet.objects.get(pk=alice.id).status == "FROZEN"


def test_what_is_so_already_is_not_done_again(carol: Client, alice: WalletIdentity) -> None:
    sends(carol, alice, "freeze", reason="first")
    before = books_now()
    answer = sends(carol, alice, "freeze", reason="second")
    assert "It was so already; nothing changed." in words(answer.content.decode())
    assert "there is nothing to freeze" in text(carol, address(alice, "freeze"))
    assert books_now() == before
    assert [reason for _, _, reason in acts()] == ["first"]


def test_a_closed_wallet_stays_closed(carol: Client, alice: WalletIdentity) -> None:
    close_wallet(wallet=alice, request=StatusRequest(actor="key:test"))
    before = books_now()
    for act in ("freeze", "unfreeze"):
        answer = sends(carol, alice, act, reason="x")
        assert answer.status_code == 409
        assert "A closed wallet stays as it is." in words(answer.content.decode())
    assert books_now() == before
    assert acts() == []


@pytest.mark.parametrize(("may", "may_not"), [("freeze", "unfreeze"), ("unfreeze", "freeze")])
def test_each_act_takes_its_own_right(
    database: None, alice: WalletIdentity, may: str, may_not: str
) -> None:
    dave = staff.member("dave", "wallets.view_wallet", f"wallets.{may}_wallet")
    if may_not == "unfreeze":
        freeze_wallet(wallet=alice, request=StatusRequest(actor="key:test"))
    before = books_now()
    assert dave.get(address(alice, may_not)).status_code == 403
    assert sends(dave, alice, may_not, reason="crafted").status_code == 403
    assert f'href="{address(alice, may_not)}"' not in dave.get(address(alice)).content.decode()
    assert books_now() == before
    assert acts() == []


def test_a_viewer_can_do_neither(database: None, alice: WalletIdentity) -> None:
    dave = staff.member("dave", "wallets.view_wallet")
    before = books_now()
    for act in ("freeze", "unfreeze"):
        assert sends(dave, alice, act, reason="crafted").status_code == 403
    page = dave.get(address(alice)).content.decode()
    assert "/freeze/" not in page
    assert books_now() == before
    assert acts() == []


def test_a_form_from_another_site_is_refused(carol: Client, alice: WalletIdentity) -> None:
    carol.handler.enforce_csrf_checks = True
    before = books_now()
    assert sends(carol, alice, "freeze", reason="crafted").status_code == 403
    assert books_now() == before


def test_what_a_key_does_is_no_act_of_staff(alice: WalletIdentity) -> None:
    freeze_wallet(wallet=alice, request=StatusRequest(actor="key:test", reason="their own"))
    assert acts() == []


def test_the_act_and_its_record_stand_or_fall_together(
    alice: WalletIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = StatusRequest(actor=CAROL.id, reason="letter 17", staff=CAROL)
    before = books_now()

    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(outbox, "record", fails)
        freeze_wallet(wallet=alice, request=request)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(audit, "record", fails)
        freeze_wallet(wallet=alice, request=request)
    assert books_now() == before
    assert acts() == []
    freeze_wallet(wallet=alice, request=request)
    assert acts() == [("wallet.freeze", "carol", "letter 17")]


@pytest.mark.parametrize("act", ["freeze", "unfreeze"])
def test_the_form_shows_the_wallet_and_that_look_is_noted(
    carol: Client, alice: WalletIdentity, act: str
) -> None:
    text(carol, address(alice, act))
    kept = AuditRecord.objects.filter(actor_name="carol")
    assert list(kept.values_list("action", "subject")) == [("wallet.view", str(alice.id))]
