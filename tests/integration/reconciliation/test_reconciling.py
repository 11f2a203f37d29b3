"""A channel is reconciled to exactly what differs, and what is matched sums to the same."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.models import Count

from tests.people import Company, asks, books_now, wallet_of
from tests.reconciling import (
    BANK,
    BY,
    DAY,
    Booked,
    as_camt,
    as_csv,
    as_mt940,
    book,
    left,
    left_on,
    load,
    run,
    set_up,
)
from wallets.identity import WalletIdentity
from wallets.operations import deposit as deposits
from wallets.operations.bulk import run_each
from wallets.reconciliation import errors
from wallets.reconciliation.models import (
    Item,
    ItemStatus,
    Match,
    MatchPart,
    Run,
    Side,
    StatementLine,
)
from wallets.reconciliation.operations.end_match import end_match
from wallets.reconciliation.operations.match_items import match_items
from wallets.reconciliation.operations.reconcile import Channel, FileGiven, preview
from wallets.reconciliation.operations.work_item import assign_item, note_item


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def rules_used() -> Counter[str]:
    return Counter(Match.objects.values_list("rule", flat=True))


def assert_sound() -> None:
    """Whatever was matched sums to the same on both sides, and nothing was matched twice."""
    items = {item.pk: item for item in Item.objects.all()}
    sums: dict[Any, Counter[str]] = {}
    live = MatchPart.objects.filter(match__ended__isnull=True)
    for match, item in live.values_list("match_id", "item_id"):
        sums.setdefault(match, Counter())[items[item].side] += items[item].amount
    assert all(one[Side.LINE] == one[Side.POSTING] for one in sums.values())
    assert not live.values("item").annotate(times=Count("pk")).filter(times__gt=1).exists()
    matched = {pk for pk, item in items.items() if item.status == ItemStatus.MATCHED}
    assert matched == set(live.values_list("item_id", flat=True))


def test_what_both_sides_say_alike_is_matched_and_the_books_do_not_move(
    acme: Company, alice: WalletIdentity
) -> None:
    book(alice, 10_00, "ref-1")
    book(alice, -2_50, "ref-2")
    before = books_now()

    done = run(acme, as_csv([Booked("b1", 10_00, "ref-1"), Booked("b2", -2_50, "ref-2")]))

    assert (done.leftovers, left()) == (0, [])
    assert rules_used() == {"REFERENCE": 2}
    assert done.result["left"]["USD"]["difference"] == "0"
    assert books_now() == before
    assert_sound()


def test_known_differences_are_exactly_what_is_left(acme: Company, alice: WalletIdentity) -> None:
    book(alice, 100_00, "same")
    book(alice, 20_00, "missing")
    book(alice, 30_00, "wrong")
    book(alice, 40_00, "split")
    book(alice, 11_00, "part-1")
    book(alice, 12_00, "part-2")
    book(alice, 50_00)
    book(alice, 60_00)
    bank = [
        Booked("b1", 100_00, "same"),
        Booked("b2", 7_77, "extra"),
        Booked("b3", 30_01, "wrong"),
        Booked("b4", 15_00, "split"),
        Booked("b5", 25_00, "split"),
        Booked("b6", 23_00, "batch"),
        Booked("b7", 50_00, day=later(3)),
        Booked("b8", 60_00, day=later(4)),
        Booked("b1", 100_00, "same"),
    ]

    done = run(acme, as_csv(bank))

    assert left_on(Side.LINE) == [(7_77, "extra"), (30_01, "wrong"), (60_00, "")]
    assert left_on(Side.POSTING) == [(20_00, "missing"), (30_00, "wrong"), (60_00, "")]
    assert rules_used() == {"REFERENCE": 1, "MANY_TO_ONE": 1, "ONE_TO_MANY": 1, "WINDOW": 1}
    assert done.loaded is not None
    assert (done.loaded.lines, done.loaded.repeats) == (8, 1)
    assert done.result["left"]["USD"]["difference"] == str(7_77 + 30_01 - 20_00 - 30_00)
    assert_sound()


@pytest.mark.parametrize("format", ["CAMT053", "MT940"])
def test_the_other_formats_reconcile_likewise(client_acme: Company, format: str) -> None:
    set_up(client_acme, format=format)
    alice = wallet_of(client_acme, "alice")
    for number in range(1, 21):
        book(alice, number * 100, f"ref-{number}")
    bank = [Booked(f"b{n}", n * 100, f"ref-{n}") for n in range(2, 21)]
    bank.append(Booked("b99", 99, "extra"))
    writer = as_camt if format == "CAMT053" else as_mt940

    run(client_acme, writer(bank, opening=5_00))

    assert left() == [("LINE", 99, "extra"), ("POSTING", 100, "ref-1")]
    assert_sound()


def test_what_can_be_two_things_is_left_to_a_person_with_its_candidates(
    acme: Company, alice: WalletIdentity
) -> None:
    book(alice, 10_00)
    book(alice, 10_00)

    done = run(acme, as_csv([Booked("b1", 10_00)]))

    assert done.leftovers == 3
    (doubt,) = done.result["doubts"]
    assert (len(doubt["lines"]), len(doubt["postings"])) == (1, 2)


def test_a_second_run_changes_nothing(acme: Company, alice: WalletIdentity) -> None:
    book(alice, 10_00, "ref-1")
    run(acme, as_csv([Booked("b1", 10_00, "ref-1"), Booked("b2", 1, "extra")]))
    before = Match.objects.count(), left()
    again = run(acme)
    assert (Match.objects.count(), left()) == before
    assert (again.leftovers, Run.objects.count()) == (1, 2)


def test_a_posting_that_comes_later_finds_the_line_that_waits(
    acme: Company, alice: WalletIdentity
) -> None:
    assert run(acme, as_csv([Booked("b1", 10_00, "ref-1")])).leftovers == 1
    book(alice, 10_00, "ref-1")
    assert run(acme).leftovers == 0


def test_other_channels_and_clients_are_not_looked_at(
    acme: Company, alice: WalletIdentity, client_globex: Company
) -> None:
    set_up(client_globex)
    book(wallet_of(client_globex, "charlie"), 10_00, "ref-1")
    deposits.deposit(wallet=alice, request=asks(10_00, wallet=alice, reference="ref-1"))
    run(acme, as_csv([Booked("b1", 10_00, "ref-1")]))
    assert left() == [("LINE", 10_00, "ref-1")]


def test_a_preview_tells_the_same_and_stores_nothing(acme: Company, alice: WalletIdentity) -> None:
    book(alice, 10_00, "ref-1")
    content = as_csv([Booked("b1", 10_00, "ref-1"), Booked("b2", 1, "extra")])
    told = preview(channel=Channel(acme.id, acme.name, BANK), file=FileGiven("x", content))
    assert not StatementLine.objects.exists()
    assert not Item.objects.exists()

    done = run(acme, content)

    assert told.result["matched"] == done.result["matched"]
    assert told.result["left"] == done.result["left"]


def test_a_stopped_run_goes_on_where_it_stopped(acme: Company, alice: WalletIdentity) -> None:
    for number in range(6):
        book(alice, 100 + number, f"ref-{number}")
    bank = [Booked(f"b{n}", 100 + n, f"ref-{n}") for n in range(6)]
    asked = iter([False, False, True])
    stopped = run(acme, as_csv(bank), batch_size=2, enough=lambda: next(asked, True))
    assert (stopped.was_stopped, stopped.leftovers, Match.objects.count()) == (True, 4, 4)
    assert run(acme).leftovers == 0
    assert_sound()


def test_a_match_by_hand_needs_equal_sums(acme: Company, alice: WalletIdentity) -> None:
    book(alice, 30_00, "ref-1")
    run(acme, as_csv([Booked("b1", 10_00, "a"), Booked("b2", 20_01, "b")]))
    ids = list(Item.objects.values_list("pk", flat=True))
    with pytest.raises(errors.SumsDiffer, match=r"sum to 30\.01 USD, the postings to 30\.00"):
        match_items(items=ids, by=BY, reason="it is a split")
    assert len(left()) == 3
    load(acme, as_csv([Booked("b3", -1, "c")]))
    ids = list(Item.objects.values_list("pk", flat=True))

    match_items(items=ids, by=BY, reason="it is a split, less a fee")

    assert left() == []
    assert_sound()


def test_an_item_is_matched_once(acme: Company, alice: WalletIdentity) -> None:
    book(alice, 10_00, "ref-1")
    run(acme, as_csv([Booked("b1", 10_00, "ref-1")]))
    ids = list(Item.objects.values_list("pk", flat=True))
    with pytest.raises(errors.ItemsTaken):
        match_items(items=ids, by=BY, reason="once more")
    part = MatchPart.objects.first()
    assert part is not None
    with pytest.raises(IntegrityError):
        MatchPart.objects.create(match_id=part.match_id, item_id=part.item_id, turn=part.turn)
    connection.close()


def test_a_match_that_was_taken_apart_is_not_put_together_by_a_rule(
    acme: Company, alice: WalletIdentity
) -> None:
    book(alice, 10_00, "ref-1")
    run(acme, as_csv([Booked("b1", 10_00, "ref-1")]))
    match = Match.objects.get()
    assert end_match(match=match.pk, by=BY, reason="another payer") == 2
    with pytest.raises(errors.MatchEnded):
        end_match(match=match.pk, by=BY, reason="again")

    again = run(acme)
    assert again.leftovers == 2
    assert again.result["doubts"][0]["why"] == "Somebody took it apart."

    match_items(items=list(Item.objects.values_list("pk", flat=True)), by=BY, reason="it was right")
    assert left() == []
    assert_sound()


def test_what_is_left_gets_an_owner_and_a_day(acme: Company, alice: WalletIdentity) -> None:
    run(acme, as_csv([Booked("b1", 10_00, "ref-1")]))
    item = Item.objects.get()
    assign_item(item=item.pk, owner="bob", due_on=later(7), by=BY, text="ask the bank")
    note_item(item=item.pk, by=BY, text="they call back")
    item.refresh_from_db()
    assert (item.owner, item.due_on) == ("bob", later(7))


def test_ten_thousand_lines_reconcile_to_exactly_the_known_differences(
    acme: Company, alice: WalletIdentity
) -> None:
    """Missing, extra, wrong amount, duplicate, split, merged, and late, among ten thousand."""
    amounts = [1_000 + 7 * n for n in range(10_000)]
    requests = [
        asks(
            amount,
            wallet=alice,
            reference=f"ref-{n}" if n not in (70, 71, 80) else "",
            channel=BANK,
            value_date=DAY + timedelta(days=n % 20),
        )
        for n, amount in enumerate(amounts)
    ]
    for start in range(0, len(requests), 1_000):
        some = requests[start : start + 1_000]
        outcomes = run_each([deposits.command(wallet=alice, request=one) for one in some])
        assert all(outcome.error is None for outcome in outcomes)
    bank = [
        Booked(f"b{n}", amount, f"ref-{n}", DAY + timedelta(days=n % 20))
        for n, amount in enumerate(amounts)
    ]
    missing = [bank.pop(n) for n in (900, 800, 700)]
    extra = [Booked(f"x{n}", 3 + n, f"extra-{n}") for n in range(4)]
    at = {one.id: place for place, one in enumerate(bank)}
    wrong = ["b10", "b11"]
    for id_ in wrong:
        one = bank[at[id_]]
        bank[at[id_]] = Booked(one.id, one.amount + 1, one.reference, one.day)
    split = bank[at["b20"]]
    bank[at["b20"]] = Booked("b20", split.amount - 400, split.reference, split.day)
    halves = [Booked("b20b", 400, split.reference, split.day)]
    merged_of = [bank[at["b70"]], bank[at["b71"]]]
    merged = [Booked("m1", sum(one.amount for one in merged_of), "batch-1", merged_of[0].day)]
    late = bank[at["b80"]]
    bank[at["b80"]] = Booked("b80", late.amount, "", late.day + timedelta(days=9))
    twice = [Booked("b30x", bank[at["b30"]].amount, "ref-30", bank[at["b30"]].day)]
    gone = {"b70", "b71"}
    bank = [one for one in bank if one.id not in gone]

    done = run(acme, as_csv([*bank, *extra, *halves, *merged, *twice, bank[0]]))

    assert done.loaded is not None
    assert done.loaded.repeats == 1
    lines = {
        *((one.amount, one.reference) for one in extra),
        *((amounts[n] + 1, f"ref-{n}") for n in (10, 11)),
        (amounts[30], "ref-30"),
        (amounts[80], ""),
    }
    postings = {
        *((one.amount, one.reference) for one in missing),
        *((amounts[n], f"ref-{n}") for n in (10, 11, 30)),
        (amounts[80], ""),
    }
    assert set(left_on(Side.LINE)) == lines
    assert len(left_on(Side.LINE)) == len(lines) + 1  # the duplicate and its twin
    assert set(left_on(Side.POSTING)) == postings
    assert len(left_on(Side.POSTING)) == len(postings)
    assert rules_used() == {"REFERENCE": 9_990, "MANY_TO_ONE": 1, "ONE_TO_MANY": 1}
    assert_sound()
