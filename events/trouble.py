"""How the processes that never give up live through an outage: quietly, and ever more slowly."""

from __future__ import annotations

import logging
import random
from typing import Any, Final

from wallet_project.kit.retry_metrics import RetryCount

BACK_OFF_SECONDS: Final = 1.0
BACK_OFF_SECONDS_MAX: Final = 5.0


class Trouble:
    """Says once when something goes away and once when it is back; paces the tries between."""

    def __init__(self, logger: logging.Logger, who: str, operation: str, **extra: Any) -> None:
        """Speak as `who` (`relay.interrupted`), and count tries under `operation`."""
        self._logger = logger
        self._who = who
        self._extra = extra
        self._operation = operation
        self._kind = ""
        self._delay_seconds = BACK_OFF_SECONDS
        self._count = RetryCount(operation)

    def with_(self, kind: str, error: Exception) -> float:
        """Note a failure and return how long to wait before the next try, in seconds."""
        if kind != self._kind:
            told = self._extra | {"kind": kind, "reason": str(error)}
            self._logger.error(f"{self._who}.interrupted", extra=told)
            self._kind = kind
            self._delay_seconds = BACK_OFF_SECONDS
        self._count.again(kind, error)
        delay = self._delay_seconds
        self._delay_seconds = min(delay * 1.5, BACK_OFF_SECONDS_MAX)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing

    def over(self) -> None:
        """Note a success."""
        if self._kind:
            self._logger.warning(f"{self._who}.resumed", extra=self._extra | {"kind": self._kind})
            self._count.succeeded()
            self._count = RetryCount(self._operation)
        self._kind = ""
