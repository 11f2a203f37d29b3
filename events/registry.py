"""A client of a schema registry, as far as publishing needs one: names schemas by numbers.

The API is Confluent's, which Karapace and Apicurio speak too.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
from functools import cache
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from events.errors import RegistryUnavailable

TOPIC_RECORD: Final = "topic-record"
"""One subject for each topic and type: `wallet.events.v1-wallet.deposited.v1`."""
RECORD: Final = "record"
"""One subject for each type, in whatever topic: `wallet.deposited.v1`."""
SUBJECTS: Final = frozenset({TOPIC_RECORD, RECORD})
_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"


@cache
def registry() -> Registry:
    """Choose the registry by settings; there must be one."""
    return Registry(
        settings.SCHEMA_REGISTRY_URL, timeout_seconds=float(settings.SCHEMA_REGISTRY_SECONDS)
    )


class Registry:
    """Registers schemas and finds them again; what it has learnt never changes, so it is kept."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImproperlyConfigured("SCHEMA_REGISTRY_URL must be an http or https address.")
        self._base = urlunsplit(
            (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
        )
        self._headers = {"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE}
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._ids: dict[tuple[str, str], int] = {}
        self._schemas: dict[int, str] = {}

    def id_of(self, subject: str, schema: str) -> int:
        """Return the number of an Avro schema; the first time, register it under the subject.

        :raises RegistryUnavailable: if the registry does not answer, or does not take the schema.
        """
        known = self._ids.get((subject, schema))
        if known is not None:
            return known
        found = self._ask(f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema})
        number = found.get("id")
        if not isinstance(number, int) or not 0 <= number < 2**32:
            raise RegistryUnavailable("The schema registry answered without a schema's number.")
        with self._lock:
            self._ids[subject, schema] = number
            self._schemas[number] = schema
        return number

    def schema(self, number: int) -> str:
        """Return the schema of a number.

        :raises RegistryUnavailable: if the registry does not answer, or does not know it.
        """
        known = self._schemas.get(number)
        if known is not None:
            return known
        schema = self._ask(f"/schemas/ids/{number}", None).get("schema")
        if not isinstance(schema, str):
            raise RegistryUnavailable("The schema registry answered without a schema.")
        with self._lock:
            self._schemas[number] = schema
        return schema

    def _ask(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = Request(  # noqa: S310 - http or https, as __init__ has seen
            self._base + path,
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers,
        )
        try:
            with urlopen(request, timeout=self._timeout_seconds) as answer:  # noqa: S310 - as above
                found = json.load(answer)
        except HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            raise RegistryUnavailable(f"The schema registry says {error.code}: {said}") from error
        except (URLError, OSError, http.client.HTTPException, ValueError) as error:
            raise RegistryUnavailable(
                f"The schema registry does not answer as one: {error}"
            ) from error
        if not isinstance(found, dict):
            raise RegistryUnavailable("The schema registry does not answer as one.")
        return found
