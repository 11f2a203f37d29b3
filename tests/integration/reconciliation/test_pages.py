"""The desk's pages: who may what, and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests import staff
from tests.acting import audited, list_act
from tests.people import Company, books_now
from tests.reconciling import Booked, as_csv, book, left, run, set_up
from wallets.identity import WalletIdentity
from wallets.reconciliation.models import (
    ChannelSetup,
    Item,
    ItemNote,
    Match,
    Run,
    StatementFile,
    Upload,
)

UPLOAD = "admin:reconciliation_statementfile_upload"
LINES = [Booked("b1", 10_00, "ref-1"), Booked("b2", 3_33, "extra")]


def in_role(name: str, role: str) -> Client:
    user = User.objects.create_user(name, password=staff.PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return staff.sign_in(user)


@pytest.fixture
def maker(acme: Company) -> Client:
    return in_role("alice", "maker")


@pytest.fixture
def viewer(acme: Company) -> Client:
    return in_role("charlie", "viewer")


def bring(browser: Client, content: bytes) -> Any:
    setup = ChannelSetup.objects.get().pk
    file = SimpleUploadedFile("march.csv", content)
    return browser.post(reverse(UPLOAD), {"setup": setup, "file": file})


def test_a_file_is_looked_at_and_then_loaded(maker: Client, alice: WalletIdentity) -> None:
    book(alice, 10_00, "ref-1")
    looked = bring(maker, as_csv(LINES))
    assert looked.status_code == 302
    page = maker.get(looked["Location"]).content.decode()
    assert "2 new lines" in page
    assert "Reference and amount" in page
    assert not StatementFile.objects.exists()

    done = maker.post(looked["Location"], follow=True).content.decode()

    assert "march.csv is loaded." in done
    assert "Left over" in done
    assert left() == [("LINE", 3_33, "extra")]
    assert not Upload.objects.exists()
    assert [action for action, _, _ in audited()] == [
        "channelsetup.save",
        "statementfile.load",
        "reconciliation.run",
    ]


def test_a_bad_file_is_told_line_by_line_and_cannot_be_loaded(maker: Client) -> None:
    looked = bring(maker, b"id,date,amount,reference,text\nb1,2026-03-10,x,,\n")
    page = maker.get(looked["Location"]).content.decode()
    assert "Line 2: &#x27;x&#x27; is no amount." in page
    assert "Load and reconcile" not in page
    assert "Nothing was loaded" in maker.post(looked["Location"], follow=True).content.decode()
    assert not StatementFile.objects.exists()


def test_somebody_elses_upload_is_not_there(maker: Client) -> None:
    looked = bring(maker, as_csv(LINES))
    other = in_role("bob", "maker")
    assert other.post(looked["Location"]).status_code == 302
    assert not StatementFile.objects.exists()


def test_a_viewer_looks_at_everything_and_does_nothing(
    viewer: Client, acme: Company, alice: WalletIdentity
) -> None:
    book(alice, 9_00, "ref-1")
    run(acme, as_csv(LINES))
    item = Item.objects.first()
    assert item is not None
    before = books_now(), left(), Match.objects.count(), audited()
    match_page = reverse("admin:reconciliation_item_match", args=[item.pk])
    for url in (
        *(reverse(f"admin:reconciliation_{name}_changelist") for name in NAMES),
        reverse("admin:reconciliation_item_suspense"),
        reverse("admin:reconciliation_item_change", args=[item.pk]),
        reverse("admin:reconciliation_run_change", args=[Run.objects.get().pk]),
        match_page,
    ):
        assert viewer.get(url).status_code == 200, url
    assert bring(viewer, as_csv(LINES)).status_code == 403
    everything = [str(pk) for pk in Item.objects.values_list("pk", flat=True)]
    for act in ("match", "difference", "anything"):
        sent = {"act": act, "item": everything, "reason": "x", "ticket": "T-1"}
        assert viewer.post(match_page, sent).status_code == 403
    assert list_act(viewer, "reconciliation.run", "run", setup=1).status_code == 403
    assert list_act(viewer, "reconciliation.channelsetup", "set_up").status_code == 403
    for name, form in (("assign", {"owner": ""}), ("note", {"text": "x"})):
        url = reverse("admin:reconciliation_item_act", args=[item.pk, name])
        assert viewer.post(url, form).status_code == 403
    assert (books_now(), left(), Match.objects.count(), audited()) == before


NAMES = ("channelsetup", "statementfile", "statementline", "item", "match", "run")


def test_items_are_matched_by_hand_when_their_sums_agree(
    maker: Client, acme: Company, alice: WalletIdentity
) -> None:
    set_up(acme, apply=["REFERENCE"])
    book(alice, 13_33, "ref-9")
    run(
        acme,
        as_csv(LINES),
    )
    posting = Item.objects.get(side="POSTING")
    url = reverse("admin:reconciliation_item_match", args=[posting.pk])
    lines = [str(pk) for pk in Item.objects.filter(side="LINE").values_list("pk", flat=True)]

    short = maker.post(url, {"act": "match", "item": lines[:1], "reason": "a split"})
    assert short.status_code == 400
    assert "The lines sum to" in short.content.decode()
    assert not Match.objects.filter(rule="BY_HAND").exists()
    summed = maker.post(url, {"act": "sum", "item": lines}).content.decode()
    assert "Apart: 0.00" in summed

    done = maker.post(url, {"act": "match", "item": lines, "reason": "a split"}, follow=True)

    assert "3 items are matched." in done.content.decode()
    assert left() == []

    match = Match.objects.get()
    end = reverse("admin:reconciliation_match_act", args=[match.pk, "end"])
    assert (
        "3 items are open again"
        in maker.post(end, {"reason": "wrong payer"}, follow=True).content.decode()
    )
    assert len(left()) == 3


def test_an_item_gets_an_owner_and_a_note(maker: Client, acme: Company) -> None:
    run(acme, as_csv(LINES[1:]))
    item = Item.objects.get()
    url = reverse("admin:reconciliation_item_act", args=[item.pk, "assign"])
    page = maker.post(url, {"owner": "alice", "due_on": "2026-04-01", "text": "ask"}, follow=True)
    assert "alice looks after it." in page.content.decode()
    note = reverse("admin:reconciliation_item_act", args=[item.pk, "note"])
    maker.post(note, {"text": "they call back"})
    assert list(ItemNote.objects.order_by("pk").values_list("text", flat=True)) == [
        "ask",
        "they call back",
    ]


def test_a_checker_sets_channels_up(client_acme: Company) -> None:
    checker = in_role("bob", "checker")
    form = {
        "client": client_acme.id,
        "channel": "psp",
        "format": "CSV",
        "currency": "usd",
        "mapping": '{"amount": "sum"}',
        "rules": '{"window_days": 5}',
    }
    wrong = list_act(checker, "reconciliation.channelsetup", "set_up", **form | {"rules": "{x"})
    assert "This is no JSON" in wrong.content.decode()
    worse = form | {"mapping": '{"amount": ""}'}
    refused = list_act(checker, "reconciliation.channelsetup", "set_up", **worse)
    assert "Name either the column" in refused.content.decode()
    assert not ChannelSetup.objects.exists()

    assert list_act(checker, "reconciliation.channelsetup", "set_up", **form).status_code == 302

    saved = ChannelSetup.objects.get()
    assert (saved.mapping["amount"], saved.rules["window_days"], saved.currency) == (
        "sum",
        5,
        "USD",
    )


def test_the_file_is_handed_out_as_it_was(viewer: Client, acme: Company) -> None:
    run(acme, as_csv(LINES))
    file = StatementFile.objects.get()
    url = reverse("admin:reconciliation_statementfile_bytes", args=[file.pk])
    answer = viewer.get(url)
    assert answer.content == as_csv(LINES)
    assert "attachment" in answer["Content-Disposition"]
    assert ("statementfile.download", str(file.pk), "") in audited()
