"""A process of its own that hammers the operations; started by the stress tests.

`python -m tests.stress.worker JOB JSON`, prints one JSON object with what it saw.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402

from wallets import idempotency  # noqa: E402
from wallets.identity import WalletIdentity, identify  # noqa: E402
from wallets.operations import (  # noqa: E402
    _movement,
    by_name,
    deposit,
    group_commit,
    transfer,
    withdraw,
)
from wallets.operations._commands import MovementRequest, Outcome  # noqa: E402


def main() -> None:
    """Run the job named on the command line."""
    job, arguments = sys.argv[1], json.loads(sys.argv[2])
    wait_until = arguments.pop("start_at")
    wallets = [identify(arguments["client"], name) for name in arguments.pop("wallets")]
    connections["default"].ensure_connection()
    time.sleep(max(0.0, wait_until - time.time()))
    sys.stdout.write(json.dumps(JOBS[job](wallets, arguments)))


def same_withdrawals(wallets: list[WalletIdentity], arguments: dict[str, Any]) -> dict[str, Any]:
    """Send the same withdrawals as every other process at the same moments."""
    seen: Counter[str] = Counter()
    records: dict[str, str] = {}
    began = time.time()
    for number, wallet in enumerate(wallets):
        # Drift would let the processes miss each other: every round has its moment.
        time.sleep(max(0.0, began + number * arguments["pause_seconds"] - time.time()))
        request = _asks(wallet, arguments["amount"], key=f"round-{number}")
        outcome = group_commit.run(withdraw.command(wallet=wallet, request=request))
        seen[_word(outcome)] += 1
        if outcome.record is not None:
            records[str(number)] = str(outcome.record.transaction_id)
    return {"seen": seen, "records": records}


def lists_with_shared_keys(
    wallets: list[WalletIdentity], arguments: dict[str, Any]
) -> dict[str, Any]:
    """Execute lists of deposits on an own wallet whose keys the other processes use, too."""
    seen: Counter[str] = Counter()
    generator = random.Random(arguments["seed"])
    own = wallets[arguments["seed"]]
    for number in range(arguments["lists"]):
        keys = [f"list-{number}-{key}" for key in range(arguments["length"])]
        generator.shuffle(keys)
        commands = [deposit.command(wallet=own, request=_asks(own, 1, key=key)) for key in keys]
        seen.update(_word(outcome) for outcome in _movement.execute(commands))
    return {"seen": seen}


def lists_of_transfers(wallets: list[WalletIdentity], arguments: dict[str, Any]) -> dict[str, Any]:
    """Execute lists of transfers between random wallets."""
    seen: Counter[str] = Counter()
    generator = random.Random(arguments["seed"])
    for _ in range(arguments["lists"]):
        commands = []
        for _ in range(arguments["length"]):
            source, destination = generator.sample(wallets, 2)
            commands.append(
                transfer.command(source=source, destination=destination, request=_asks(source, 1))
            )
        seen.update(_word(outcome) for outcome in _movement.execute(commands))
    return {"seen": seen}


def first_deposits(wallets: list[WalletIdentity], arguments: dict[str, Any]) -> dict[str, Any]:
    """Make the first deposits of the same names as every other process, at the same moments."""
    seen: Counter[str] = Counter()
    began = time.time()
    owner = {"client": arguments["client"], "client_name": arguments["client_name"]}
    for number in range(arguments["names"]):
        payee = by_name.payee(**owner, name=f"new-{number}", field="walletId")
        own = [
            by_name.deposit(payee=payee, request=_asks(payee.wallet, 1, key=key))
            for key in ("shared-" + str(number), f"{arguments['seed']}-{number}")
        ]
        time.sleep(max(0.0, began + number * arguments["pause_seconds"] - time.time()))
        seen.update(_word(group_commit.run(command)) for command in own)
    return {"seen": seen}


def _asks(wallet: WalletIdentity, amount: int, key: str | None = None) -> MovementRequest:
    chosen = (
        idempotency.from_header(wallet.client, key)
        if key is not None
        else idempotency.made_here(wallet.client)
    )
    return MovementRequest(amount=amount, key=chosen, actor="key:test")


def _word(outcome: Outcome) -> str:
    if outcome.error is not None:
        return outcome.error.code
    return "replayed" if outcome.replayed else "ok"


JOBS = {
    "first_deposits": first_deposits,
    "same_withdrawals": same_withdrawals,
    "lists_of_transfers": lists_of_transfers,
    "lists_with_shared_keys": lists_with_shared_keys,
}


if __name__ == "__main__":
    main()
