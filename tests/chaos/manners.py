"""What every answer owes to whoever asked, while half of the service is broken."""

from __future__ import annotations

from collections.abc import Iterable

from tests.stress.faults.journal import NO_ANSWER, Answer


def keep_their_manners(answers: Iterable[Answer]) -> None:
    """Check: errors are problems with a code, 502 and 504 are the edge's, and none is a 500."""
    for answer in answers:
        if answer.status == NO_ANSWER:
            continue
        kind = answer.headers.get("content-type", "")
        assert kind in ("application/json", "application/problem+json"), answer
        if answer.status >= 400:
            assert answer.json["code"], answer
        assert answer.status < 500 or answer.status in (502, 503, 504), answer
        if answer.status in (429, 503):
            assert int(answer.headers["retry-after"]) > 0, answer
