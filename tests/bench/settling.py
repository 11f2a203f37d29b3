"""How many accepted operations a second the worker settles: batch by batch, and one by one.

Part of `make bench`. Hands the worker's handler the messages that the outbox holds, so neither
Kafka nor HTTP is measured. Prints medians and the ratio to one transaction an operation in the same
run, which has to be ten; proves the books afterwards.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings  # noqa: E402

from tests import databases  # noqa: E402
from tests.operations import messages, stands, work  # noqa: E402
from tests.people import Company, asks, wallet_of  # noqa: E402
from wallet_project.kit import clock  # noqa: E402
from wallets import verification  # noqa: E402
from wallets.identity import WalletIdentity  # noqa: E402
from wallets.models import Client, Plan  # noqa: E402
from wallets.operations import accept_operation, deposit, group_commit  # noqa: E402

WALLETS = 200
RUNS = 3
OPERATIONS = 4_000
ENOUGH = 10.0
"""What batches have to be worth."""


def accept(wallets: Sequence[WalletIdentity], number: int) -> None:
    """Have so many deposits accepted, spread over the wallets."""
    commands = [
        deposit.command(wallet=wallets[n % len(wallets)], request=asks(1, wallet=wallets[0]))
        for n in range(number)
    ]
    for start in range(0, number, 256):
        accept_operation._attempt(commands[start : start + 256])


def rate(wallets: Sequence[WalletIdentity], *, batch: int, number: int, runs: int) -> float:
    """Measure operations a second at this length of a batch: the median of several runs."""
    rates = []
    for _ in range(runs):
        accept(wallets, number)
        waiting = messages()[-number:]
        started = time.perf_counter()
        for start in range(0, number, batch):
            work(waiting[start : start + batch])
        rates.append(number / (time.perf_counter() - started))
    return statistics.median(rates)


def main() -> int:
    """Measure, print, prove the books."""
    databases.make_test_database()
    quick = "--quick" in sys.argv
    runs, number = (1, 1_000) if quick else (RUNS, OPERATIONS)
    plan = Plan.objects.get_or_create(name="unlimited")[0]
    client = Client.objects.create(name="bench", plan=plan, created_at=clock.now())
    company = Company(client.pk, "bench", "")
    wallets = [wallet_of(company, f"w{n}") for n in range(WALLETS)]
    figures: dict[str, float] = {}
    ratios = []
    batch: int = settings.OPERATIONS_BATCH
    for name, chosen in ((f"{WALLETS} wallets", wallets), ("one wallet", wallets[:1])):
        alone = f"settling one by one, {name}"
        figures[alone] = rate(chosen, batch=1, number=number // 10, runs=runs)
        together = f"settling batches of {batch:,}, {name}"
        figures[together] = rate(chosen, batch=batch, number=number, runs=runs)
        ratios.append(figures[together] / figures[alone])
        for one in (alone, together):
            sys.stderr.write(f"{one:40} {figures[one]:8.0f} a second\n")
        sys.stderr.write(f"{'':40} {ratios[-1]:8.1f} x\n")
    group_commit.stop()
    report = verification.verify()
    is_sound = report.is_sound and set(stands()) == {"COMPLETED"}
    sys.stderr.write(f"Invariants: {'all hold' if is_sound else report.findings}\n")
    sys.stdout.write(json.dumps({"perSecond": figures, "isSound": is_sound}) + "\n")
    return 0 if is_sound and (quick or min(ratios) >= ENOUGH) else 1


if __name__ == "__main__":
    sys.exit(main())
