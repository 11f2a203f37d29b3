"""What the pre-scan lets through, and what it turns down."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet_project.kit.errors import Invalid
from wallet_project.kit.strict_json import (
    DEPTH_MAX,
    DuplicateKey,
    ForbiddenCharacter,
    MalformedJson,
    TooDeep,
    scan,
)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b' {"amount": "10.00", "metadata": {"a": {"a": 1}}} ',
        b'{"note": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        b'{"note": "\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        '{"note": "Grüße, привет, 💸"}'.encode(),
        b'{"note": "\\ud83d\\udcb8"}',
        b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
        b"[" + b",".join([b"[[]]"] * 50) + b"]",
        b"9" * 5000,
    ],
)
def test_takes_json(body: bytes) -> None:
    scan(body)


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        (b"", MalformedJson, ""),
        (b"{", MalformedJson, ""),
        (b"{} {}", MalformedJson, ""),
        (b"{'a': 1}", MalformedJson, ""),
        (b"[1,]", MalformedJson, ""),
        (b"[01]", MalformedJson, ""),
        (b"[NaN]", MalformedJson, ""),
        (b"[-Infinity]", MalformedJson, ""),
        (b'["\x00"]', MalformedJson, ""),
        (b'["\n"]', MalformedJson, ""),
        (b"\xef\xbb\xbf{}", MalformedJson, ""),
        (b'{"a": "\xff"}', MalformedJson, ""),
        (b'{"a": "\xed\xa0\x80"}', MalformedJson, ""),
        ('{"a": 1}'.encode("utf-16"), MalformedJson, ""),
        (b'{"amount": 1, "amount": 2}', DuplicateKey, "amount"),
        (b'{"amount": 1, "am\\u006funt": 2}', DuplicateKey, "amount"),
        (b'{"metadata": {"k": 1, "k": 1}}', DuplicateKey, "k"),
        (b'{"\\ud800": 1, "\\ud800": 2}', DuplicateKey, "?"),
        (b"[" * 21 + b"]" * 21, TooDeep, ""),
        (b'{"a":' * 21 + b"1" + b"}" * 21, TooDeep, ""),
        (b"[{" * 30_000, TooDeep, ""),
        (b'{"metadata": {"note": "a\\u0000b"}}', ForbiddenCharacter, "metadata.note"),
        (b'{"metadata": {"list": ["x", "\\ud800"]}}', ForbiddenCharacter, "metadata.list.1"),
        (b'{"metadata": {"k\\udfff": 1}}', ForbiddenCharacter, "metadata"),
    ],
)
def test_turns_down(body: bytes, error: type[Invalid], field: str) -> None:
    with pytest.raises(error) as caught:
        scan(body)
    assert caught.value.field == field


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(_JSON)
def test_takes_whatever_a_sane_encoder_writes(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        scan(text)
    except (ForbiddenCharacter, MalformedJson):
        assert "\x00" in str(value) or "\\x00" in repr(value) or b"\xed" in text


@given(st.binary(max_size=80))
def test_never_fails_in_another_way(body: bytes) -> None:
    try:
        scan(body)
    except Invalid:
        return
    json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 32_000 + b"\\",
        b'{"a":"' + b"\\\\" * 32_000,
        b'"[' * 30_000,
        b'["\\u0041' + b"x" * 60_000 + b'"]',
    ],
)
def test_hostile_bodies_cost_no_more_than_honest_ones(body: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(Invalid):
        scan(body)
        raise MalformedJson("honest")
    assert time.perf_counter() - started < 0.2
