"""Log lines: one JSON object each, complete, masked, and nobody can forge a second one."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from wallet_project.kit import logs


def _line(message: str, *args: Any, **extra: Any) -> Any:
    error = sys.exc_info()[1]
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("wallets.some").makeRecord(
        "wallets.some", logging.WARNING, "file.py", 1, message, args, info, extra=extra
    )
    text = logs.JsonFormatter().format(record)
    assert "\n" not in text
    assert "\r" not in text
    return json.loads(text)


def test_a_line_has_time_level_logger_message_and_extras() -> None:
    line = _line("paid %s", "Alice", rows=3)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "wallets.some",
        "message": "paid Alice",
        "rows": 3,
    }


def test_the_request_id_stands_on_lines_within_the_request_only() -> None:
    with logs.working_for("abc"):
        assert _line("inside")["request_id"] == "abc"
    assert "request_id" not in _line("outside")


def test_line_breaks_cannot_forge_a_second_line() -> None:
    line = _line('GET /a\r\n{"level":"info"}')
    assert line["message"] == 'GET /a\r\n{"level":"info"}'


@pytest.mark.parametrize("name", ["password", "secret", "token", "authorization", "api_key"])
def test_fields_with_the_name_of_a_secret_are_masked(name: str) -> None:
    assert _line("said too much", **{name: "hunter2"})[name] == "***"


def test_an_exception_is_told_with_its_traceback() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = _line("failed")
    assert "ValueError: broken" in line["exception"]


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert _line("odd", thing={1, 2})["thing"] == "{1, 2}"
    assert _line("half a character \ud800")["message"] == "half a character \ud800"


def test_the_access_line_tells_the_request_and_nothing_private(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="wallet.access"):
        logs.log_access(method="GET", path="/x", status=200, duration_ms=1.234, client="acme")
    (record,) = caplog.records
    line = json.loads(logs.JsonFormatter().format(record))
    del line["time"]
    assert line == {
        "level": "info",
        "logger": "wallet.access",
        "message": "GET /x 200",
        "method": "GET",
        "path": "/x",
        "status": 200,
        "duration_ms": 1.2,
        "client": "acme",
    }
