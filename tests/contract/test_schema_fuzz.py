"""Calls that are made up from the schema: good ones and bad ones are answered as it says.

`FUZZ_EXAMPLES=200` makes it longer.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.http import Api, InProcess
from tests.people import fund
from wallet_project.wsgi import application
from wallets.identity import WalletIdentity

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "6"))
"""Of each kind, good and bad, for each route."""

# A schema cannot say all that makes a call good: that a cursor is one of ours, that an address
# resolves, that an amount has no more decimals than the currency of its wallet.
_NEVER_HOLD: Final = [positive_data_acceptance]
# Answers 200 with an error for each line that is wrong, unless all are to happen or none.
_LINE_BY_LINE: Final = "POST /api/v1/transactions/bulk"

_by_lane: Final = Counter[str]()


def answered_by_the_binding(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer as WSGI does, the lane's routes by the lane where the test is about it."""
    lane = InProcess.lane
    query = environ.get("QUERY_STRING", "")
    path = quote(environ["PATH_INFO"].encode("latin-1")) + (f"?{query}" if query else "")
    if lane is None or not lane.serves(environ["REQUEST_METHOD"], path):
        return application(environ, start_response)
    _by_lane[environ["REQUEST_METHOD"]] += 1
    headers = {
        name.removeprefix("HTTP_").replace("_", "-"): value
        for name, value in environ.items()
        if value and (name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH"))
    }
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    where = {"REMOTE_ADDR": "192.0.2.9", "SERVER_NAME": "192.0.2.1"}
    status, answered, content = lane.send(environ["REQUEST_METHOD"], path, headers, body, where)
    start_response(f"{status} {HTTPStatus(status).phrase}", list(answered.items()))
    return [content]


def _fails(operation: Any, mode: GenerationMode, key: str) -> str | None:
    """Make calls of a route up; return what the first wrong answer is."""
    excluded: list[Any] = list(_NEVER_HOLD)
    if operation.label == _LINE_BY_LINE:
        excluded.append(negative_data_rejection)

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def run(case: schemathesis.Case[Any], is_known: bool) -> None:
        if mode is GenerationMode.POSITIVE and is_known:
            for kind in ("wallet_id", "name"):
                if kind in case.path_parameters:
                    case.path_parameters[kind] = "alice"
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, excluded_checks=excluded)

    try:
        run()
    except (FailureGroup, Failure) as error:
        return f"{operation.label}, {mode.value}: {error}"
    return None


def test_every_answer_is_one_that_the_schema_tells_of(
    acme: Api, alice: WalletIdentity, binding: str
) -> None:
    _by_lane.clear()
    fund(alice, 100_000)
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schema = schemathesis.openapi.from_dict(
        json.loads(json.dumps(document, default=str)), config=SchemathesisConfig()
    )
    schema.app = answered_by_the_binding
    results: list[Any] = list(schema.get_all_operations())
    operations = [result.ok() for result in results]
    assert len(operations) > 50
    failures = [
        failure
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if (failure := _fails(operation, mode, acme.key)) is not None
    ]
    assert not failures, "\n\n".join(failures)
    assert binding == "django" or min(_by_lane["GET"], _by_lane["POST"]) > EXAMPLES
