"""A file is loaded whole or not at all, and once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connection

from tests.people import Company
from tests.reconciling import BANK, DAY, Booked, as_camt, as_csv, as_mt940, load, set_up
from wallets.reconciliation import errors
from wallets.reconciliation.models import Item, StatementFile, StatementLine

THREE = [
    Booked("b1", 10_00, "ref-1"),
    Booked("b2", -5_50, "ref-2"),
    Booked("b3", 7_25, text="no reference"),
]
WRITERS: dict[str, Any] = {"CSV": as_csv, "CAMT053": as_camt, "MT940": as_mt940}


def stored() -> tuple[int, int, int]:
    return StatementFile.objects.count(), StatementLine.objects.count(), Item.objects.count()


@pytest.mark.parametrize("format", WRITERS)
def test_a_file_of_each_format_says_the_same(client_acme: Company, format: str) -> None:
    set_up(client_acme, format=format)

    loaded = load(client_acme, WRITERS[format](THREE))

    rows = StatementLine.objects.order_by("number").values_list(
        "external_reference", "amount", "currency", "booked_on", "value_date", "reference", "text"
    )
    assert list(rows) == [
        ("b1", 1000, "USD", DAY, DAY, "ref-1", "transfer"),
        ("b2", -550, "USD", DAY, DAY, "ref-2", "transfer"),
        ("b3", 725, "USD", DAY, DAY, "", "no reference"),
    ]
    assert (loaded.lines, loaded.repeats) == (3, 0)
    items = Item.objects.order_by("amount").values_list("amount", "status", "posting")
    assert list(items) == [(-550, "OPEN", None), (725, "OPEN", None), (1000, "OPEN", None)]


def test_the_same_file_is_refused_with_the_day_of_the_first_time(acme: Company) -> None:
    load(acme, as_csv(THREE), name="march.csv")
    before = stored()
    with pytest.raises(errors.FileLoadedAlready, match=r"as march\.csv; nothing was loaded again"):
        load(acme, as_csv(THREE), name="renamed.csv")
    assert stored() == before


def test_a_line_of_two_files_is_loaded_once(acme: Company) -> None:
    load(acme, as_csv(THREE))
    loaded = load(acme, as_csv([*THREE[1:], Booked("b4", 1_00)]))

    assert (loaded.lines, loaded.repeats) == (1, 2)
    assert StatementFile.objects.latest("id").repeated == [2, 3]
    assert StatementLine.objects.count() == 4


def test_a_line_that_says_something_else_now_is_named_and_nothing_is_loaded(
    acme: Company,
) -> None:
    load(acme, as_csv(THREE))
    before = stored()
    with pytest.raises(errors.LineContradicts, match=r"3 \(b2\)"):
        load(acme, as_csv([Booked("b9", 1_00), Booked("b2", -5_51, "ref-2")]))
    assert stored() == before


def test_bad_lines_are_named_by_number_and_nothing_is_loaded(acme: Company) -> None:
    content = (
        b"id,date,amount,reference,text\nb1,2026-03-10,1.00,,\nb2,10.3.,1.00,,\nb3,2026-03-10,x,,\n"
    )
    with pytest.raises(errors.FileUnreadable) as raised:
        load(acme, content)
    assert "Line 3: '10.3.' is no day" in raised.value.detail
    assert "Line 4: 'x' is no amount" in raised.value.detail
    assert stored() == (0, 0, 0)


def test_a_line_without_a_reference_of_the_bank_keeps_its_name_in_a_file_that_overlaps(
    client_acme: Company,
) -> None:
    set_up(client_acme, mapping={"reference": "reference", "text": "text"})
    twins = [Booked("", 1_00), Booked("", 1_00)]
    assert load(client_acme, as_csv(twins)).lines == 2
    loaded = load(client_acme, as_csv([*twins, Booked("", 1_00)]))
    assert (loaded.lines, loaded.repeats) == (1, 2)


def test_two_loads_of_one_file_at_once_are_one(acme: Company) -> None:
    content = as_csv([Booked(f"b{n}", n + 1) for n in range(300)])
    start = threading.Barrier(4)

    def once(_: int) -> str:
        start.wait()
        try:
            load(acme, content)
        except errors.FileLoadedAlready:
            return "refused"
        finally:
            connection.close()
        return "loaded"

    with ThreadPoolExecutor(4) as pool:
        ended = sorted(pool.map(once, range(4)))

    assert ended == ["loaded", "refused", "refused", "refused"]
    assert stored() == (1, 300, 300)


def test_a_channel_that_nobody_set_up_takes_no_file(client_acme: Company) -> None:
    with pytest.raises(errors.NotSetUp, match=f"channel {BANK}"):
        load(client_acme, as_csv(THREE))


def test_what_was_loaded_cannot_be_changed_even_by_sql(acme: Company) -> None:
    load(acme, as_csv(THREE))
    for table in ("statementfile", "filecontent", "statementline"):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM reconciliation_{table}")
    assert stored() == (1, 3, 3)
