"""A schema registry that answers as Confluent's does, as far as publishing needs one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import fastavro


class StubRegistry:
    """Numbers schemas from 1; refuses what is no schema; can be told to be ill."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[int]] = {}
        self.schemas: list[str] = []
        self.asked: list[str] = []
        self.authorization: list[str | None] = []
        self.answers_with = 200
        self.garbage = False
        self.url = ""

    def register(self, subject: str, schema: str) -> int:
        fastavro.parse_schema(json.loads(schema))
        if schema not in self.schemas:
            self.schemas.append(schema)
        number = self.schemas.index(schema) + 1
        if number not in self.subjects.setdefault(subject, []):
            self.subjects[subject].append(number)
        return number


@contextmanager
def stub_registry(port: int = 0) -> Iterator[StubRegistry]:
    """Run a registry."""
    stub = StubRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _, _, subject, rest = self.path.split("/")
            assert rest == "versions"
            self._answer(lambda: {"id": stub.register(unquote(subject), body["schema"])})

        def do_GET(self) -> None:
            number = int(self.path.removeprefix("/schemas/ids/"))
            self._answer(lambda: {"schema": stub.schemas[number - 1]})

        def _answer(self, make: Any) -> None:
            stub.asked.append(f"{self.command} {self.path}")
            stub.authorization.append(self.headers["Authorization"])
            status = stub.answers_with
            content = b"<html>" if stub.garbage else b""
            if status == 200 and not content:
                content = json.dumps(make()).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.end_headers()
            self.wfile.write(content or b'{"error_code": 50001, "message": "ill"}')

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
