"""From bodies to requests."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, date, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.handlers.asgi import ASGIRequest

from tests.unit.api.callers import ACME, call, wallet
from wallet_project.kit.errors import DomainError, Invalid
from wallets import idempotency
from wallets.api import errors, parsing
from wallets.api.calls import Call
from wallets.api.express import asgi_http
from wallets.api.parsing import ParsedMovement, Verb
from wallets.idempotency import Key


def parse(
    body: dict[str, Any] | bytes,
    *,
    verb: Verb = Verb.DEPOSIT,
    currency: str = "USD",
    key: Key | None = None,
) -> ParsedMovement:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parsing.movement(verb, wallet(currency), call("POST", key=key), ACME, sent)


def problems_of(body: dict[str, Any] | bytes, **more: Any) -> list[tuple[str, str]]:
    """Tell field and code of everything that is wrong with a body."""
    with pytest.raises(Invalid) as caught:
        parse(body, **more)
    found: tuple[DomainError, ...] = (caught.value,)
    if isinstance(caught.value, errors.RequestInvalid):
        found = caught.value.errors
    return [(error.field, error.code) for error in found]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (b'"100.00"', "USD", 10_000),
        (b'"100"', "USD", 10_000),
        (b'"100.0"', "USD", 10_000),
        (b"100", "USD", 10_000),
        (b"100.0", "USD", 10_000),
        (b"100.00", "USD", 10_000),
        (b"0.1", "USD", 10),
        (b'"\\u0031\\u0030"', "USD", 1_000),
        (b"10", "JPY", 10),
        (b'"1.234"', "KWD", 1_234),
        (b'"92233720368547758.07"', "USD", 2**63 - 1),
        (b"92233720368547758.07", "USD", 2**63 - 1),
    ],
)
def test_amounts_are_taken_as_written(amount: bytes, currency: str, minor: int) -> None:
    assert parse(b'{"amount": ' + amount + b"}", currency=currency).request.amount == minor


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (b'"10.000"', "too_many_decimals"),
        (b"10.000", "too_many_decimals"),
        (b"0.001", "too_many_decimals"),
        (b"0", "amount_not_positive"),
        (b'"0.00"', "amount_not_positive"),
        (b"-1", "amount_not_positive"),
        (b'"-1"', "amount_not_positive"),
        (b'"92233720368547758.08"', "amount_too_large"),
        (b"1" * 60, "amount_too_large"),
        (b"1e2", "malformed_amount"),
        (b"1E2", "malformed_amount"),
        (b'"1e2"', "malformed_amount"),
        (b'"+1"', "malformed_amount"),
        (b'" 1"', "malformed_amount"),
        (b'"1 "', "malformed_amount"),
        (b'"1\\n"', "malformed_amount"),
        (b'"1_000"', "malformed_amount"),
        (b'"1,000.00"', "malformed_amount"),
        (b'"01"', "malformed_amount"),
        (b'".5"', "malformed_amount"),
        (b'"5."', "malformed_amount"),
        (b'""', "malformed_amount"),
        ('"１０"'.encode(), "malformed_amount"),
        ('"١٠"'.encode(), "malformed_amount"),
        (b'"NaN"', "malformed_amount"),
        (b'"0x10"', "malformed_amount"),
        (b"null", "malformed_amount"),
        (b"true", "malformed_amount"),
        (b"[1]", "malformed_amount"),
        (b'{"value": 1}', "malformed_amount"),
    ],
)
def test_other_amounts_are_turned_down(amount: bytes, code: str) -> None:
    assert problems_of(b'{"amount": ' + amount + b"}") == [("amount", code)]


def test_yen_have_no_decimals() -> None:
    assert problems_of({"amount": "10.0"}, currency="JPY") == [("amount", "too_many_decimals")]


def test_the_callers_own_currency_decides_how_an_amount_is_read() -> None:
    assert parse({"amount": "10.000", "currency": "KWD"}).request.amount == 10_000
    assert problems_of({"amount": "10.5", "currency": "JPY"}) == [("amount", "too_many_decimals")]


@pytest.mark.parametrize("currency", ["usd", "XXX", "ABC", "U5D", "€UR", "XAU"])
def test_unknown_currencies(currency: str) -> None:
    assert problems_of({"amount": "1", "currency": currency}) == [("currency", "unknown_currency")]


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"currency": "DOLLAR"}, "currency", "invalid_field"),
        ({"currency": 5}, "currency", "wrong_type"),
        ({"referenceId": ""}, "referenceId", "invalid_field"),
        ({"referenceId": "x" * 256}, "referenceId", "invalid_field"),
        ({"referenceId": "a\tb"}, "referenceId", "invalid_field"),
        ({"referenceId": "a\x85b"}, "referenceId", "invalid_field"),
        ({"referenceId": 12}, "referenceId", "wrong_type"),
        ({"description": "x" * 256}, "description", "invalid_field"),
        ({"description": {}}, "description", "wrong_type"),
        ({"metadata": []}, "metadata", "wrong_type"),
        ({"metadata": {str(n): n for n in range(21)}}, "metadata", "invalid_field"),
        ({"metadata": {"note": "x" * 4096}}, "metadata", "invalid_field"),
        ({"channel": ""}, "channel", "invalid_field"),
        ({"channel": "Card"}, "channel", "invalid_field"),
        ({"channel": "card\n"}, "channel", "invalid_field"),
        ({"channel": "x" * 33}, "channel", "invalid_field"),
        ({"valueDate": "2026-13-01"}, "valueDate", "invalid_field"),
        ({"valueDate": "20260101"}, "valueDate", "invalid_field"),
        ({"valueDate": "2026-01-01T00:00:00Z"}, "valueDate", "invalid_field"),
        ({"valueDate": "1969-12-31"}, "valueDate", "invalid_field"),
        ({"valueDate": "2999-01-01"}, "valueDate", "invalid_field"),
        ({"walletId": "w"}, "walletId", "unknown_field"),
        ({"reference_id": "r"}, "reference_id", "unknown_field"),
        ({"destinationWalletId": "w"}, "destinationWalletId", "unknown_field"),
    ],
)
def test_one_field_that_breaks_a_rule(more: dict[str, Any], field: str, code: str) -> None:
    assert problems_of({"amount": "1.00"} | more) == [(field, code)]


@pytest.mark.parametrize(
    "more",
    [
        {"referenceId": "x" * 255},
        {"referenceId": "оплата №5 💸"},
        {"description": "x" * 255},
        {"description": "two\nlines"},
        {"metadata": {str(n): n for n in range(20)}},
        {"channel": "card-eu-2"},
        {"valueDate": "1970-01-01"},
        {"currency": None, "referenceId": None, "metadata": None, "valueDate": None},
    ],
)
def test_what_is_just_within_the_rules(more: dict[str, Any]) -> None:
    parse({"amount": "1.00"} | more)


@time_machine.travel(datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
def test_a_value_date_may_be_tomorrow_and_not_later() -> None:
    assert parse({"amount": "1", "valueDate": "2026-03-02"}).request.value_date == date(2026, 3, 2)
    assert problems_of({"amount": "1", "valueDate": "2026-03-03"}) == [
        ("valueDate", "invalid_field")
    ]


def test_one_answer_lists_everything_that_is_wrong() -> None:
    body = {
        "amount": "1.505",
        "referenceId": 5,
        "channel": "Nope",
        "valueDate": "soon",
        "surprise": True,
    }
    assert sorted(problems_of(body, verb=Verb.TRANSFER)) == [
        ("amount", "too_many_decimals"),
        ("channel", "invalid_field"),
        ("destinationWalletId", "field_required"),
        ("referenceId", "wrong_type"),
        ("surprise", "unknown_field"),
        ("valueDate", "invalid_field"),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"[]", "wrong_type"),
        (b'"text"', "wrong_type"),
        (b"null", "wrong_type"),
        (b"{", "malformed_json"),
        (b'{"amount": 1, "amount": 1}', "duplicate_key"),
    ],
)
def test_bodies_that_are_no_object(body: bytes, code: str) -> None:
    assert [found for _, found in problems_of(body)] == [code]


def test_the_header_gives_the_key_before_the_reference() -> None:
    key = idempotency.from_header(ACME.client, "k-1")
    asked = parse({"amount": "1", "referenceId": "r-1"}, key=key).request
    assert asked.key == key
    assert asked.reference == "r-1"


def test_the_reference_gives_the_key_where_no_header_does() -> None:
    first = parse({"amount": "1", "referenceId": "r-1"}).request.key
    assert first == parse({"amount": "2", "referenceId": "r-1"}).request.key
    assert first.shown == "r-1"
    others = [
        parse({"amount": "1", "referenceId": "R-1"}),
        parse({"amount": "1", "referenceId": "r-1 "}),
        parse({"amount": "1", "referenceId": "r-1"}, verb=Verb.WITHDRAW),
    ]
    assert first.digest not in {other.request.key.digest for other in others}


def test_without_either_a_key_is_made_and_told() -> None:
    one = call("POST")
    parsing.movement(Verb.DEPOSIT, wallet(), one, ACME, b'{"amount": 1}')
    assert one.key is not None
    assert one.key.origin == "made"


def _with_key(text: str) -> Call:
    return call("POST", headers={"idempotency-key": text})


@pytest.mark.parametrize(
    ("sent", "key"),
    [("k", "k"), ('"k"', "k"), (" k ", "k"), ("a b", "a b"), ("~!", "~!"), ("x" * 255, "x" * 255)],
)
def test_keys_of_headers(sent: str, key: str) -> None:
    found = parsing.header_key(_with_key(sent), ACME)
    assert found is not None
    assert (found.shown, found.digest) == (key, idempotency.from_header(7, key).digest)


@pytest.mark.parametrize("sent", ["", " ", '""', "x" * 256, "é", "a\tb", "a\x7f", '""k""'])
def test_bad_keys_of_headers(sent: str) -> None:
    with pytest.raises(errors.InvalidIdempotencyKey):
        parsing.header_key(_with_key(sent), ACME)


def test_two_keys_in_one_request_are_refused_by_the_lane() -> None:
    headers = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
    scope: dict[str, Any] = {"method": "POST", "path": "/", "query_string": b"", "headers": headers}
    with pytest.raises(errors.InvalidIdempotencyKey, match="once"):
        parsing.header_key(asgi_http.call_of(scope), ACME)
    behind = ASGIRequest(dict(asgi_http.with_one_key(scope)), BytesIO())
    with pytest.raises(errors.InvalidIdempotencyKey, match="once"):
        parsing.header_key(_with_key(behind.headers["Idempotency-Key"]), ACME)


def test_two_keys_in_one_request_are_refused_behind_gunicorn() -> None:
    sent = [("IDEMPOTENCY-KEY", "a"), ("HOST", "x"), ("IDEMPOTENCY-KEY", "b")]
    request = SimpleNamespace(headers=sent)
    runpy.run_path("deploy/gunicorn.conf.py")["pre_request"](None, request)
    assert request.headers[:-1] == [("HOST", "x")]
    with pytest.raises(errors.InvalidIdempotencyKey, match="once"):
        parsing.header_key(_with_key(request.headers[-1][1]), ACME)


def test_one_key_may_hold_a_comma() -> None:
    found = parsing.header_key(_with_key("a,b"), ACME)
    assert found is not None
    assert found.shown == "a,b"


def test_no_key_in_the_headers() -> None:
    assert parsing.header_key(call("POST"), ACME) is None


def open_wallet(body: dict[str, Any]) -> parsing.OpenWalletRequest:
    return parsing.open_wallet(call("POST"), ACME, json.dumps(body).encode())


def test_a_wallet_needs_nothing(settings: Any) -> None:
    settings.DEFAULT_CURRENCY = "EUR"
    asked = open_wallet({})
    assert (asked.user_id, asked.reference, asked.currency, asked.metadata) == (
        None,
        None,
        "EUR",
        {},
    )


@pytest.mark.parametrize(
    "reference", ["a", "0", "user:42", "a.b_c-d@e", "x" * 64, "ABC", "0" * 32, "550e8400-e29b"]
)
def test_references(reference: str) -> None:
    assert open_wallet({"reference": reference}).reference == reference


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "-a",
        ".a",
        "a b",
        "a/b",
        "a%20",
        "é",
        "a\n",
        "x" * 65,
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400-E29B-41D4-A716-446655440000",
    ],
)
def test_bad_references(reference: str) -> None:
    with pytest.raises(Invalid) as caught:
        open_wallet({"reference": reference})
    assert caught.value.field == "reference"


@pytest.mark.parametrize("user_id", ["", "x" * 256, "a\x00b", "a\nb"])
def test_bad_user_ids(user_id: str) -> None:
    with pytest.raises(Invalid):
        open_wallet({"userId": user_id})


@pytest.mark.parametrize("body", [b"{}", b'{"metadata": null}', b'{"metadata": 1}', b'{"x": 1}'])
def test_a_patch_is_of_metadata(body: bytes) -> None:
    with pytest.raises(Invalid):
        parsing.patch_wallet(body)
    assert parsing.patch_wallet(b'{"metadata": {"a": null}}') == {"a": None}
