"""A thousand connections are opened at one moment: each is answered or cleanly turned away."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
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
    stage.wait_until_well()
    stage.journal.answers.clear()  # they had five seconds more than what `settle` allows
    stage.settle()
    assert len(stage.journal.having(Outcome.OK)) == len(stage.wallets) + len(ops)


async def _storm(stage: Stage, ops: list[Op], reads: list[str]) -> list[Answer]:
    """Open every connection, then send a request on each, and collect what comes back."""

    async def move(op: Op) -> Answer:
        stage.journal.invoke(op)
        content = json.dumps(op.content()).encode()
        answer = await _send(stage.service, f"POST /api/v1{op.path}", op.headers(), content)
        stage.journal.conclude(op, answer)
        return answer

    async def read(wallet: str) -> Answer:
        return await _send(stage.service, f"GET /api/v1/wallets/{wallet}/balance", {}, b"")

    jobs = [move(op) for op in ops] + [read(wallet) for wallet in reads]
    random.Random(stage.seed).shuffle(jobs)
    return list(await asyncio.gather(*jobs))


async def _send(service: Service, line: str, headers: dict[str, str], content: bytes) -> Answer:
    where = urlsplit(service.base)
    head = {
        "Host": where.netloc,
        "Authorization": f"Bearer {service.key}",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": "close",
    } | headers
    text = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    began = time.monotonic()
    try:
        async with asyncio.timeout(2 * HANGS_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
            writer.write(f"{line} HTTP/1.1\r\n{text}\r\n".encode() + content)
            received = await reader.read()
            writer.close()
    except (OSError, TimeoutError) as error:
        why = type(error).__name__
        return Answer(NO_ANSWER, {}, b"", time.monotonic() - began, why)
    return _parse(received, time.monotonic() - began)


def _parse(received: bytes, seconds: float) -> Answer:
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    if not first:
        return Answer(NO_ANSWER, {}, b"", seconds, "closed without an answer")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    return Answer(int(first.split()[1]), headers, body, seconds)
