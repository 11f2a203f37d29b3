"""Query strings and headers."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.api.callers import call
from wallet_project.kit.errors import Invalid
from wallets.api import errors, parameters


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T10:30:00", datetime(2024, 1, 1, 10, 30, tzinfo=UTC)),
        ("2024-01-01T10:30", datetime(2024, 1, 1, 10, 30, tzinfo=UTC)),
        ("2024-01-01 10:30:00", datetime(2024, 1, 1, 10, 30, tzinfo=UTC)),
        ("2024-01-01t10:30:00z", datetime(2024, 1, 1, 10, 30, tzinfo=UTC)),
        ("2024-01-01T10:30:00Z", datetime(2024, 1, 1, 10, 30, tzinfo=UTC)),
        ("2024-01-01T10:30:00.5Z", datetime(2024, 1, 1, 10, 30, 0, 500_000, tzinfo=UTC)),
        ("2024-01-01T10:30:00.123456789Z", datetime(2024, 1, 1, 10, 30, 0, 123_456, tzinfo=UTC)),
        ("2024-01-01T10:30:00+02:00", datetime(2024, 1, 1, 8, 30, tzinfo=UTC)),
        ("2024-01-01T10:30:00-05:30", datetime(2024, 1, 1, 16, 0, tzinfo=UTC)),
        ("1000-01-01T00:00:00", datetime(1000, 1, 1, tzinfo=UTC)),
    ],
)
def test_timestamps(text: str, moment: datetime) -> None:
    assert parameters.timestamp(call(query=f"timestamp={quote(text)}")) == moment


def test_a_plus_that_was_not_escaped() -> None:
    sent = call(query="timestamp=2024-01-01T10:30:00+02:00")
    assert parameters.timestamp(sent) == datetime(2024, 1, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-01-01",
        "1704105000",
        "2024-02-30T00:00:00",
        "2024-01-01T24:00:00",
        "2024-01-01T10:30:60",
        "2024-01-01T10:30:00+25:00",
        "2024-01-01T10:30:00.Z",
        "2024-01-01T10:30:00Z ",
        "0001-01-01T00:00:00",
        "1000-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        "２０２４-01-01T10:30:00",
    ],
)
def test_bad_timestamps(text: str) -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        parameters.timestamp(call(query=f"timestamp={quote(text)}"))
    assert caught.value.field == "timestamp"


def test_a_missing_timestamp() -> None:
    with pytest.raises(errors.FieldRequired):
        parameters.timestamp(call())


@pytest.mark.parametrize(("query", "limit"), [("", 50), ("limit=1", 1), ("limit=200", 200)])
def test_limits(query: str, limit: int) -> None:
    assert parameters.wallets_query(call(query=query)).limit == limit


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=",
        "limit=1.0",
        "limit=1e1",
        "limit=%2B5",
        "limit=٥",
        "limit=99999999999999999999",
        "limit=5&limit=5",
        "Limit=5",
        "page=2",
        "offset=0",
        "userId=%00",
        "userId=%ff",
        "&".join(f"a{n}=1" for n in range(30)),
    ],
)
def test_bad_parameters(query: str) -> None:
    with pytest.raises(errors.InvalidParameter):
        parameters.wallets_query(call(query=query))


def test_only_wallets_can_be_searched_by_customer() -> None:
    assert parameters.wallets_query(call(query="userId=u%201")).user_id == "u 1"
    with pytest.raises(errors.InvalidParameter):
        parameters.history_query(call(query="userId=u"))


@given(st.uuids())
def test_cursors_of_wallets(last: UUID) -> None:
    cursor = parameters.wallets_cursor(last)
    assert parameters.wallets_query(call(query=f"cursor={cursor}")).before == last


@given(st.integers(1, 2**63 - 1))
def test_cursors_of_history(last: int) -> None:
    cursor = parameters.history_cursor(last)
    assert parameters.history_query(call(query=f"cursor={cursor}")).before_sequence == last


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "AAAA",
        "%00",
        "é",
        "' OR 1=1 --",
        parameters.wallets_cursor(UUID(int=1)),
        parameters.history_cursor(1) + "=",
        parameters.history_cursor(1)[:-1],
        parameters.history_cursor(1) + "\n",
    ],
)
def test_bad_cursors(cursor: str) -> None:
    with pytest.raises(errors.InvalidCursor):
        parameters.history_query(call(query=f"cursor={quote(cursor)}"))


@pytest.mark.parametrize(
    ("sent", "version"),
    [('"3"', 3), ("*", None), (None, None), ('W/"3"', 0), ('"x"', 0), ('""', 0), (' "12" ', 12)],
)
def test_if_match(sent: str | None, version: int | None) -> None:
    headers = {} if sent is None else {"if-match": sent}
    assert parameters.expected_version(call(headers=headers)) == version


@pytest.mark.parametrize("sent", ["3", '"1", "2"', "", "abc"])
def test_bad_if_match(sent: str) -> None:
    with pytest.raises(errors.InvalidHeader):
        parameters.expected_version(call(headers={"if-match": sent}))


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (None, False),
        ('"3"', True),
        ('W/"3"', True),
        ('"1", "3"', True),
        ("*", True),
        ('"33"', False),
        ("3", False),
        ("", False),
    ],
)
def test_if_none_match(sent: str | None, known: bool) -> None:
    headers = {} if sent is None else {"if-none-match": sent}
    assert parameters.is_known_to_caller(call(headers=headers), 3) is known


@pytest.mark.parametrize("sent", ["", "-1", "1.0", "x", " 1", "９"])
def test_bad_min_version(sent: str) -> None:
    with pytest.raises(errors.InvalidHeader):
        parameters.min_version(call(headers={"x-min-version": sent}))


def test_min_version() -> None:
    assert parameters.min_version(call(headers={"x-min-version": "4"})) == 4


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=utf8; q=1",
    ],
)
def test_media_types(media_type: str) -> None:
    sent = call("POST", headers={"content-type": media_type, "content-length": "5"})
    assert parameters.check_body_headers(sent, bytes_max=5) == 5


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, errors.UnsupportedMediaType),
        ({"content-type": ""}, errors.UnsupportedMediaType),
        ({"content-type": "text/json"}, errors.UnsupportedMediaType),
        ({"content-type": "application/x-www-form-urlencoded"}, errors.UnsupportedMediaType),
        ({"content-type": "application/merge-patch+json"}, errors.UnsupportedMediaType),
        ({"content-type": "application/json; charset=latin-1"}, errors.UnsupportedMediaType),
        (
            {"content-type": "application/json", "content-encoding": "gzip"},
            errors.UnsupportedMediaType,
        ),
        ({"content-type": "application/json", "content-length": "6"}, errors.BodyTooLarge),
        ({"content-type": "application/json", "content-length": "-1"}, errors.BadRequest),
        ({"content-type": "application/json", "content-length": "+5"}, errors.BadRequest),
    ],
)
def test_bad_bodies_are_known_by_their_headers(
    headers: dict[str, str], error: type[Invalid]
) -> None:
    with pytest.raises(error):
        parameters.check_body_headers(call("POST", headers=headers), bytes_max=5)


def test_a_patch_may_say_that_it_is_one() -> None:
    sent = call("PATCH", headers={"content-type": "application/merge-patch+json"})
    assert parameters.check_body_headers(sent, bytes_max=5, patch=True) is None


def test_a_cursor_has_one_spelling() -> None:
    cursor = parameters.wallets_cursor(UUID(int=0))
    with pytest.raises(errors.InvalidCursor):
        parameters.wallets_query(call(query=f"cursor={cursor[:-1]}B"))
