"""A process that moves money and dies at a named moment; started by `test_breaking_points.py`.

`python -m tests.stress.dying_worker POINT CLIENT WALLET`, with one of:

* `before-events`: the entries are written, and the process is gone before their events are;
* `after-answer`: the caller has been answered, and the process is gone the next moment.

Prints the transaction it was told of.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import django

django.setup()

from events import outbox  # noqa: E402
from wallets import idempotency  # noqa: E402
from wallets.identity import identify  # noqa: E402
from wallets.operations import deposit, group_commit  # noqa: E402
from wallets.operations._commands import MovementRequest  # noqa: E402


def die(*_: Any) -> None:
    """Be gone without a word, as after a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    point, client, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    wallet = identify(client, name)
    key = idempotency.from_header(client, "the-only-key")
    request = MovementRequest(amount=700, key=key, actor="key:test")
    if point == "before-events":
        outbox.record = die  # type: ignore[assignment]
    outcome = group_commit.run(deposit.command(wallet=wallet, request=request))
    assert outcome.record is not None
    sys.stdout.write(str(outcome.record.transaction_id))
    sys.stdout.flush()
    die()
