"""Whatever arrives, a parser reads it or refuses it in the catalogue's words."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from tests.tokens import Issuer
from tests.unit.api.callers import ACME, call
from wallet_project.kit import money, strict_json
from wallet_project.kit.errors import Invalid
from wallets import idempotency
from wallets.api import parameters, parsing
from wallets.identity import check_reference
from wallets.tokens import checking

TEXT: Final = st.text(max_size=300)
PRINTABLE: Final = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255
)
ANY_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
RULES: Final = Issuer().rules()


@given(PRINTABLE.filter(lambda text: text == text.strip() and '"' not in text))
def test_a_key_is_the_same_with_quotes_blanks_and_without(text: str) -> None:
    wanted = idempotency.from_header(ACME.client, text)
    for sent in (text, f'"{text}"', f" {text}\t"):
        found = parsing.header_key(call("POST", headers={"idempotency-key": sent}), ACME)
        assert found is not None
        assert found.digest == wanted.digest


@given(TEXT)
@example('"')
@example('""')
@example("a\u00a0")
def test_any_key_is_read_or_refused(text: str) -> None:
    try:
        found = parsing.header_key(call("POST", headers={"idempotency-key": text}), ACME)
    except Invalid as refusal:
        assert refusal.field == "Idempotency-Key"
    else:
        assert found is not None
        assert text.strip(" \t").isascii()


@given(TEXT)
@example("alice\n")
@example("\u0661")
def test_any_reference_is_kept_as_it_is_or_refused(text: str) -> None:
    try:
        found = check_reference(text)
    except Invalid as refusal:
        assert refusal.field == "reference"
    else:
        assert found == text
        assert text.isascii()
        assert quote(text, safe=":@") == text  # it stands in a path as it is


@given(
    st.datetimes(min_value=datetime(1001, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_a_moment_reads_back_from_any_zone(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert parameters.read_moment(there.isoformat()) == moment
    assert parameters.read_moment(moment.isoformat().replace("+00:00", "Z")) == moment
    assert parameters.read_moment(naive.isoformat()) == moment


@given(TEXT | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}.{0,12}\Z"))
def test_any_text_is_a_moment_in_utc_or_none(text: str) -> None:
    found = parameters.read_moment(text)
    assert found is None or found.utcoffset() == timedelta(0)


@given(TEXT | st.binary(max_size=20).map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_any_cursor_is_refused_or_the_one_that_would_be_written(text: str) -> None:
    sent = call(query=f"cursor={quote(text)}")
    try:
        wallets = parameters.wallets_query(sent).before
    except Invalid as refusal:
        assert refusal.field == "cursor"
    else:
        assert wallets is not None
        assert parameters.wallets_cursor(wallets) == text
    try:
        sequence = parameters.history_query(sent).before_sequence
    except Invalid as refusal:
        assert refusal.field == "cursor"
    else:
        assert sequence is not None
        assert parameters.history_cursor(sequence) == text


@given(st.text(max_size=200))
def test_any_query_is_read_or_refused(query: str) -> None:
    for read in (parameters.wallets_query, parameters.history_query, parameters.timestamp):
        try:
            read(call(query=query))
        except Invalid as refusal:
            assert refusal.detail


@given(TEXT)
def test_any_version_is_a_whole_number_or_refused(text: str) -> None:
    headers = {"x-min-version": text, "if-match": text, "content-length": text}
    sent = call("POST", headers=headers | {"content-type": "application/json"})
    for read in (parameters.min_version, parameters.expected_version):
        try:
            found = read(sent)
        except Invalid as refusal:
            assert refusal.detail
        else:
            assert found is None or found >= 0
    try:
        length = parameters.check_body_headers(sent, bytes_max=100)
    except Invalid as refusal:
        assert refusal.detail
    else:
        assert 0 <= (length or 0) <= 100
        assert length is not None or text == ""


@given(st.from_regex(r"\A(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?\Z"), st.sampled_from(("USD", "JPY")))
def test_an_amount_has_one_canonical_form(text: str, currency: str) -> None:
    try:
        minor = money.parse_amount(text, currency)
    except Invalid as refusal:
        assert refusal.field == "amount"
        return
    written = money.format_minor(minor, currency)
    assert money.parse_amount(written, currency) == minor
    assert money.format_minor(money.parse_amount(written, currency), currency) == written
    assert money.parse_amount(money.format_shortest(minor, currency), currency) == minor


@given(ANY_JSON, st.booleans())
def test_json_is_taken_as_the_next_reader_will_take_it_or_refused(
    value: object, is_ascii: bool
) -> None:
    body = json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    try:
        strict_json.scan(body)
    except Invalid as refusal:
        assert refusal.detail
    else:
        assert json.loads(body) == value


@given(
    st.dictionaries(st.sampled_from(("alg", "kid", "typ", "crit", "b64", "jwk")), ANY_JSON),
    st.binary(max_size=40),
)
@example({"alg": "EdDSA", "kid": "key-1", "typ": ["JWT"]}, b"{}")
@example({"alg": "EdDSA", "kid": "key-1", "crit": None}, b"{}")
@example({"alg": "none", "kid": "key-1"}, b"{}")
def test_a_tokens_header_says_what_the_rules_say_or_it_is_none(
    header: dict[str, object], payload: bytes
) -> None:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    text = f"{part(json.dumps(header).encode())}.{part(payload or b'x')}.{part(b'signature')}"
    found = checking.read(text, RULES)
    if found is not None:
        assert (header["alg"], header["kid"]) == (RULES.algorithm, found.kid)
        assert "crit" not in header
        assert checking.check(found, None, RULES) is None


@given(TEXT | st.from_regex(r"\A[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,20}\Z"))
def test_any_text_is_a_token_or_none(text: str) -> None:
    found = checking.read(text, RULES)
    assert found is None or found.text == text
