"""A thousand connections are opened at one moment: each is answered or cleanly turned away."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest

from tests.e2e.services import Service
from tests.stress.faults import checks
from tests.stress.faults.conftest import Stage
from tests.stress.faults.journal import NO_ANSWER, Answer, Op, Outcome

pytestmark = [pytest.mark.full_stack, pytest.mark.stress]

CONNECTIONS = 1_000
HANGS_SECONDS = 15.0


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process itself open so many sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * CONNECTIONS)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_connections_at_once_meet_no_500_and_no_silence(
    stage: Stage, many_files: None
) -> None:
    processes = stage.running.programs() | stage.running.web_processes()
    dice = random.Random(stage.seed)
    ops = [
        Op("deposit", dice.choice(stage.wallets), dice.randint(1, 9_000), key=f"storm-{number}")
        for number in range(CONNECTIONS // 2)
    ]
    reads = [dice.choice(stage.wallets) for _ in range(CONNECTIONS - len(ops))]

    answers = asyncio.run(_storm(stage, ops, reads))

    assert len(answers) == CONNECTIONS
    refused = [one for one in answers if one.status == NO_ANSWER]
    assert {one.why for one in refused} <= {"ConnectionRefusedError"}
    assert {one.status for one in answers} <= {200, 201, 429, 503, NO_ANSWER}
    statuses = Counter(one.status for one in answers)
    assert statuses[200] + statuses[201] >= CONNECTIONS / 2, statuses
    checks.every_answer_kept_its_manners(answers)
    checks.every_request_ended_in_time(answers, seconds=HANGS_SECONDS)
    assert stage.running.programs() | stage.running.web_processes() == processes
    stage.wait_until_well()
    stage.settle(answer_seconds=HANGS_SECONDS)
    assert len(stage.journal.having(Outcome.OK)) == len(stage.wallets) + len(ops)


async def _storm(stage: Stage, ops: list[Op], reads: list[str]) -> list[Answer]:
    """Open every connection, then send a request on each, and collect what comes back."""
    calls = [Call(op=op) for op in ops] + [Call(wallet=wallet) for wallet in reads]
    random.Random(stage.seed).shuffle(calls)
    await asyncio.gather(*(call.open(stage.service) for call in calls))
    return list(await asyncio.gather(*(call.send(stage) for call in calls)))


@dataclass
class Call:
    """One connection with one request: a movement, or a look at a balance."""

    op: Op | None = None
    wallet: str = ""
    began: float = 0.0
    why: str = ""
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, service: Service) -> None:
        """Connect, and remember why not."""
        self.began = time.monotonic()
        try:
            async with asyncio.timeout(HANGS_SECONDS):
                port = urlsplit(service.base).port
                self.stream = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, TimeoutError) as error:
            self.why = type(error).__name__

    async def send(self, stage: Stage) -> Answer:
        """Send the request, if there is a connection, and note its outcome."""
        if self.op is None:
            return await self._send(stage.service, f"GET /api/v1/wallets/{self.wallet}/balance")
        stage.journal.invoke(self.op)
        content = json.dumps(self.op.content()).encode()
        headers = self.op.headers()
        line = f"POST /api/v1{self.op.path}"
        answer = await self._send(stage.service, line, headers, content)
        stage.journal.conclude(self.op, answer)
        return answer

    async def _send(
        self,
        service: Service,
        line: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        content: bytes = b"",
    ) -> Answer:
        received = b""
        if self.stream is not None:
            reader, writer = self.stream
            writer.write(_request(service, line, headers, content))
            try:
                async with asyncio.timeout(2 * HANGS_SECONDS):
                    received = await reader.read()
            except (OSError, TimeoutError) as error:
                self.why = type(error).__name__
            writer.close()
        return _parse(received, self.why, time.monotonic() - self.began)


def _request(service: Service, line: str, headers: Mapping[str, str], content: bytes) -> bytes:
    sent = {
        "Host": urlsplit(service.base).netloc,
        "Authorization": f"Bearer {service.key}",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": "close",
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"{line} HTTP/1.1\r\n{text}\r\n".encode() + content


def _parse(received: bytes, why: str, seconds: float) -> Answer:
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    if why or not first:
        return Answer(NO_ANSWER, {}, b"", seconds, why or "closed without an answer")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    return Answer(int(first.split()[1]), headers, body, seconds)
