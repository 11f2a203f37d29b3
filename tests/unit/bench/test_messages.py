"""Requests as bytes, and the file that both clients read them from."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bench import adapter, loads, messages, open_loop
from tests.bench.answers import Answers, complaint
from tests.bench.loads import Scene
from tests.bench.messages import Address, Request

HERE = Address("127.0.0.1", 9000, {"Authorization": "Bearer k.s"})


def scene() -> Scene:
    """Wallets of Alice, Bob and Charlie."""
    wallets = ["alice", "bob", "charlie"]
    return Scene(adapter.load(), wallets, random.Random(1), datetime(2026, 1, 1, tzinfo=UTC))


def test_a_request_is_written_as_http() -> None:
    request = Request("POST", "/pay", {"Idempotency-Key": "k-1"}, b'{"a":"\xc3\xbc"}')

    assert messages.encode(request, HERE) == (
        b"POST /pay HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nAuthorization: Bearer k.s\r\n"
        b'Idempotency-Key: k-1\r\nContent-Length: 10\r\n\r\n{"a":"\xc3\xbc"}'
    )


def test_a_get_has_no_length_and_a_post_without_a_body_has_one() -> None:
    assert b"Content-Length" not in messages.encode(Request("GET", "/"), HERE)
    assert b"Content-Length: 0" in messages.encode(Request("POST", "/"), HERE)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "requests"
    written = [b"one\r\n\r\n", b"", b"12\n34", b"\x00\xff" * 500]

    assert messages.write_file(file, written) == 4
    assert list(messages.read_file(file)) == written


def test_a_file_that_is_cut_short_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "requests"
    messages.write_file(file, [b"whole", b"cut"])
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(ValueError, match="cut short"):
        list(messages.read_file(file))


@pytest.mark.parametrize("load", [one for one in loads.LOADS if one.moves])
def test_no_two_requests_that_move_money_are_the_same(load: loads.Load) -> None:
    count = 5 if load.commands > 1 else 50
    first = [messages.encode(one, HERE) for one in itertools.islice(load.build(scene()), count)]
    again = [messages.encode(one, HERE) for one in itertools.islice(load.build(scene()), count)]

    assert len(set(first + again)) == 2 * count


def test_one_withdrawal_in_ten_asks_for_more_than_there_is() -> None:
    load = loads.BY_NAME["withdraw"]
    bodies = [request.body for request in itertools.islice(load.build(scene()), 100)]

    assert sum(b'"10000000000000.00"' in body for body in bodies) == 10
    assert load.expected(adapter.load()) == [201, 422]


def test_nobody_pays_himself() -> None:
    for name in ("transfer", "transfer, Zipf", "transfer, to one wallet"):
        for request in itertools.islice(loads.BY_NAME[name].build(scene()), 100):
            source = request.path.split("/")[4]
            assert source.encode() not in request.body, name


def test_reads_are_prepared_once_and_sent_again() -> None:
    asked = list(loads.prepare(loads.BY_NAME["balance"], scene(), 1_000_000))
    assert len(asked) == 20_000


def test_an_answer_is_whole_when_its_body_is() -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n"

    assert open_loop.parse(head[:-1]) is None
    assert open_loop.parse(head + b"abc") is None
    assert open_loop.parse(head + b"abcd") == (201, b"abcd")
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    assert open_loop.parse(chunked) is None
    whole = open_loop.parse(chunked + b"0\r\n\r\n")
    assert whole is not None
    assert whole[0] == 200


def test_a_load_counts_only_with_the_answers_it_expects() -> None:
    def said(statuses: dict[int, int], *, broken: int = 0, exhausted: bool = False) -> str:
        answers = Answers(1.0, statuses, {}, broken, exhausted)
        return complaint(answers, {201, 422}, {201, 422})

    assert said({201: 9, 422: 1}) == ""
    assert said({}) == "no answer at all"
    assert said({201: 9, 422: 1, 500: 2, 429: 3}) == "unexpected answers: 3 x 429, 2 x 500"
    assert said({201: 10}) == "no answer with status 422"
    assert said({201: 9, 422: 1}, broken=2) == "2 requests without an answer"
    assert "ran out" in said({201: 9, 422: 1}, exhausted=True)


def test_a_file_without_the_functions_is_no_adapter(tmp_path: Path) -> None:
    file = tmp_path / "theirs.py"
    file.write_text("NAME = 'theirs'\nEXPECTED = {}\n")

    with pytest.raises(adapter.NotAnAdapter, match="create_wallet, read_id, deposit"):
        adapter.load(file)
    with pytest.raises(adapter.NotAnAdapter, match="no Python file"):
        adapter.load(tmp_path / "nothing.py")
