"""Log records as one line of JSON each: to be read by machines, and safe to `grep`.

Everything goes through the standard library's `logging`; facts travel in `extra`. Names of fields
that could carry a secret are masked, and JSON escapes line breaks, so no caller can forge a line.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request or task this code runs for; empty outside of both."""

_STANDARD: Final = frozenset(
    {*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "request"}
)
# What `extra` may not show, whatever the code that logs it believes.
_SECRET: Final = frozenset(
    {"authorization", "api_key", "cookie", "key", "password", "secret", "secret_digest", "token"}
)
_LEVELS: Final = {level: name.lower() for level, name in logging._levelToName.items()}

access: Final = logging.getLogger("wallet.access")


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: time, level, logger, message, request id, extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; text of any origin is escaped to ASCII."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": _LEVELS.get(record.levelno, record.levelname),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in line:
                line[name] = "***" if name in _SECRET else value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line, default=str, separators=(",", ":"))


@contextmanager
def working_for(identity: str) -> Iterator[None]:
    """Put an id on every record that is logged within."""
    token = request_id.set(identity)
    try:
        yield
    finally:
        request_id.reset(token)


def log_access(*, method: str, path: str, status: int, duration_ms: float, client: str) -> None:
    """Log the one line of a request. No query, no body: they may hold what nobody should read."""
    access.info(
        "%s %s %d",
        method,
        path,
        status,
        extra={
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": round(duration_ms, 1),
            "client": client,
        },
    )


def configuration(level: str) -> dict[str, Any]:
    """Describe the logging of every process of the service, for `dictConfig`."""
    quiet = {"level": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "wallet_project.kit.logs.JsonFormatter"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": level, "handlers": ["console"]},
        "loggers": {
            # Django's own handlers would print each record a second time, and not as JSON.
            "django": {"level": "INFO", "handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # A 4xx is the caller's affair and has its access line; only our failures are errors.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # A line for every task sent, received and done would be three lines a second.
            "celery.app.trace": quiet,
            "celery.beat": quiet,
            "celery.worker.request": quiet,
            "celery.worker.strategy": quiet,
            "kafka": quiet,
            # Each try to reach a lost broker is five errors; relay and health say it once.
            "kafka.net": {"level": "CRITICAL"},
        },
    }
