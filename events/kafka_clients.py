"""The one place where clients of Kafka are made: by the settings of the connection, all alike.

When a client cannot reach the first broker, kafka-python says why in its log and raises only that
time ran out. Whoever sets up TLS or a password has to read the reason.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.conf import settings
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import errors as kafka_errors

_FAILED: Final = "Bootstrap connection to %s failed"
_HUNG_UP: Final = "socket disconnected"
_PERHAPS: Final = (
    "the broker hung up before it let us in: do KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM, "
    "KAFKA_SASL_USER and KAFKA_SASL_PASSWORD suit it?"
)
"""A broker that refuses a password hangs up so soon that its reason is not always read."""


class _Reasons(logging.Handler):
    """Remembers why the last connections failed, and writes nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: deque[tuple[float, str]] = deque(maxlen=64)

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(_FAILED) and isinstance(record.args, tuple):
            self._last.append((time.monotonic(), str(record.args[1])))

    def since(self, moment: float) -> list[str]:
        """List each reason once, in the order in which they were heard."""
        return list(dict.fromkeys(text for at, text in tuple(self._last) if at >= moment))


_reasons: Final = _Reasons()
_log: Final = logging.getLogger("kafka.net.manager")


def producer(**options: Any) -> Any:
    """Make a producer; it has reached a broker.

    :raises kafka.errors.KafkaError: if it could not, and why.
    """
    return _make(KafkaProducer, options)


def consumer(**options: Any) -> Any:
    """Make a consumer; it has reached a broker.

    :raises kafka.errors.KafkaError: if it could not, and why.
    """
    return _make(KafkaConsumer, options)


def admin(**options: Any) -> Any:
    """Make a client that makes and describes topics; it has reached a broker.

    :raises kafka.errors.KafkaError: if it could not, and why.
    """
    return _make(KafkaAdminClient, options)


def _make(client: Callable[..., Any], options: dict[str, Any]) -> Any:
    servers: Sequence[str] = settings.KAFKA_BOOTSTRAP_SERVERS
    words = {"bootstrap_servers": servers} | settings.KAFKA_CONNECTION | options
    _listen()
    began = time.monotonic()
    try:
        return client(**words)
    except kafka_errors.KafkaTimeoutError as error:
        reasons = _reasons.since(began)
        if not reasons:
            raise
        if any(reason.endswith(_HUNG_UP) for reason in reasons):
            reasons.append(_PERHAPS)
        raise kafka_errors.KafkaConnectionError("; ".join(reasons)) from error


def _listen() -> None:
    # At each making: whoever configures logging anew takes handlers away.
    _log.setLevel(logging.WARNING)
    _log.propagate = False
    if _reasons not in _log.handlers:
        _log.addHandler(_reasons)
